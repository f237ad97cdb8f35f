"""Slices that are exchanged, missing or in their order."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.gate.slice_order import FAMILY
from BrainAgeLib.scan.geometry import Volume, slice_axis
from BrainAgeLib.template.template import load_template
from BrainAgeLib.training.thick_slices import Protocol
from Testing.library.gate.sound import evidence, found, placed_at, with_voxels
from Testing.library.phantoms import template_brain, thick_slices_of

PROTOCOLS = {
    "axial": Protocol(tilt_degrees=(-8.0, 2.0, -3.0)),
    "thin": Protocol(thickness_mm=3.0, gap_mm=0.3),
    "thick": Protocol(thickness_mm=6.0, gap_mm=1.5),
    "sagittal": Protocol(plane="sagittal"),
    "coronal": Protocol(plane="coronal"),
}


@pytest.fixture(params=PROTOCOLS)
def scan(request):
    """Return the template's brain in slices of some protocol."""
    return thick_slices_of(template_brain(), PROTOCOLS[request.param])


def in_order(volume: Volume, order: list[int]) -> dict[str, str]:
    """Return what is found in a scan whose slices stand in that order."""
    axis = 2 - slice_axis(volume.affine, volume.voxels.shape)
    voxels = np.take(volume.voxels, order, axis)
    placed = placed_at(Volume(voxels, volume.affine))
    template = load_template()
    measured = FAMILY.measure(evidence(placed, slices=placed.slices(template, "cpu")))
    return {item.code: item.severity for item in FAMILY.judge(measured)}


def numbers(volume: Volume) -> list[int]:
    axis = 2 - slice_axis(volume.affine, volume.voxels.shape)
    return list(range(volume.voxels.shape[axis]))


def in_pairs(order: list[int]) -> list[int]:
    return [n + 1 if n % 2 == 0 and n + 1 < len(order) else n - n % 2 for n in order]


def test_slices_in_their_order(scan):
    assert in_order(scan, numbers(scan)) == {}
    assert in_order(scan, numbers(scan)[::-1]) == {}


def test_slices_exchanged_in_pairs_are_refused(scan):
    assert in_order(scan, in_pairs(numbers(scan))) == {"slice_order": "refuse"}


def test_slices_moved_elsewhere_are_found(scan):
    order = numbers(scan)
    middle = len(order) // 2
    moved = order[: middle - 3] + order[middle:] + order[middle - 3 : middle]

    assert set(in_order(scan, moved)) & {"slice_order", "slice_missing"}


@pytest.mark.parametrize("protocol", ["axial", "thin", "thick"])
def test_several_missing_slices_are_found(protocol):
    scan = thick_slices_of(template_brain(), PROTOCOLS[protocol])
    order = numbers(scan)
    middle = len(order) // 2

    assert set(in_order(scan, order[:middle] + order[middle + 3 :])) & {
        "slice_order",
        "slice_missing",
    }


@pytest.mark.parametrize("missing", [10, 12, 15])
def test_a_single_missing_slice_is_found(missing):
    """The brain is the template's own, the registration that of the whole stack."""
    scan = thick_slices_of(template_brain(), PROTOCOLS["axial"])
    order = numbers(scan)

    assert in_order(scan, [n for n in order if n != missing]) == {"slice_missing": "warn"}


def test_thin_and_few_slices_and_other_planes_have_no_step():
    for protocol, is_known in (("axial", True), ("thin", False), ("sagittal", False)):
        placed = placed_at(thick_slices_of(template_brain(), PROTOCOLS[protocol]))
        slices = placed.slices(load_template(), "cpu")
        measured = FAMILY.measure(evidence(placed, slices=slices))

        assert (measured.step is not None) == is_known, protocol
    assert FAMILY.measure(evidence(placed)).step is None


def test_differences_in_brightness_are_no_disorder(thick_brain):
    gains = np.where(np.arange(len(thick_brain.voxels)) % 2, 1.2, 0.9)[:, None, None]
    placed = placed_at(thick_brain)

    measured = FAMILY.measure(evidence(with_voxels(placed, thick_brain.voxels * gains)))

    assert FAMILY.judge(measured) == ()


def test_a_3d_scan_and_a_handful_of_slices_are_not_judged(thick_brain):
    few = Volume(thick_brain.voxels[8:13], thick_brain.affine)

    assert FAMILY.measure(evidence(placed_at(template_brain()))) is None
    assert FAMILY.measure(evidence(placed_at(few))) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"disorder": 0.94}, {}),
        ({"disorder": 0.96}, {"slice_order": "warn"}),
        ({"disorder": 1.3, "disorder_twice": 1.09}, {"slice_order": "warn"}),
        ({"disorder": 1.3, "disorder_twice": 1.11}, {"slice_order": "refuse"}),
        ({"jump": 1.69}, {}),
        ({"jump": 1.71}, {"slice_missing": "warn"}),
        ({"jump": 2.5, "disorder": 1.0}, {"slice_order": "warn"}),
        ({"step": 0.239}, {}),
        ({"step": 0.241}, {"slice_missing": "warn"}),
        ({"step": float("nan")}, {"slice_missing": "warn"}),
        ({"step": None}, {}),
        ({"step": 0.5, "disorder": 1.0}, {"slice_order": "warn"}),
    ],
)
def test_limits(changes, expected):
    assert found("slice_order", **changes) == expected
