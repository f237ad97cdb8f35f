"""What a folder holds of an earlier run: prepared people stay, models never meet other people."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.same_run import begin_to_train, check_same_run
from BrainAgeLib.training.settings import TrainingSettings

SETTINGS = TrainingSettings()
PEOPLE = [Person(f"sub-{n}", 20.0 + n, "F", None, "a") for n in range(3)]


@pytest.fixture
def begun(tmp_path):
    """Return a folder where models were begun."""
    assert not check_same_run(tmp_path, SETTINGS, PEOPLE)
    begin_to_train(tmp_path, SETTINGS, PEOPLE)
    assert check_same_run(tmp_path, SETTINGS, PEOPLE[::-1])
    return tmp_path


@pytest.mark.parametrize(
    "change",
    [
        {"age_years": 21.0},
        {"site": "b"},
        {"participant_id": "sub-z"},
        {"labels": Path("sub-0_dseg.nii.gz")},
    ],
)
def test_models_are_not_gone_on_with_for_other_people(begun, change):
    others = [replace(PEOPLE[0], **change), *PEOPLE[1:]]

    with pytest.raises(
        InputError, match="settings, labels, harmonisation or slabs, of other people"
    ):
        check_same_run(begun, SETTINGS, others)
    with pytest.raises(InputError, match="of other people"):
        begin_to_train(begun, SETTINGS, others)


def test_people_may_go_before_models_are_trained(tmp_path):
    check_same_run(tmp_path, SETTINGS, PEOPLE)

    assert not check_same_run(tmp_path, replace(SETTINGS, steps=7), PEOPLE[1:])
    begin_to_train(tmp_path, SETTINGS, PEOPLE[1:])

    with pytest.raises(InputError, match="of other people"):
        check_same_run(tmp_path, SETTINGS, PEOPLE)


@pytest.mark.parametrize("change", [{"seed": 1}, {"scans_per_person": 3}])
def test_scans_of_other_settings_are_not_gone_on_with(tmp_path, change):
    check_same_run(tmp_path, SETTINGS, PEOPLE)

    with pytest.raises(InputError, match="other settings"):
        check_same_run(tmp_path, replace(SETTINGS, **change), PEOPLE)


def test_a_run_of_an_earlier_version_is_told_as_such(begun):
    path = begun / "settings.json"
    known = json.loads(path.read_text("utf-8"))
    del known["people"]  # which it did not keep
    path.write_text(json.dumps(known), "utf-8")

    with pytest.raises(InputError, match="a run of unknown people, begun by an earlier version"):
        check_same_run(begun, SETTINGS, PEOPLE)


@pytest.mark.parametrize("prepared_alone", [True, False])
@pytest.mark.parametrize(
    "earlier", [{"slabs_mm": [-63.0, 81.0]}, {"few_slices": None}], ids=lambda one: "".join(one)
)
def test_scans_that_were_shown_otherwise_are_not_gone_on_with(tmp_path, prepared_alone, earlier):
    check_same_run(tmp_path, SETTINGS, PEOPLE)
    if not prepared_alone:
        begin_to_train(tmp_path, SETTINGS, PEOPLE)
    path = tmp_path / "settings.json"
    known = json.loads(path.read_text("utf-8"))
    known |= earlier
    path.write_text(json.dumps(known), "utf-8")

    with pytest.raises(InputError, match="another version"):
        check_same_run(tmp_path, SETTINGS, PEOPLE)
