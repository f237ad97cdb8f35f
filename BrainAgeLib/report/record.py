"""The record of one scan as ``prediction.json``, and back."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from numbers import Integral
from pathlib import Path
from typing import Any, TypeVar

from BrainAgeLib.errors import BrainAgeError, InputError
from BrainAgeLib.records import (
    SCHEMA_VERSION,
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
from BrainAgeLib.whole_file import write_atomically

# Far below what repeated scans of one person differ by, far above float noise.
YEARS_DECIMALS = 4
MEASURE_DECIMALS = 6
SECONDS_DECIMALS = 3
LEANING_DECIMALS = 3

Document = dict[str, Any]
Record = TypeVar("Record")


def prediction_to_dict(prediction: Prediction) -> Document:
    """Return the JSON document of a prediction: every field, in the contract's order.

    Ages are rounded first and gaps are taken of the rounded ages, so that a reader who subtracts
    finds the same number. Raises BrainAgeError when an age is NaN or infinite.
    """
    brain_age = _years(prediction.brain_age_years)
    age = _years(prediction.chronological_age_years)
    corrected = _years(prediction.corrected_brain_age_years)
    document = {
        "schema_version": prediction.schema_version,
        "notice": prediction.notice,
        "brain_age_years": brain_age,
        "interval_years": _years_range(prediction.interval_years),
        "interval_level": _measure(prediction.interval_level),
        "chronological_age_years": age,
        "sex": prediction.sex,
        "gap_years": _gap(brain_age, age),
        "corrected_brain_age_years": corrected,
        "corrected_gap_years": _gap(corrected, age),
        "correction": _section(prediction.correction),
        "gap_percentile": _measure(prediction.gap_percentile, decimals=2),
        "quality": {
            "verdict": prediction.quality.verdict,
            "findings": [_section(finding) for finding in prediction.quality.findings],
        },
        "acquisition": _section(prediction.acquisition),
        "input": _section(prediction.input),
        "model": _section(prediction.model),
        "software": _section(prediction.software),
        "device": prediction.device,
        "timings_seconds": _section(prediction.timings_seconds, decimals=SECONDS_DECIMALS),
        "leans_on": None
        if prediction.leans_on is None
        else [_section(region, decimals=LEANING_DECIMALS) for region in prediction.leans_on],
    }
    if prediction.identifiers is not None:  # only for those who asked for it
        document["identifiers"] = prediction.identifiers
    return document


def prediction_from_dict(document: Any) -> Prediction:
    """Return the prediction that a JSON document tells of; fields unknown to us are passed over.

    Raises InputError when the document has another schema version, lacks a field or holds
    something that cannot be meant.
    """
    if not isinstance(document, dict):
        raise InputError("this is no prediction record", "name a prediction.json")
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise InputError(
            f"the prediction record has schema version {version!r}, not {SCHEMA_VERSION!r}",
            "read it with the version of the program that wrote it",
        )
    try:
        return _prediction(document)
    except KeyError as error:
        raise InputError(
            f"the prediction record has no field {error.args[0]!r}", "make it again"
        ) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"the prediction record is damaged: {error}", "make it again") from error


def write_prediction(prediction: Prediction, path: Path) -> None:
    """Write ``prediction.json``, all of it or nothing. Raises BrainAgeError when it cannot."""
    text = json.dumps(prediction_to_dict(prediction), indent=2, ensure_ascii=False, allow_nan=False)
    # A file name that is not UTF-8 arrives as lone surrogates: escaped they are valid JSON, and
    # come back as the same name.
    write_atomically(path, f"{text}\n".encode(errors="backslashreplace"))


def read_prediction(path: Path) -> Prediction:
    """Read a ``prediction.json``. Raises InputError when it cannot be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}", "name a prediction.json") from error
    return prediction_from_dict(document)


def _prediction(document: Document) -> Prediction:
    return Prediction(
        schema_version=document["schema_version"],
        notice=document["notice"],
        brain_age_years=_number(document["brain_age_years"]),
        interval_years=_pair(document["interval_years"]),
        interval_level=float(document["interval_level"]),
        chronological_age_years=_number(document["chronological_age_years"]),
        sex=document["sex"],
        corrected_brain_age_years=_number(document["corrected_brain_age_years"]),
        correction=_optional_record(Correction, document["correction"]),
        gap_percentile=_number(document["gap_percentile"]),
        quality=Quality(
            tuple(_record(Finding, finding) for finding in document["quality"]["findings"])
        ),
        acquisition=_record(Acquisition, document["acquisition"]),
        input=_record(InputRecord, document["input"]),
        model=_record(ModelRecord, document["model"]),
        software=_record(SoftwareRecord, document["software"]),
        device=document["device"],
        timings_seconds=_record(Timings, document["timings_seconds"]),
        identifiers=document.get("identifiers"),
        leans_on=_leaning(document.get("leans_on")),  # records of version 1 began without it
    )


def _leaning(regions: list[Document] | None) -> tuple[RegionLeaning, ...] | None:
    return None if regions is None else tuple(_record(RegionLeaning, one) for one in regions)


def _optional_record(kind: type[Record], document: Document | None) -> Record | None:
    return None if document is None else _record(kind, document)


def _record(kind: type[Record], document: Document) -> Record:
    """Fill a record from the fields of the same names; pairs arrive as lists."""
    values = {item.name: document[item.name] for item in fields(kind)}  # type: ignore[arg-type]
    pairs = {name: _pair(value) for name, value in values.items() if isinstance(value, list)}
    return kind(**{**values, **pairs})


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _pair(value: list[float] | None) -> tuple[float, float] | None:
    if value is None:
        return None
    low, high = value
    return float(low), float(high)


def _section(record: Any, decimals: int = MEASURE_DECIMALS) -> Document | None:
    """Return a record's fields under their own names, or None when there is no record."""
    if record is None:
        return None
    return {item.name: _plain(getattr(record, item.name), decimals) for item in fields(record)}


def _plain(value: Any, decimals: int) -> Any:
    if value is None or isinstance(value, (str, dict)):
        return value
    if isinstance(value, (tuple, list)):
        return [_measure(item, decimals) for item in value]
    return _measure(value, decimals)


def _measure(value: float | None, decimals: int = MEASURE_DECIMALS) -> float | int | None:
    """Round a measurement; one that has no value is not known. numpy's numbers become Python's."""
    if value is None or not math.isfinite(value):
        return None
    return int(value) if isinstance(value, Integral) else round(float(value), decimals)


def _years(value: float | None) -> float | None:
    if value is None:
        return None
    if not math.isfinite(value):
        raise BrainAgeError(
            f"an age came out as {value}", "report this as a fault, with the scan's geometry"
        )
    return round(float(value), YEARS_DECIMALS)


def _years_range(value: tuple[float, float] | None) -> list[float | None] | None:
    return None if value is None else [_years(end) for end in value]


def _gap(brain_age: float | None, age: float | None) -> float | None:
    if brain_age is None or age is None:
        return None
    return round(brain_age - age, YEARS_DECIMALS)
