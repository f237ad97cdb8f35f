"""The two sides of the brain: whether one is unlike the other as it is in nobody healthy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.evidence import Evidence, Family
from BrainAgeLib.records import Finding
from BrainAgeLib.scan.geometry import apply_affine, slice_axis
from BrainAgeLib.template.placed_scan import PlacedScan

# Chosen on people of the training who are not held out; what it finds in others and how often it is
# wrong: ``make study NAME=gate/lesions``, docs/quality.md. There is no refusal: lesions moved the
# age by less than the interval is wide.
MOST_DISTANCE = 1.15


@dataclass(frozen=True)
class Sides:
    """Where the sides of the brain differ most, see ``model.sides``.

    ``slice_number``: of the slice that shows the place, as the report counts them; None of a 3D
    scan, of which the report shows some.
    """

    distance: float
    side: str
    region: str
    is_darker: bool
    slice_number: int | None = None


def measure(evidence: Evidence) -> Sides | None:
    """Return where the sides differ most; None where few slices or the model cannot tell."""
    found = evidence.raw.one_sided if evidence.raw else None
    if found is None:
        return None
    number = slice_number(evidence.placed, found.place_mm)
    return Sides(found.distance, found.side, found.region, found.is_darker, number)


def slice_number(placed: PlacedScan, place_mm: tuple[float, float, float]) -> int | None:
    """Return which slice shows a place of the template, as the report counts; None of a 3D scan."""
    shape = placed.volume.voxels.shape
    axis = slice_axis(placed.volume.affine, shape)
    if axis < 0:
        return None
    index = apply_affine(np.linalg.inv(placed.index_to_template), np.array(place_mm))
    return 1 + int(np.clip(np.rint(index[axis]), 0, shape[2 - axis] - 1))


def _one_sided(measured: Sides) -> Finding | None:
    if measured.distance <= MOST_DISTANCE:
        return None
    tone = "darker" if measured.is_darker else "brighter"
    number = measured.slice_number
    where = f"the {measured.region}" + (f" (slice {number})" if number is not None else "")
    return Finding(
        FindingCode.ONE_SIDED,
        "warn",
        f"The {measured.side} side of the brain is {tone} than the other, most in or near "
        f"{where}, by more than in healthy people. A lesion, an operation, or a brain "
        "extraction that failed there may be the cause. Look at the outline and the pictures of "
        "the report. The model knows healthy brains alone: do not rely on the age.",
        round(measured.distance, 3),
        MOST_DISTANCE,
    )


CHECKS = (_one_sided,)
FAMILY = Family(Sides, measure, CHECKS)
