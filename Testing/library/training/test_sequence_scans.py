"""A person's scans of other sequences: cut once, simulated on the grid, shown as a T1, kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.template import sequences
from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH
from BrainAgeLib.template.scan_maps import volume_of_slices
from BrainAgeLib.training import sequence_scans
from BrainAgeLib.training.fold import Fold
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.sequence_scans import (
    DRAWN,
    EXPERT_SCANS,
    MEASURED_SCANS,
    SEQUENCE_SCANS,
    USUAL,
    cut_person,
    protocols_of,
    scan_of,
    shown_scans,
)
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.store import (
    evaluation_file,
    maps_file,
    prepare,
    prepare_person,
    read_scans,
    sequences_file,
    simulator_of,
    training_file,
)
from BrainAgeLib.training.stored_maps import LEVEL_STEP, read_maps, stored_maps, unpacked
from BrainAgeLib.training.tissue_parts import INNER_FLUID, PARTS, WHITE
from Testing.library.labelled import labelled_person, untaught_network, with_other
from Testing.library.phantoms import coarse_labels, write_volume
from Testing.library.stored_scans import quick_alignment, same_scans, store_person

SEED = 3
SETTINGS = TrainingSettings(seed=SEED)


@pytest.fixture(scope="module", autouse=True)
def untaught():
    """Let an untaught network stand for the bundled one, and align in few steps."""
    with pytest.MonkeyPatch.context() as patch, quick_alignment():
        patch.setattr(sequences, "sequence_network", untaught_network)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of a run that has simulated a person's T1 scans."""
    return tmp_path_factory.mktemp("labelled")


@pytest.fixture(scope="module")
def person(folder):
    """Return that person, who has labels."""
    person = labelled_person(folder)
    store_person(folder, person)
    return person


@pytest.fixture(scope="module")
def cuts(person, folder):
    """Return the person's cut parts."""
    return cut_person(person, simulator_of(person, folder), SEED)


@pytest.fixture(scope="module")
def prepared(person, folder):
    """Return the file of the person's scans of other sequences."""
    prepare_person(person, folder, SETTINGS)
    return sequences_file(folder, person)


def test_a_person_has_a_usual_protocol_and_a_random_axial_one_that_leaves_nothing_out():
    for number in range(30):
        usual, drawn = protocols_of(f"sub-{number}", SEED)
        assert (usual.plane, usual.thickness_mm, usual.gap_mm) == ("axial", 5.0, 1.0)
        assert (drawn.plane, drawn.missing_bottom, drawn.missing_top) == ("axial", 0, 0)
    assert usual.tilt_degrees != protocols_of("sub-0", SEED)[0].tilt_degrees


def test_parts_lie_where_the_template_has_them_and_make_up_the_brain(cuts):
    assert len(cuts) == 2
    for cut in cuts:
        assert cut.values.shape[1:] == (12, GRID_HEIGHT, GRID_WIDTH)
        assert cut.values.dtype == np.uint8
        parts, (_, _, white) = cut.parts, cut.template
        assert parts.shape[1] == PARTS + 1
        assert float(parts[:, :PARTS].sum(1).max()) < 1.05
        assert white[parts[:, WHITE] > 0.9].mean() > 0.7 > 0.3 > white[parts[:, WHITE] < 0.1].mean()
        assert float(cut.wanted[parts[:, WHITE] > 0.95].median()) == pytest.approx(1.0, abs=0.1)
    assert not np.array_equal(cuts[USUAL].planes, cuts[DRAWN].planes)


def test_what_is_wanted_is_the_t1_as_the_models_read_it(person, folder, cuts, monkeypatch):
    def darker(slices):
        return replace(slices, images=0.5 * slices.images)

    monkeypatch.setattr(sequence_scans, "harmonised", darker)
    other = cut_person(person, simulator_of(person, folder), SEED)[USUAL]

    white = other.parts[:, WHITE] > 0.95
    assert float(other.wanted[white].median()) == pytest.approx(0.5, abs=0.05)
    assert torch.equal(other.parts, cuts[USUAL].parts)


def test_a_scan_is_masked_and_slices_without_brain_are_left_out(cuts):
    cut = cuts[USUAL]
    empty = replace(cut, values=np.concatenate([cut.values[:1] * 0, cut.values]))

    (image, mask), kept = scan_of(empty, "T2w", np.random.default_rng(1))

    assert 0 not in kept.tolist()
    assert len(image) == len(kept) > 15
    assert float(image[mask == 0].abs().max()) == 0.0
    parts = empty.parts[kept]
    fluid, white = (float(image[parts[:, n] > 0.7].median()) for n in (INNER_FLUID, WHITE))
    assert fluid > 1.2 * white


def test_labels_of_another_grid_or_another_order_are_refused(person, folder, tmp_path):
    simulator, labels = simulator_of(person, folder), coarse_labels()
    moved = Volume(labels.voxels, labels.affine + np.diag([0, 0, 0, 0]) + 2 * np.eye(4, k=3))
    bids = Volume(np.array([0, 3, 1, 2], np.float32)[labels.voxels.astype(int)], labels.affine)
    for volume, words in ((moved, "sub-01: the labels .* not on the scan's grid"),
                          (bids, "sub-01: .* not from dark to bright"),
                          (with_other(labels, 257), "sub-01: .* hold 257, which is no tissue"),
                          (with_other(labels, -1), "sub-01: .* hold -1, which")):  # fmt: skip
        path = write_volume(volume, tmp_path / "sub-01_dseg.nii.gz")
        with pytest.raises(InputError, match=words) as caught:
            cut_person(replace(person, labels=path), simulator, SEED)
        assert caught.value.hint
    with pytest.raises(ValueError, match="sub-01 has no labels"):
        cut_person(replace(person, labels=None), simulator, SEED)


def test_the_scans_that_are_measured_come_first():
    assert [one[0] for one in SEQUENCE_SCANS[:MEASURED_SCANS]] == list(sequences.READ)
    assert {one[1:] for one in SEQUENCE_SCANS[:MEASURED_SCANS]} == {(USUAL, 0)}
    assert SEQUENCE_SCANS[MEASURED_SCANS:] == (
        ("T2w", DRAWN, 0), ("FLAIR", DRAWN, 0), ("T2w", USUAL, 1),
        ("FLAIR", USUAL, 1), ("T2w", DRAWN, 1), ("FLAIR", DRAWN, 1),
    )  # fmt: skip


def test_maps_of_other_sequences_are_kept_in_their_order(prepared, cuts):
    volumes = read_maps([prepared], "volumes")[0]
    shown = shown_scans(cuts, "sub-01", SEED)

    assert volumes.dtype == torch.uint8
    assert len(volumes) == len(SEQUENCE_SCANS) == len(shown) == 9
    for stored, slices in zip(volumes, shown, strict=True):
        exact, found = volume_of_slices(slices), unpacked(stored)
        assert torch.equal(found.seen, exact.seen)
        assert (found.images - exact.images).abs().max() <= 0.501 * LEVEL_STEP
    assert len({volume.numpy().tobytes() for volume in volumes}) == 9
    assert read_maps([prepared], "covered").tolist() == [[True] * EXPERT_SCANS]
    assert read_maps([prepared], "regional").shape[1] == EXPERT_SCANS
    assert read_maps([prepared], "regional").dtype == torch.float16


def test_the_measured_scans_come_back_with_their_slices(prepared, cuts):
    scans = read_scans(prepared)

    assert len(scans) == MEASURED_SCANS
    usual = protocols_of("sub-01", SEED)[USUAL]
    for scan, maps, slices in zip(
        scans, stored_maps(prepared, scans), shown_scans(cuts, "sub-01", SEED), strict=False
    ):
        assert (scan.plane, scan.spacing_mm) == ("axial", 6.0)
        assert scan.tilt_degrees == max(map(abs, usual.tilt_degrees))
        assert torch.allclose(maps.slices.images, slices.images, atol=0.01)
        assert maps.covers_brain


def test_whoever_lacks_them_is_prepared_and_what_is_there_is_kept(person, prepared, folder):
    others = [make(folder, person) for make in (maps_file, evaluation_file, training_file)]
    before = [path.stat().st_mtime_ns for path in [*others, prepared]]
    heard = []

    prepare([person], folder, SETTINGS, 1, lambda *report: heard.append(report))
    assert heard == [(1, 1)]
    content = read_maps([prepared], "volumes")
    prepared.unlink()
    prepare_person(person, folder, SETTINGS)

    assert [path.stat().st_mtime_ns for path in others] == before[:-1]
    assert torch.equal(read_maps([prepared], "volumes"), content)


def test_a_person_without_them_waits(person, folder, tmp_path, monkeypatch):
    from BrainAgeLib.training import store

    (tmp_path / "scans").mkdir()
    maps_file(tmp_path, person).symlink_to(maps_file(folder, person))
    asked = []
    monkeypatch.setattr(store, "worker_pool", lambda *_: _Pool(asked))

    prepare([replace(person, labels=None), person], tmp_path, SETTINGS, 1, lambda *_: None)

    assert asked == [person]


class _Pool:
    """Stands for a pool of workers: keeps whom it was asked to prepare."""

    def __init__(self, asked):
        self.asked = asked

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def submit(self, _work, person, *_more):
        """Keep the person; return what is done."""
        from concurrent.futures import Future

        self.asked.append(person)
        done = Future()
        done.set_result(None)
        return done


def test_a_killed_write_leaves_no_file(person, folder, tmp_path, monkeypatch):
    (tmp_path / "scans").mkdir()
    (tmp_path / "registrations").symlink_to(folder / "registrations")
    for make in (maps_file, evaluation_file, training_file):
        make(tmp_path, person).symlink_to(make(folder, person))

    def killed(path, **_arrays):
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", killed)
    with pytest.raises(KeyboardInterrupt):
        prepare_person(person, tmp_path, SETTINGS)

    assert not sequences_file(tmp_path, person).exists()
    assert same_scans(
        read_scans(evaluation_file(tmp_path, person)), read_scans(evaluation_file(folder, person))
    )


def test_a_fold_is_shown_those_of_the_people_it_is_trained_on(tmp_path):
    people = [Person(f"sub-{n}", 40.0, "F", None) for n in range(4)]
    fold = Fold(1, people, np.array([0, 1, 1, 0]), tmp_path, SETTINGS, "cpu", lambda *_: None)
    (tmp_path / "scans").mkdir()
    assert fold.other_sequences() is None
    for number in (1, 3):  # the first of them is not trained on
        volumes = np.full((9, 2, 2, 2), number, np.uint8)
        np.savez(sequences_file(tmp_path, people[number]), volumes=volumes)

    found = fold.other_sequences()

    assert found.places.tolist() == [-1, 0]
    assert torch.equal(found.volumes, torch.full((1, 9, 2, 2, 2), 3, dtype=torch.uint8))
