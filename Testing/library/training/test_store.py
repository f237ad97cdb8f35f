"""The slow part before training is done once for each person and kept, whole or not at all."""

from __future__ import annotations

import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from BrainAgeLib.errors import BrainAgeError, InputError
from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.training import store
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.simulate import EVALUATION_PROTOCOLS
from BrainAgeLib.training.store import (
    evaluation_file,
    maps_file,
    prepare,
    prepare_person,
    read_scans,
    training_file,
    write_scans,
)
from BrainAgeLib.training.stored_maps import ALIGNED_SCANS, read_maps
from Testing.library.phantoms import (
    coarse_brain,
    moved,
    rigid_motion,
    rms_distance_mm,
    write_volume,
)
from Testing.library.stored_scans import same_scans, stored_scan

SCANS = 3
SETTINGS = TrainingSettings(scans_per_person=SCANS)
MOTION = rigid_motion((8.0, 4.0, -4.0), (10.0, -15.0, 20.0))

pytestmark = pytest.mark.usefixtures("aligned_quickly")


@pytest.fixture
def folder(tmp_path):
    """Return a working folder as ``prepare`` makes it."""
    for name in ("scans", "registrations"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    """Return somebody whose brain is the template's, moved."""
    path = tmp_path_factory.mktemp("people") / "sub-01_T1w.nii.gz"
    return Person("sub-01", 50.0, "F", write_volume(moved(coarse_brain(), MOTION), path))


@pytest.fixture(scope="module")
def prepared(person, tmp_path_factory):
    """Return the folder of a person who was registered and simulated."""
    folder = tmp_path_factory.mktemp("prepared")
    for name in ("scans", "registrations"):
        (folder / name).mkdir()
    prepare_person(person, folder, SETTINGS)
    return folder


def test_a_person_is_registered_and_simulated(person, prepared):
    registration = np.load(prepared / "registrations" / "sub-01.npy")

    assert rms_distance_mm(registration, MOTION) < 2.0
    assert len(read_scans(training_file(prepared, person))) == SCANS
    assert len(read_scans(evaluation_file(prepared, person))) == len(EVALUATION_PROTOCOLS)


def test_maps_of_all_scans_are_kept(person, prepared):
    path = [maps_file(prepared, person)]

    assert read_maps(path, "volumes").shape[1] == len(EVALUATION_PROTOCOLS) + SCANS
    assert read_maps(path, "regional").shape[1] == min(
        ALIGNED_SCANS, len(EVALUATION_PROTOCOLS) + SCANS
    )
    assert read_maps(path, "covered")[0, : len(EVALUATION_PROTOCOLS)].all()


def test_a_known_registration_is_used(person, prepared, folder):
    known = np.load(prepared / "registrations" / "sub-01.npy")
    np.save(folder / "registrations" / "sub-01.npy", known)

    prepare_person(person, folder, SETTINGS)

    assert same_scans(
        read_scans(evaluation_file(folder, person)), read_scans(evaluation_file(prepared, person))
    )


def test_an_error_names_the_person(folder, tmp_path):
    voxels = np.zeros((1, 40, 40), np.float32)
    voxels[0, 10:30, 10:30] = 100.0
    path = write_volume(Volume(voxels, np.eye(4)), tmp_path / "slice.nii.gz")

    with pytest.raises(BrainAgeError, match=r"sub-77: the brain could not be registered"):
        prepare_person(Person("sub-77", 50.0, "F", path), folder, SETTINGS)


def test_a_whole_head_is_not_taken_for_a_brain(folder, tmp_path):
    voxels = np.full((45, 50, 45), 20.0, np.float32)
    voxels[20:] = 60.0
    path = write_volume(Volume(voxels, np.diag([4.0, 4.0, 4.0, 1.0])), tmp_path / "head.nii.gz")

    with pytest.raises(InputError, match=r"sub-77: 2880 ml of .* more than any brain has") as told:
        prepare_person(Person("sub-77", 50.0, "F", path), folder, SETTINGS)
    assert "brain-extracted" in told.value.hint
    assert not any((folder / "registrations").iterdir())


def test_another_sequence_is_not_learnt_from(folder, tmp_path):
    brain = moved(coarse_brain(), MOTION)
    dark = np.where(brain.voxels > 0, 1.1 * brain.voxels.max() - brain.voxels, 0)
    path = write_volume(brain.with_voxels(dark.astype(np.float32)), tmp_path / "t2.nii.gz")
    np.save(folder / "registrations" / "sub-77.npy", MOTION)

    with pytest.raises(InputError, match=r"sub-77: .* looks like a T2-weighted scan, not a T1"):
        prepare_person(Person("sub-77", 50.0, "F", path), folder, SETTINGS)
    assert not any((folder / "scans").iterdir())


def test_all_who_cannot_be_learnt_from_are_named_together(folder, tmp_path):
    paths = [tmp_path / f"{name}.nii.gz" for name in ("a", "b")]
    for path in paths:
        path.write_bytes(b"no image")
    people = [Person(f"sub-{path.name[0]}", 50.0, "F", path) for path in paths]
    heard = []

    with pytest.raises(InputError, match="2 people cannot be learnt from") as told:
        prepare(people, folder, SETTINGS, 1, lambda *report: heard.append(report))

    named = zip(paths, told.value.details, strict=True)
    assert all(str(path) in line for path, line in named)
    assert heard[-1] == (2, 2)


def test_nobody_is_prepared_twice(person, prepared):
    before = {path: path.stat().st_mtime_ns for path in prepared.rglob("*.np*")}
    heard = []

    prepare([person], prepared, SETTINGS, 1, lambda *report: heard.append(report))

    assert heard == [(1, 1)]
    assert {path: path.stat().st_mtime_ns for path in prepared.rglob("*.np*")} == before


def test_scans_that_are_there_are_not_simulated_again(person, prepared, folder):
    for name in ("training", "evaluation"):
        os.link(prepared / "scans" / f"sub-01_{name}.npz", folder / "scans" / f"sub-01_{name}.npz")

    prepare_person(person, folder, SETTINGS)  # without a registration: it would take long

    assert not list((folder / "registrations").iterdir())
    assert torch.equal(
        read_maps([maps_file(folder, person)], "volumes"),
        read_maps([maps_file(prepared, person)], "volumes"),
    )


def test_a_person_whose_last_file_is_missing_is_prepared_again(person, prepared, folder):
    for name in ("registrations/sub-01.npy", "scans/sub-01_training.npz"):
        os.link(prepared / name, folder / name)

    prepare_person(person, folder, SETTINGS)

    assert same_scans(
        read_scans(evaluation_file(folder, person)), read_scans(evaluation_file(prepared, person))
    )


def test_a_killed_registration_is_not_half_there(person, folder, monkeypatch):
    def killed(path, _array):
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    found = SimpleNamespace(template_to_scan=np.eye(4))
    monkeypatch.setattr(store, "register_to_template", lambda *_: found)
    monkeypatch.setattr(np, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        store.simulator_of(person, folder)

    assert not list((folder / "registrations").iterdir())


def test_scans_come_back_as_they_were_written(tmp_path):
    scans = [stored_scan(3, seed=1), stored_scan(1, seed=2), stored_scan(20, seed=3)]

    write_scans(tmp_path / "scans.npz", scans)

    assert same_scans(read_scans(tmp_path / "scans.npz"), scans)
    assert [path.name for path in tmp_path.iterdir()] == ["scans.npz"]


@pytest.mark.parametrize("is_there_before", [False, True])
def test_a_killed_write_leaves_the_old_file_or_none(tmp_path, monkeypatch, is_there_before):
    target = tmp_path / "scans.npz"
    old = [stored_scan(2, seed=1)]
    if is_there_before:
        write_scans(target, old)

    def killed(path, **_arrays):
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", killed)
    with pytest.raises(KeyboardInterrupt):
        write_scans(target, [stored_scan(5, seed=2)])

    assert target.exists() == is_there_before
    if is_there_before:
        assert same_scans(read_scans(target), old)


def test_pickles_in_a_file_of_scans_are_not_run(tmp_path):
    np.savez(tmp_path / "scans.npz", counts=np.array([object()], dtype=object))

    with pytest.raises(ValueError, match="allow_pickle"):
        read_scans(tmp_path / "scans.npz")
