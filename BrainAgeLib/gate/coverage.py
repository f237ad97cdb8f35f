"""How much of the brain was acquired, and how finely."""

from __future__ import annotations

from dataclasses import dataclass

from BrainAgeLib.findings import SEQUENCE_WORDS, FindingCode
from BrainAgeLib.gate.evidence import Evidence, Family
from BrainAgeLib.gate.field_of_view import fraction_of
from BrainAgeLib.gate.placement import IN_WHICH_SPACE, LEAST_FRACTION_IN_TEMPLATE
from BrainAgeLib.records import Acquisition, Finding, SequenceName, Severity
from BrainAgeLib.scan.geometry import LEAST_SLICES_TO_REGISTER

MOST_CUT = 0.08  # training saw up to 0.07; a fifth of the height cut off is 0.09 and moves the age
LEAST_COVERAGE = 0.65  # half of the slices cut off leaves 0.62 or less
MOST_SPACING_MM = 9.5  # the model is checked up to 7 + 2 mm
LONGEST_SPACING_MM = 12.5  # and trained up to 12 mm
MOST_PIXEL_MM = 3.2  # trained up to 3 mm
# Middle of a slice in the template. Within, the error of a single slice is at most two thirds of
# that of always saying the mean age.
TELLING_HEIGHTS_MM = (-44.0, 52.0)
USE_WHOLE = "Use the series that covers the whole brain."


@dataclass(frozen=True)
class Cut:
    """How much of the template's brain lies beyond the image, as fractions of the whole.

    ``seen``: what lies in the image. ``top``, ``bottom``, ``sides``: what is beyond that end.
    """

    seen: float
    top: float
    bottom: float
    sides: float


@dataclass(frozen=True)
class Coverage:
    """What was acquired of the brain.

    ``slices_in_view``: slices that show brain, as the models see them. ``cut``: None for a scan
    that is said to be in template space, and then ``fraction_in_template`` of its brain lies in the
    template's. ``known_heights_mm``: None for a whole brain; otherwise the
    heights, in the template, of the slices that the models for few slices know. ``sequence``: as
    which the scan was read.
    """

    acquisition: Acquisition
    slices_in_view: int
    cut: Cut | None = None
    fraction_in_template: float | None = None
    known_heights_mm: tuple[float, ...] | None = None
    sequence: SequenceName = "T1w"


def measure(evidence: Evidence) -> Coverage:
    """Return what was acquired of the brain."""
    is_registered = evidence.placed.is_registered
    return Coverage(
        evidence.acquisition,
        len(evidence.slices),
        measure_cut(evidence) if is_registered else None,
        None if is_registered else evidence.slices.fraction_in_template,
        evidence.raw.known_heights_mm if evidence.raw else None,
        evidence.sequence,
    )


def measure_cut(evidence: Evidence) -> Cut:
    """Return which part of the template's brain lies beyond which end of the image."""
    view = evidence.view
    brain, in_view = view.grid.brain, view.in_view
    # An end of the image that is beyond the brain on two sides at once counts with the slices.
    top, bottom = view.above[..., 2], view.below[..., 2]
    sides = ~in_view & ~top & ~bottom
    return Cut(*(fraction_of(brain & part, brain) for part in (in_view, top, bottom, sides)))


def _nothing_in_view(measured: Coverage) -> Finding | None:
    if measured.slices_in_view > 0:
        return None
    return Finding(
        FindingCode.NO_SLICES_IN_VIEW,
        "refuse",
        f"No slice of this scan shows brain where the template has it. {IN_WHICH_SPACE}",
        0,
        1,
    )


def _slices(measured: Coverage) -> Finding | None:
    count = measured.acquisition.slice_count
    if measured.cut is None or count >= LEAST_SLICES_TO_REGISTER:
        return None
    return Finding(
        FindingCode.TOO_FEW_SLICES,
        "refuse",
        f"{count} slice{'s are' if count > 1 else ' is'} too few to find the scan's place in the "
        "brain. Use the whole series.",
        count,
        LEAST_SLICES_TO_REGISTER,
    )


def _cut(measured: Coverage) -> Finding | None:
    cut = measured.cut
    if cut is None:
        return None
    if cut.seen < LEAST_COVERAGE:
        return Finding(
            FindingCode.BRAIN_CUT,
            "refuse",
            f"Only {100 * cut.seen:.0f} % of the brain lies in the scan. {USE_WHOLE}",
            round(cut.seen, 3),
            LEAST_COVERAGE,
        )
    fraction, where = max((cut.top, "top"), (cut.bottom, "bottom"), (cut.sides, "side"))
    if fraction <= MOST_CUT:
        return None
    return Finding(
        FindingCode.BRAIN_CUT,
        "warn",
        f"{100 * fraction:.0f} % of the brain is cut off at the {where}. The age rests on what is "
        f"left: trust it less. {USE_WHOLE}",
        round(fraction, 3),
        MOST_CUT,
    )


def _part_of_brain(measured: Coverage) -> Finding | None:
    """Say that the models for few slices spoke; refuse where they know none of the slices."""
    heights = measured.known_heights_mm
    if heights is None:
        return None
    fraction = measured.fraction_in_template
    if fraction is not None and fraction < LEAST_FRACTION_IN_TEMPLATE:
        return None  # then these are no heights of the brain
    if measured.sequence != "T1w":
        return Finding(
            FindingCode.PART_OF_BRAIN,
            "refuse",
            "The slices do not cover the whole brain without a hole, and there is no model that "
            f"reads few slices of {SEQUENCE_WORDS[measured.sequence]}. {USE_WHOLE}",
            len(heights),
            "whole brain",
        )
    low, high = TELLING_HEIGHTS_MM
    if not any(low <= height <= high for height in heights):
        nearest: float | None = min(heights, key=abs, default=None)
        return Finding(
            FindingCode.SLICE_HEIGHTS,
            "refuse",
            "All slices lie so high or so low in the head that they say little of the age. "
            "Use slices through the middle of the brain.",
            "no known" if nearest is None else round(nearest),
            f"{low:.0f} to {high:.0f} mm",
        )
    known, lost = len(heights), measured.slices_in_view - len(heights)
    without = f" {lost} more lie where the model knows nothing and do not count." if lost else ""
    return Finding(
        FindingCode.PART_OF_BRAIN,
        "warn",
        "The slices do not cover the whole brain without a hole: the age rests on "
        f"{known} slice{'s' if known > 1 else ''} taken one by one. It is less exact, and the "
        f"interval is wider.{without} {USE_WHOLE}",
        known,
        "whole brain",
    )


def _spacing(measured: Coverage) -> Finding | None:
    spacing = measured.acquisition.slice_spacing_mm
    if measured.cut is None or spacing <= MOST_SPACING_MM:
        return None
    severity: Severity = "warn" if spacing <= LONGEST_SPACING_MM else "refuse"
    return Finding(
        FindingCode.SLICE_SPACING,
        severity,
        f"The slices are {spacing:.1f} mm apart, farther than in the scans that the model was "
        "checked on. Use a series with closer slices, if there is one.",
        round(spacing, 2),
        MOST_SPACING_MM if severity == "warn" else LONGEST_SPACING_MM,
    )


def _pixels(measured: Coverage) -> Finding | None:
    widest = max(measured.acquisition.in_plane_mm)
    if measured.cut is None or widest <= MOST_PIXEL_MM:
        return None
    return Finding(
        FindingCode.PIXEL_SIZE,
        "warn",
        f"The pixels are {widest:.2f} mm wide, wider than in the scans that the model was trained "
        "on. Trust the age less, or use a series with finer pixels.",
        round(widest, 2),
        MOST_PIXEL_MM,
    )


CHECKS = (_nothing_in_view, _slices, _cut, _part_of_brain, _spacing, _pixels)
FAMILY = Family(Coverage, measure, CHECKS)
