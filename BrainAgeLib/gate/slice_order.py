"""Whether the slices stand in their order, each once: what neighbours have in common tells.

Two neighbours differ less than slices two places apart. Where slices were exchanged, as by a wrong
order of interleaved slices, that is turned about; where some are missing and the rest moved up, two
neighbours differ by more than those on either side do, and all behind fit the template higher up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.evidence import Evidence, Family
from BrainAgeLib.gate.field_of_view import LEAST_BRIGHTNESS
from BrainAgeLib.gate.slice_steps import largest_step
from BrainAgeLib.records import Finding
from BrainAgeLib.scan.geometry import slice_axis
from BrainAgeLib.template.slices import is_axial

# Chosen in trials that are not part of this repository: 285 cuts of 95 sound brains of five
# scanners and three routine scans had a disorder up to 0.82 and a jump up to 1.53, slices
# exchanged in pairs a disorder of 1.12 and more at two places in all of 95. Of 88 other sound axial
# scans (60 simulated, 18 stripped and 10 heads of OASIS-1 and IXI, cut thick and registered anew)
# the step was up to 0.21; with one slice missing 93 % of the simulated ones, two thirds of the
# stripped and all ten heads were over 0.24, which was chosen with all of them in view. ``make study
# NAME=gate/limits`` has these faults, too.
MOST_DISORDER = 0.95
UNUSABLE_DISORDER = 1.1
MOST_JUMP = 1.7
MOST_STEP = 0.24
PIXEL_MM = 4.0
LEAST_AREA = 0.3  # of the largest brain in a slice
FEWEST_SLICES = 7
FAINTEST = 0.05  # of the brain's mean brightness


@dataclass(frozen=True)
class SliceOrder:
    """How slices follow each other; 1 where neighbours differ as much as those two places apart.

    ``disorder``: by how much more than slices two places apart neighbours differ, at the worst
    place; ``disorder_twice``: at the second worst. ``jump``: by how much more two neighbours differ
    than those before and behind them. ``step``: how much speaks for a missing slice, see
    ``slice_steps``; None where it cannot be told.
    """

    disorder: float
    disorder_twice: float
    jump: float
    step: float | None = None


def measure(evidence: Evidence) -> SliceOrder | None:
    """Return how the slices follow each other; None for a 3D scan or few slices."""
    placed = evidence.placed
    axis = slice_axis(placed.volume.affine, placed.mask.shape)
    if axis < 0:
        return None
    mask = np.moveaxis(placed.mask, 2 - axis, 0)
    voxels = np.moveaxis(placed.volume.voxels, 2 - axis, 0)
    chosen = np.flatnonzero(mask.sum((1, 2)) > LEAST_AREA * mask.sum((1, 2)).max())
    if len(chosen) < FEWEST_SLICES:
        return None
    part = slice(chosen[0], chosen[-1] + 1)
    in_plane_mm = np.delete(placed.volume.spacing_mm[::-1], 2 - axis)
    found = _follow(_pictures(voxels[part], mask[part], in_plane_mm))
    if found is None or axis != 2 or not is_axial(placed.index_to_template):
        return found
    return replace(found, step=largest_step(evidence.slices, evidence.template))


def _pictures(voxels: np.ndarray, mask: np.ndarray, in_plane_mm: np.ndarray) -> np.ndarray:
    """Return the brain in each slice (k, j, i) in coarse pixels, its mean brightness 1."""
    rows, columns = np.maximum(1, np.rint(PIXEL_MM / in_plane_mm)).astype(int)
    height, width = mask.shape[1] // rows * rows, mask.shape[2] // columns * columns
    brain = np.where(mask, voxels, 0.0)[:, :height, :width]
    coarse = brain.reshape(len(mask), height // rows, rows, width // columns, columns)
    means = brain.sum((1, 2)) / np.maximum(1, mask[:, :height, :width].sum((1, 2)))
    pictures: np.ndarray = coarse.mean((2, 4)) / np.maximum(means, LEAST_BRIGHTNESS)[:, None, None]
    return pictures


def _follow(pictures: np.ndarray) -> SliceOrder | None:
    near = np.array([_apart(*pair) for pair in zip(pictures, pictures[1:], strict=False)])
    far = np.array([_apart(*pair) for pair in zip(pictures, pictures[2:], strict=False)])
    if near.min() <= 0 or far.min() <= 0:
        return None
    disorder = np.sort(near[1:-1] / np.maximum(far[1:], far[:-1]))
    jump = near[1:-1] / np.sqrt(near[:-2] * near[2:])
    return SliceOrder(float(disorder[-1]), float(disorder[-2]), float(jump.max()))


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """Return by how much two pictures differ, where either shows brain."""
    shown = (one > FAINTEST) | (other > FAINTEST)
    return float(np.abs(one - other)[shown].mean()) if shown.any() else 0.0


def _order(measured: SliceOrder) -> Finding | None:
    is_unusable = measured.disorder_twice > UNUSABLE_DISORDER
    if measured.disorder <= MOST_DISORDER and not is_unusable:
        return None
    return Finding(
        FindingCode.SLICE_ORDER,
        "refuse" if is_unusable else "warn",
        "Slices are more like the one after the next than like their neighbours: they seem to be "
        "in a wrong order, or the head moved between them. Look at the slices in the report, and "
        "convert or export the scan again.",
        round(measured.disorder, 3),
        UNUSABLE_DISORDER if is_unusable else MOST_DISORDER,
    )


def _jump(measured: SliceOrder) -> Finding | None:
    by_step = measured.step is not None and not measured.step <= MOST_STEP
    if (measured.jump <= MOST_JUMP and not by_step) or _order(measured) is not None:
        return None
    value, limit = (measured.step, MOST_STEP) if by_step else (measured.jump, MOST_JUMP)
    return Finding(
        FindingCode.SLICE_MISSING,
        "warn",
        "Between two neighbouring slices the brain changes more than it should: a slice may be "
        "missing there, or the head moved. Look at the slices in the report, and convert or export "
        "the scan again.",
        round(value or 0.0, 3),
        limit,
    )


CHECKS = (_order, _jump)
FAMILY = Family(SliceOrder, measure, CHECKS)
