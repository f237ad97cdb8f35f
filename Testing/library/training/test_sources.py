"""A file that was mended is prepared anew, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.training import same_run
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.store import (
    evaluation_file,
    maps_file,
    registration_file,
    sequences_file,
    training_file,
)

OF_SCAN = (registration_file, training_file, evaluation_file, maps_file)
FILES = (*OF_SCAN, sequences_file)


def check_sources(people, folder, is_begun):
    """Check them by two threads; return what was told meanwhile."""
    told = []
    same_run.check_sources(people, folder, is_begun, 2, lambda *far: told.append(far))
    return told


@pytest.fixture
def people(tmp_path):
    """Return two people with a scan and labels, all prepared in ``work``."""
    made = []
    for name in ("sub-a", "sub-b"):
        scan, labels = tmp_path / f"{name}_T1w.nii.gz", tmp_path / f"{name}_dseg.nii.gz"
        scan.write_bytes(b"scan")
        labels.write_bytes(b"labels")
        made.append(Person(name, 50.0, "F", scan, labels=labels))
    for person in made:
        for make in FILES:
            path = make(tmp_path / "work", person)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    check_sources(made, tmp_path / "work", is_begun=False)
    return made


def kept(person, folder):
    """Return what is still there of a person."""
    return tuple(make for make in FILES if make(folder / "work", person).exists())


def test_what_was_made_of_another_scan_goes(people, tmp_path):
    people[0].path.write_bytes(b"mended")

    check_sources(people, tmp_path / "work", is_begun=False)

    assert kept(people[0], tmp_path) == ()
    assert kept(people[1], tmp_path) == FILES
    check_sources(people, tmp_path / "work", is_begun=True)


@pytest.mark.parametrize("are_taken_away", [True, False])
def test_only_what_was_made_of_other_labels_goes(people, tmp_path, are_taken_away):
    people[0].labels.write_bytes(b"mended")
    changed = replace(people[0], labels=None) if are_taken_away else people[0]

    check_sources([changed, people[1]], tmp_path / "work", is_begun=False)

    assert kept(people[0], tmp_path) == OF_SCAN
    assert kept(people[1], tmp_path) == FILES


def test_a_scan_that_was_moved_is_the_same(people, tmp_path):
    moved = replace(people[0], path=people[0].path.rename(tmp_path / "moved"))

    check_sources([moved, people[1]], tmp_path / "work", is_begun=False)

    assert kept(moved, tmp_path) == FILES


def test_a_scan_that_cannot_be_read_is_not_another(people, tmp_path):
    people[0].path.unlink()
    check_sources(people, tmp_path / "work", is_begun=True)
    people[0].path.write_bytes(b"mended")

    check_sources(people, tmp_path / "work", is_begun=False)

    assert kept(people[0], tmp_path) == ()


def test_models_of_another_scan_are_not_gone_on_with(people, tmp_path):
    people[0].path.write_bytes(b"mended")

    with pytest.raises(InputError, match="other scans or labels of 1 of these people") as told:
        check_sources(people, tmp_path / "work", is_begun=True)

    assert told.value.details == ("sub-a",)
    assert kept(people[0], tmp_path) == FILES


def test_models_of_a_scan_that_could_not_be_read_at_first_are_gone_on_with(people, tmp_path):
    (tmp_path / "work" / same_run.SOURCES_NAME).unlink()  # an earlier version noted nothing
    content = people[0].path.read_bytes()
    people[0].path.unlink()
    check_sources(people, tmp_path / "work", is_begun=True)
    people[0].path.write_bytes(content)

    check_sources(people, tmp_path / "work", is_begun=True)

    people[0].path.write_bytes(b"mended")
    with pytest.raises(InputError, match="of 1 of these people"):
        check_sources(people, tmp_path / "work", is_begun=True)


def test_it_says_how_far_it_is(people, tmp_path, monkeypatch):
    monkeypatch.setattr(same_run, "PEOPLE_A_REPORT", 2)
    third = replace(people[0], participant_id="sub-c")

    told = check_sources([*people, third], tmp_path / "work", is_begun=False)

    assert told == [(0, 3), (2, 3), (3, 3)]
