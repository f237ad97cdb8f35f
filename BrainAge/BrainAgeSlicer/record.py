"""From ``prediction.json`` to the record of the library."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.records import (
    Acquisition,
    Correction,
    Finding,
    InputRecord,
    ModelRecord,
    Prediction,
    Quality,
    RegionLeaning,
    SoftwareRecord,
    Timings,
)


def readPrediction(path: Path) -> dict[str, Any]:
    """Return the record as plain values.

    Raises BrainAgeError when it is missing or no such record.
    """
    try:
        values = json.loads(path.read_text("utf-8"))
        predictionFromDict(values)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BrainAgeError(
            f"the worker's result {path.name} cannot be read: {error!r}", "run it again"
        ) from error
    return dict(values)


def predictionFromDict(values: dict[str, Any]) -> Prediction:
    """Return the library's record; fields of a later version are left out.

    Raises KeyError or TypeError when the values are no such record.
    """
    quality = values["quality"]
    findings = tuple(_taken(Finding, finding) for finding in quality["findings"])
    correction, leansOn = values["correction"], values.get("leans_on")
    nested = {
        "quality": Quality(findings),
        "acquisition": _taken(Acquisition, values["acquisition"]),
        "input": _taken(InputRecord, values["input"]),
        "model": _taken(ModelRecord, values["model"]),
        "software": _taken(SoftwareRecord, values["software"]),
        "timings_seconds": _taken(Timings, values["timings_seconds"]),
        "correction": None if correction is None else _taken(Correction, correction),
        "leans_on": None if leansOn is None else tuple(_taken(RegionLeaning, r) for r in leansOn),
    }
    plain = {key: value for key, value in values.items() if key not in nested}
    return _taken(Prediction, {**plain, **nested})


def _taken(kind: Any, values: dict[str, Any]) -> Any:
    """Return a record of ``kind``; lists become tuples, a field without default has to be there."""
    taken = {}
    for each in fields(kind):
        if each.name in values:
            value = values[each.name]
            taken[each.name] = tuple(value) if isinstance(value, list) else value
        elif each.default is MISSING and each.default_factory is MISSING:
            raise KeyError(each.name)
    return kind(**taken)
