"""``prediction.json`` holds what the contract says, and comes back as the same record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from BrainAgeLib.errors import BrainAgeError, InputError
from BrainAgeLib.records import (
    NOTICE,
    Finding,
    InputRecord,
    Prediction,
    Quality,
    RegionLeaning,
    Timings,
)
from BrainAgeLib.report.record import (
    prediction_from_dict,
    prediction_to_dict,
    read_prediction,
    write_prediction,
)

MakePerson = Callable[..., Prediction]

FIELDS: dict[str, tuple[str, ...]] = {
    "schema_version": (),
    "notice": (),
    "brain_age_years": (),
    "interval_years": (),
    "interval_level": (),
    "interval_covers": (),
    "sequence": (),
    "chronological_age_years": (),
    "sex": (),
    "gap_years": (),
    "corrected_brain_age_years": (),
    "corrected_gap_years": (),
    "correction": (
        "method", "fitted_on", "people", "age_range_years", "slope", "intercept", "site",
    ),
    "gap_percentile": (),
    "quality": ("verdict", "findings"),
    "acquisition": (
        "plane", "slice_count", "slice_spacing_mm", "slice_thickness_mm", "in_plane_mm",
        "scanner", "echo_time_ms", "repetition_time_ms",
    ),
    "input": ("path", "sha256", "series_uid", "brain_extracted"),
    "model": ("name", "version", "sha256", "age_range_years"),
    "software": ("name", "version", "dependencies"),
    "device": (),
    "timings_seconds": (
        "read", "brain_extraction", "registration", "prediction", "saliency", "total",
    ),
    "leans_on": (),
}  # fmt: skip


def through_json(prediction: Prediction) -> dict[str, Any]:
    return json.loads(json.dumps(prediction_to_dict(prediction), allow_nan=False))


def test_every_field_is_there_in_order(person: MakePerson) -> None:
    document = through_json(person())
    assert list(document) == list(FIELDS)
    for name, inner in FIELDS.items():
        if inner:
            assert tuple(document[name]) == inner, name
    assert tuple(document["quality"]["findings"][0]) == (
        "code", "severity", "message", "value", "limit",
    )  # fmt: skip


def test_values(person: MakePerson) -> None:
    document = through_json(person())
    assert document["schema_version"] == "1"
    assert document["notice"] == NOTICE
    assert document["brain_age_years"] == 63.4124
    assert document["interval_years"] == [53.1, 73.7247]
    assert document["gap_years"] == 2.4124
    assert document["corrected_gap_years"] == 1.0512
    assert document["quality"]["verdict"] == "warn"
    assert document["acquisition"]["in_plane_mm"] == [0.9375, 0.9375]


def test_gap_is_the_difference_of_the_written_ages(person: MakePerson) -> None:
    document = through_json(
        person(brain_age_years=63.00004999, chronological_age_years=61.00005001)
    )
    difference = document["brain_age_years"] - document["chronological_age_years"]
    assert document["gap_years"] == pytest.approx(difference, abs=1e-9)


def test_refused_is_null_not_zero(refused: Prediction) -> None:
    document = through_json(refused)
    assert list(document) == list(FIELDS)
    unknown = (
        "brain_age_years", "interval_years", "gap_years", "corrected_brain_age_years",
        "corrected_gap_years", "correction", "gap_percentile",
    )  # fmt: skip
    assert all(document[name] is None for name in unknown)
    assert document["quality"]["verdict"] == "refuse"


def test_skipped_stages_are_null(person: MakePerson) -> None:
    timings = through_json(person(timings_seconds=Timings(read=0.12345)))["timings_seconds"]
    assert timings["read"] == 0.123
    assert timings["saliency"] is None


def test_numpy_numbers_become_plain(person: MakePerson) -> None:
    findings = (
        Finding("a", "note", "m", np.int64(3), np.float32(0.5)),
        Finding("b", "note", "m", float("nan"), float("inf")),
        Finding("c", "note", "m", "T2", None),
    )
    prediction = person(brain_age_years=np.float32(60.5), quality=Quality(findings))
    written = through_json(prediction)
    values = [(item["value"], item["limit"]) for item in written["quality"]["findings"]]
    assert values == [(3, 0.5), (None, None), ("T2", None)]
    assert written["brain_age_years"] == 60.5


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_age_that_is_no_number_is_a_fault(person: MakePerson, value: float) -> None:
    with pytest.raises(BrainAgeError) as caught:
        prediction_to_dict(person(brain_age_years=value))
    assert caught.value.exit_code == 4


def test_round_trip(person: MakePerson, refused: Prediction) -> None:
    for prediction in (person(), refused, person(chronological_age_years=None, sex=None)):
        document = through_json(prediction)
        back = prediction_from_dict(document)
        assert prediction_to_dict(back) == document
        assert back.quality == prediction.quality
        assert back.acquisition == prediction.acquisition
        assert back.correction == prediction.correction


def test_regions_come_back(person: MakePerson) -> None:
    regions = (RegionLeaning("thalamus", 2.12345, -0.5), RegionLeaning("insula", 1.5, 0.25))
    document = through_json(person(leans_on=regions))
    assert document["leans_on"][0] == {
        "region": "thalamus", "times_average": 2.123, "mean_years": -0.5,
    }  # fmt: skip
    assert prediction_from_dict(document).leans_on[1] == regions[1]
    assert through_json(person())["leans_on"] is None


def test_file_round_trip_with_any_file_name(person: MakePerson, tmp_path: Path) -> None:
    names = ("gr\u00f6\u00dfe \u8133.nii", 'quote".nii', "not-utf8-\udcff.nii")
    for name in names:
        path = tmp_path / "prediction.json"
        write_prediction(person(input=InputRecord(name, None, None)), path)
        path.read_text(encoding="utf-8")
        assert read_prediction(path).input.path == name


def test_the_same_record_gives_the_same_bytes(person: MakePerson, tmp_path: Path) -> None:
    write_prediction(person(), tmp_path / "a.json")
    write_prediction(person(), tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize("name", ["added_later", "saliency"])
def test_a_field_that_cannot_be_is_named(person: MakePerson, name: str) -> None:
    with pytest.raises(InputError, match=name):
        prediction_from_dict({**through_json(person()), name: 1})


def test_another_schema_version_is_refused(person: MakePerson) -> None:
    with pytest.raises(InputError, match="schema version '2'"):
        prediction_from_dict({**through_json(person()), "schema_version": "2"})


def test_a_record_of_an_earlier_version_has_no_sequence(person: MakePerson) -> None:
    document = through_json(person(sequence="T1w"))
    assert prediction_from_dict(document).sequence == "T1w"
    del document["sequence"]
    assert prediction_from_dict(document).sequence is None


@pytest.mark.parametrize("name", sorted(set(FIELDS) - {"schema_version", "sequence"}))
def test_a_missing_field_is_named(person: MakePerson, name: str) -> None:
    document = through_json(person())
    del document[name]
    with pytest.raises(InputError, match=f"{name} is missing"):
        prediction_from_dict(document)


@pytest.mark.parametrize(
    "damage",
    [
        {"interval_years": [1.0]},
        {"interval_level": None},
        {"brain_age_years": "old"},
        {"quality": None},
        {"acquisition": []},
    ],
)
def test_damage_is_an_input_error(person: MakePerson, damage: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="damaged"):
        prediction_from_dict({**through_json(person()), **damage})


@pytest.mark.parametrize("content", ["", "[]", '{"schema_version"'])
def test_a_file_that_is_no_record(tmp_path: Path, content: str) -> None:
    path = tmp_path / "prediction.json"
    path.write_text(content)
    with pytest.raises(InputError):
        read_prediction(path)
