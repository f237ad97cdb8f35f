"""The brain mask: its volume, its edge, what it leaks into or leaves out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.evidence import Evidence, Family, above
from BrainAgeLib.gate.field_of_view import (
    FEWEST_POINTS,
    LEAST_BRIGHTNESS,
    TOLERANCE_MM,
    FieldOfView,
    fraction_of,
)
from BrainAgeLib.gate.header import SCALE_RANGE, stretch_of
from BrainAgeLib.records import Finding, Severity
from BrainAgeLib.scan.geometry import slice_axis
from BrainAgeLib.template.placed_scan import PlacedScan

# Brains of healthy adults hold 0.9 to 2.0 l; what lies well outside is no whole brain's mask.
VOLUME_ML = (900.0, 2000.0)
IMPOSSIBLE_VOLUME_ML = (700.0, 2300.0)
MOST_LEAK = 0.03  # sound scans up to 0.015
MOST_MISSED = 0.02  # sound scans up to 0.001
UNUSABLE_LEAK, UNUSABLE_MISSED = 0.08, 0.1  # set by hand, well above what sound scans have
MOST_RIM = 0.2  # six sound heads up to 0.096; a mask that is 8 mm too small 0.39
MOST_ON_EDGE = 0.1  # a tenth of the brain's width cut off: 0.15
# The sample cut through at its middle, along each axis within slices: 0.81 to 0.96, and 0.41 where
# the mask misses what is near the cut. Of a sphere with a tenth of its width cut off: 0.47.
MOST_CUT_THROUGH, NEAR_EDGE = 0.7, 0.05  # the latter of the width of the picture
LEAST_SIGNAL_AROUND = 0.05  # heads 0.57 and more, extracted brains 0
# The quantiles in the functions were set by hand; these limits were chosen on what they gave.
CHECK_OUTLINE = "Look at the brain's outline in the report."
LEAST_SEEN_TO_RECKON = 0.1  # so that a volume is not reckoned up to anything
SKULL_MM = (6.0, 18.0)  # outside the template's brain: set by hand, skull and scalp of adults


@dataclass(frozen=True)
class Brain:
    """The brain mask against the template's brain, where the registration puts it.

    ``volume_ml``: of the mask, with what lies beyond the image reckoned in. Fractions, 0-1:
    ``leak_fraction`` of the mask is well outside the template's brain; ``missed_fraction`` of the
    inside of the template's brain in view is left out by the mask; ``edge_fraction`` of the mask's
    outline, within slices, lies on the edge of the image; ``rim_fraction`` of what lies within
    4 mm outside the mask is as bright as brain. ``signal_around``: brightness around the brain,
    skull and scalp, over the brain's; None where there is said to be no skull. ``cut_through``:
    area of the mask just within an edge of the image over the largest along that axis, 0-1; None
    where the brain fits the template without being stretched beyond what healthy ones need.
    """

    volume_ml: float
    leak_fraction: float
    missed_fraction: float
    edge_fraction: float
    rim_fraction: float | None = None
    signal_around: float | None = None
    cut_through: float | None = None


def measure(evidence: Evidence) -> Brain | None:
    """Return what the mask is like; None of a scan in template space: it may be a single slice."""
    placed = evidence.placed
    if not placed.is_registered:
        return None
    view = evidence.view
    factors = stretch_of(placed.registration.scan_to_template[:3, :3])[1]
    is_stretched = factors.max() > SCALE_RANGE[1]
    brain, outside_mm = view.grid.brain, view.grid.outside_mm
    coverage = fraction_of(brain & view.in_view, brain)
    deep = view.in_view & (outside_mm < -TOLERANCE_MM)
    return Brain(
        volume_ml=placed.brain_volume_ml / max(coverage, LEAST_SEEN_TO_RECKON),
        leak_fraction=fraction_of(view.in_mask & (outside_mm > TOLERANCE_MM), view.in_mask),
        missed_fraction=fraction_of(deep & ~view.in_mask, deep),
        edge_fraction=_edge_fraction(placed),
        rim_fraction=_rim_fraction(view),
        signal_around=None if evidence.is_extracted else _signal_around(view),
        cut_through=_cut_through(placed) if is_stretched else None,
    )


def _signal_around(view: FieldOfView) -> float:
    """Return how bright skull and scalp are: the 75th percentile over the brain's median.

    The ring is the upper half of the head, where nothing but skull and scalp is.
    """
    low, high = SKULL_MM
    outside_mm = view.grid.outside_mm
    ring = view.in_view & ~view.in_mask & (outside_mm > low) & (outside_mm < high)
    ring &= view.grid.points_mm[..., 2] > 0
    inside = view.values[view.in_mask]
    if ring.sum() < FEWEST_POINTS or inside.size == 0:
        return 0.0
    median = max(float(np.median(inside)), LEAST_BRIGHTNESS)
    return float(np.quantile(view.values[ring], 0.75)) / median


def _rim_fraction(view: FieldOfView) -> float | None:
    """Return how much of a thin rim around the mask is as bright as the brain's middle half.

    Around a brain there is fluid and bone, dark in T1; brain that the mask leaves out is not.
    """
    values, in_mask = view.values, view.in_mask
    if not in_mask.any():
        return None
    rim = np.zeros_like(in_mask)
    for axis in range(3):
        for step in (-1, 1):
            rim |= np.roll(in_mask, step, axis)  # the grid has a margin: nothing comes around
    rim &= view.in_view & ~in_mask
    low, high = np.quantile(values[in_mask], (0.25, 0.75))
    return fraction_of((values[rim] >= low) & (values[rim] <= high), rim[rim])


def _edge_fraction(placed: PlacedScan) -> float:
    """Return the fraction of the mask's in-plane outline that lies on the edge of the image."""
    axis = slice_axis(placed.volume.affine, placed.mask.shape)
    mask = np.moveaxis(placed.mask, 0 if axis < 0 else 2 - axis, 0)
    inner = mask.copy()
    inner[:, 1:-1, 1:-1] &= (
        mask[:, :-2, 1:-1] & mask[:, 2:, 1:-1] & mask[:, 1:-1, :-2] & mask[:, 1:-1, 2:]
    )
    inner[:, [0, -1]] = inner[:, :, [0, -1]] = False
    outline = mask & ~inner
    on_edge = np.zeros_like(mask)
    on_edge[:, [0, -1]] = on_edge[:, :, [0, -1]] = True
    return fraction_of(outline & on_edge, outline)


def _cut_through(placed: PlacedScan) -> float:
    """Return how much of the brain's largest section lies just within an edge of the slices."""
    across = slice_axis(placed.volume.affine, placed.mask.shape)
    most = 0.0
    for axis in {0, 1, 2} - {2 if across < 0 else across}:
        areas = placed.mask.sum(tuple({0, 1, 2} - {2 - axis}))
        near = int(NEAR_EDGE * len(areas))
        most = max(most, max(areas[near], areas[-1 - near]) / max(1, areas.max()))
    return float(most)


def _volume(measured: Brain) -> Finding | None:
    volume = measured.volume_ml
    low, high = VOLUME_ML
    if low <= volume <= high:
        return None
    lowest, highest = IMPOSSIBLE_VOLUME_ML
    severity: Severity = "warn"
    if not lowest <= volume <= highest:
        severity, low, high = "refuse", lowest, highest
    return Finding(
        FindingCode.BRAIN_VOLUME,
        severity,
        f"The brain seems to have {volume:.0f} ml, which is unusual. "
        "Check the brain's outline and the voxel size of the scan.",
        round(volume),
        f"{low:.0f} to {high:.0f} ml",
    )


def _leak(measured: Brain) -> Finding | None:
    fraction = measured.leak_fraction
    message = (
        f"{100 * fraction:.0f} % of what was taken for brain lies where the template has none. "
        f"{CHECK_OUTLINE} If it leaves the brain, do not use the age."
    )
    return above(FindingCode.MASK_LEAKS, fraction, message, MOST_LEAK, UNUSABLE_LEAK)


def _missed(measured: Brain) -> Finding | None:
    fraction = measured.missed_fraction
    message = (
        f"{100 * fraction:.0f} % of the inside of the brain was not taken for brain. "
        f"{CHECK_OUTLINE} If it leaves brain out, do not use the age."
    )
    return above(FindingCode.MASK_MISSES_BRAIN, fraction, message, MOST_MISSED, UNUSABLE_MISSED)


def _rim(measured: Brain) -> Finding | None:
    message = (
        "What lies just outside the brain's outline is as bright as brain: the outline seems to "
        f"leave brain out. {CHECK_OUTLINE} If it does, do not use the age."
    )
    return above(FindingCode.MASK_TOO_SMALL, measured.rim_fraction, message, MOST_RIM)


def _edge(measured: Brain) -> Finding | None:
    message = (
        "The brain is cut through at an edge of the picture, and what is left does not fit the "
        "template. Use a picture of the whole head."
    )
    cut = above(FindingCode.MASK_AT_EDGE, measured.cut_through, message, refuse=MOST_CUT_THROUGH)
    if cut is not None:
        return cut
    message = (
        "The brain reaches the edge of the picture: a part of it may be cut off or folded over. "
        "Use a series with a larger field of view."
    )
    return above(FindingCode.MASK_AT_EDGE, measured.edge_fraction, message, MOST_ON_EDGE)


def _already_extracted(measured: Brain) -> Finding | None:
    if measured.signal_around is None or measured.signal_around >= LEAST_SIGNAL_AROUND:
        return None
    return Finding(
        FindingCode.NO_SKULL,
        "warn",
        "There is nothing around the brain: its skull seems to have been removed already. "
        "Run again with --brain-extracted, or give the whole head.",
        round(measured.signal_around, 3),
        LEAST_SIGNAL_AROUND,
    )


CHECKS = (_volume, _leak, _missed, _rim, _edge, _already_extracted)
FAMILY = Family(Brain, measure, CHECKS)
