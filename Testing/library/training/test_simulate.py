"""Simulated scans are repeatable, and differ as real ones do."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
import torch

from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH
from BrainAgeLib.training.appearance import EVALUATION, AppearanceRange
from BrainAgeLib.training.simulate import (
    EVALUATION_PROTOCOLS,
    IMAGE_STEP,
    LARGEST_TILT_DEGREES,
    TIGHT_PROTOCOL,
    Simulator,
    evaluation_scans,
    random_scans,
    tilted,
)
from BrainAgeLib.training.strips import LOOSE, TIGHT, Strip
from BrainAgeLib.training.thick_slices import Protocol
from Testing.library.phantoms import coarse_brain, template_brain
from Testing.library.stored_scans import same_scans

PLAIN = AppearanceRange(0.0, (0.0, 0.0), 0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def simulator(maps):
    """Return a simulator of the template's brain, at 4 mm to be quick."""
    return Simulator(coarse_brain(), np.eye(4), maps)


@pytest.fixture(scope="module")
def measured(simulator):
    """Return the scans that a model is measured on."""
    return evaluation_scans(simulator, "sub-01", seed=1)


def test_one_scan_of_each_protocol(measured):
    assert list(measured) == list(EVALUATION_PROTOCOLS)
    for name, protocol in EVALUATION_PROTOCOLS.items():
        scan = measured[name]
        assert scan.images.dtype == scan.template.dtype == np.uint8
        assert scan.images.shape == (len(scan), GRID_HEIGHT, GRID_WIDTH)
        assert scan.plane == (protocol.plane if protocol else "3d")
        assert scan.spacing_mm == (protocol.spacing_mm if protocol else 2.0)
        assert len(scan) > 10
    assert max(scan.tilt_degrees for scan in measured.values()) <= LARGEST_TILT_DEGREES
    assert measured["3D 2 mm"].tilt_degrees == 0.0


def test_a_simulated_slice_looks_like_the_template_beside_it(measured):
    scan = measured["axial 5+1 mm"]
    middle = len(scan) // 2
    brain = scan.images[middle] > 0

    alike = np.corrcoef(scan.images[middle][brain], scan.template[middle][brain])[0, 1]

    assert alike > 0.8
    levels = scan.images[middle][brain] * IMAGE_STEP
    assert 0.6 < np.median(levels) < 1.05


def test_the_same_seed_gives_the_same_scans(simulator, measured):
    again = evaluation_scans(simulator, "sub-01", seed=1)

    assert same_scans(list(again.values()), list(measured.values()))


def test_another_person_or_seed_gets_other_scans(simulator):
    one = random_scans(simulator, "sub-01", 1, seed=1)

    assert not same_scans(one, random_scans(simulator, "sub-02", 1, seed=1))
    assert not same_scans(one, random_scans(simulator, "sub-01", 1, seed=2))


def test_more_scans_leave_the_first_ones_as_they_were(simulator):
    few = random_scans(simulator, "sub-01", 2, seed=1)
    more = random_scans(simulator, "sub-01", 3, seed=1)

    assert same_scans(more[:2], few)
    assert not same_scans(more[2:], few[:1])


def test_random_scans_are_not_those_that_count(simulator, measured):
    drawn = random_scans(simulator, "sub-01", 2, seed=1)

    assert not any(same_scans([a], [b]) for a in drawn for b in measured.values())


def test_tilts_are_drawn_about_each_axis_within_their_limit():
    drawn = np.array([tilted(Protocol(), [seed]).tilt_degrees for seed in range(200)])

    assert np.abs(drawn).max() <= LARGEST_TILT_DEGREES
    assert (drawn.std(0) > 6.0).all()
    kept = tilted(Protocol("coronal", 3.0, 0.5, 1.5), [1])
    assert (kept.plane, kept.thickness_mm, kept.gap_mm, kept.in_plane_mm) == (
        "coronal",
        3.0,
        0.5,
        1.5,
    )


def test_the_registration_is_never_perfect(simulator):
    planes = [simulator.simulate(Protocol(), EVALUATION, [seed]).planes[10, 0] for seed in range(4)]

    assert 0.05 < np.std(planes) < 3.0


@pytest.fixture(scope="module")
def fine(maps):
    """Return a simulator of the template's brain at 2 mm, where a rim is more than a voxel."""
    return Simulator(template_brain(), np.eye(4), maps)


def shown(simulator, strip, after_cut=False, appearance=PLAIN, seed=3):
    """Return the levels of a scan with this strip; all else is drawn alike."""
    scan = simulator.simulate(Protocol(), appearance, [seed], strip, after_cut)
    return scan.images * IMAGE_STEP, scan


def test_the_levels_tell_fluid_from_tissue(fine):
    tissue = fine.levels >= 0.5

    assert fine.levels.shape == fine.volume.shape
    assert not fine.levels[fine.volume == 0].any()
    assert 0.6 < float(tissue[fine.volume > 0].float().mean()) < 0.95
    assert float(fine.levels[fine.ventricles].max()) < 0.35
    # The template's ventricles hold some 20 ml, and lie in its middle.
    assert 5.0 < float(fine.ventricles.sum()) * 0.008 < 50.0
    middle = fine.ventricles.nonzero().double().mean(0) / torch.tensor(fine.volume.shape)
    assert 0.3 < float(middle.min()) < float(middle.max()) < 0.7


def test_a_tight_scan_has_no_rim_and_the_same_tissue_at_the_same_place(fine):
    loose, of_loose = shown(fine, LOOSE)
    tight, of_tight = shown(fine, TIGHT)

    assert np.allclose(of_loose.planes, of_tight.planes, atol=1e-3)
    deep = torch.nn.functional.max_pool2d(-torch.from_numpy(loose), 9, 1, 4).numpy() < -0.6
    assert deep.sum() > 2000
    assert np.abs(loose - tight)[deep].mean() < 0.02
    rim = (loose > 0.05) & (loose < 0.4)
    assert tight[rim].mean() < loose[rim].mean() - 0.03
    assert (tight > 0.05).sum() < (loose > 0.05).sum()


def test_the_scan_that_is_stripped_tight_is_measured_beside_the_usual_one(simulator, measured):
    tight, usual = measured[TIGHT_PROTOCOL], measured["axial 5+1 mm"]
    number = list(EVALUATION_PROTOCOLS).index(TIGHT_PROTOCOL)
    entropy = [1, 1000 + number, zlib.crc32(b"sub-01")]
    protocol = tilted(EVALUATION_PROTOCOLS[TIGHT_PROTOCOL], entropy)

    again, loose = (
        simulator.simulate(protocol, EVALUATION, entropy, strip) for strip in (TIGHT, LOOSE)
    )

    assert number == len(EVALUATION_PROTOCOLS) - 1
    assert EVALUATION_PROTOCOLS[TIGHT_PROTOCOL] == EVALUATION_PROTOCOLS["axial 5+1 mm"]
    assert same_scans([tight], [again])
    assert not same_scans([tight], [loose])
    assert not np.array_equal(tight.planes[0], usual.planes[0])  # placed and tilted anew


def test_slices_that_are_stripped_are_cut_along_what_they_show(fine):
    """Stripped before they are cut, they show dark edges where tissue and nothing are mixed."""
    before, of_before = shown(fine, TIGHT)
    after, of_after = shown(fine, TIGHT, after_cut=True)

    assert np.allclose(of_before.planes, of_after.planes, atol=1e-3)
    assert (after > 0.05).sum() != (before > 0.05).sum()
    both = (after > 0) & (before > 0)
    assert (after - before)[both].mean() > 0.0
    deep = torch.nn.functional.max_pool2d(-torch.from_numpy(before), 9, 1, 4).numpy() < -0.6
    assert np.abs(after - before)[deep].mean() < 0.02


def test_a_loose_strip_is_the_same_before_and_after_the_cut(fine):
    before, after = (shown(fine, LOOSE, after_cut) for after_cut in (False, True))

    assert np.abs(before[0] - after[0]).mean() < 1e-3


def test_leftovers_are_seen_beside_the_brain(fine):
    plain, _ = shown(fine, LOOSE)
    left, _ = shown(fine, Strip(leftovers=0.8))

    assert (left > 0.1).sum() > 1.005 * (plain > 0.1).sum()


def test_random_scans_are_stripped_in_all_ways(simulator, monkeypatch):
    drawn = []

    def simulate(self, protocol, appearance, seed, strip, strip_after_cut):
        drawn.append((strip, strip_after_cut))

    monkeypatch.setattr(Simulator, "simulate", simulate)
    random_scans(simulator, "sub-01", 60, seed=1)
    first = list(drawn)
    random_scans(simulator, "sub-01", 60, seed=1)

    assert drawn == 2 * first
    assert len({strip for strip, _ in first}) > 40
    assert 0.25 < np.mean([after for _, after in first]) < 0.75
    assert any(strip == LOOSE for strip, _ in first)
