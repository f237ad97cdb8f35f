"""The record of one scan as ``prediction.json``, and back, through the codec.

The file holds the fields of ``Prediction`` in the contract's order, and what follows from them:
gaps and verdict.
"""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass, replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from BrainAgeLib.codec import Source, from_plain, read_json, to_plain
from BrainAgeLib.errors import InputError
from BrainAgeLib.records import SCHEMA_VERSION, Prediction
from BrainAgeLib.whole_file import write_atomically

FIELDS = (
    *("schema_version", "notice", "brain_age_years", "interval_years", "interval_level"),
    *("interval_covers", "sequence"),
    *("chronological_age_years", "sex", "gap_years", "corrected_brain_age_years"),
    *("corrected_gap_years", "correction", "gap_percentile", "quality", "acquisition", "input"),
    *("model", "software", "device", "timings_seconds", "leans_on"),
)
ADDED_LATER = {"sequence": None}  # what records of earlier versions do not have
FOLLOWING = ("gap_years", "corrected_gap_years")  # from other fields
ONLY_IF_ASKED_FOR = "identifiers"
# Far below what repeated scans of one person differ by, far above float noise.
YEARS_DECIMALS = 4
MEASURE_DECIMALS = 6
DECIMALS = {"gap_percentile": 2, "timings_seconds": 3, "leans_on": 3}
AGES = (
    *("brain_age_years", "interval_years"),
    *("chronological_age_years", "corrected_brain_age_years"),
)
DAMAGED = Source("the prediction record is damaged", "make it again")

Document = dict[str, Any]


def prediction_to_dict(prediction: Prediction) -> Document:
    """Return the JSON document of a prediction: every field, in the contract's order.

    Ages are rounded first and gaps are taken of the rounded ages, so that a reader who subtracts
    finds the same number. Raises BrainAgeError when an age is NaN or infinite.
    """
    rounded = _rounded(prediction)
    document = to_plain(rounded)
    for name in FOLLOWING:
        gap = getattr(rounded, name)
        document[name] = None if gap is None else round(gap, YEARS_DECIMALS)
    document["quality"] = {"verdict": rounded.quality.verdict, **document["quality"]}
    asked_for = [ONLY_IF_ASKED_FOR] if rounded.identifiers is not None else []
    return {name: document[name] for name in (*FIELDS, *asked_for)}


def prediction_from_dict(document: Any) -> Prediction:
    """Return the prediction that a JSON document tells of.

    Raises InputError when the document has another schema version, lacks a field, has one that is
    unknown or holds something that cannot be meant.
    """
    if not isinstance(document, dict):
        raise InputError("this is no prediction record", "name a prediction.json")
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise InputError(
            f"the prediction record has schema version {version!r}, not {SCHEMA_VERSION!r}",
            "read it with the version of the program that wrote it",
        )
    document = ADDED_LATER | document
    if missing := [name for name in FIELDS if name not in document]:
        raise DAMAGED.refuse(f"{missing[0]} is missing")
    if unknown := document.keys() - {*FIELDS, ONLY_IF_ASKED_FOR}:
        raise DAMAGED.refuse(f"it cannot have {ascii(min(unknown))}")
    stored = {name: value for name, value in document.items() if name not in FOLLOWING}
    if isinstance(stored["quality"], dict):
        stored["quality"] = {k: v for k, v in stored["quality"].items() if k != "verdict"}
    return from_plain(Prediction, stored, DAMAGED)


def write_prediction(prediction: Prediction, path: Path) -> None:
    """Write ``prediction.json``, all of it or nothing. Raises BrainAgeError when it cannot."""
    text = json.dumps(prediction_to_dict(prediction), indent=2, ensure_ascii=False, allow_nan=False)
    # A file name that is not UTF-8 arrives as lone surrogates: escaped they are valid JSON, and
    # come back as the same name.
    write_atomically(path, f"{text}\n".encode(errors="backslashreplace"))


def read_prediction(path: Path) -> Prediction:
    """Read a ``prediction.json``. Raises InputError when it cannot be read."""
    return prediction_from_dict(read_json(path, DAMAGED))


def _rounded(prediction: Prediction) -> Prediction:
    """Return the prediction as it is written: without the map, its numbers rounded.

    A measurement that has no value is not known; an age without a value stays, for it is a fault.
    """
    values = {
        entry.name: _number(getattr(prediction, entry.name), DECIMALS.get(entry.name))
        for entry in fields(prediction)
        if entry.name not in AGES
    }
    ages = {name: _age(getattr(prediction, name)) for name in AGES}
    return replace(prediction, **{**values, **ages, "saliency": None})


def _number(value: Any, decimals: int | None) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        inner = {entry.name: getattr(value, entry.name) for entry in fields(value)}
        return replace(value, **{name: _number(one, decimals) for name, one in inner.items()})
    if isinstance(value, tuple):
        return tuple(_number(one, decimals) for one in value)
    if not isinstance(value, Real) or isinstance(value, Integral):
        return value
    if not math.isfinite(value):
        return None
    return round(float(value), MEASURE_DECIMALS if decimals is None else decimals)


def _age(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_age, value))
    return None if value is None else round(float(value), YEARS_DECIMALS)
