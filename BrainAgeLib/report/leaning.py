"""Which regions the estimate leans on, in words."""

from __future__ import annotations

from BrainAgeLib.records import Prediction, RegionLeaning

LEANING_CAUTION = (
    "Older and younger mean: than the average brain of the people that the model learnt from, of "
    "all ages. A region counts by its average, whatever its strongest spot. This is no finding: it "
    "says where this model looks, in coarse regions, not that anything is wrong there."
)


def leaning(prediction: Prediction) -> str | None:
    """Name the regions that the estimate leans on most, and that this is no finding; or None."""
    if prediction.brain_age_years is None or not prediction.leans_on:
        return None
    first, *others = prediction.leans_on[:2]
    text = f"In this scan the estimate leans most on the {_leaned_on(first)}"
    text += f", then on the {_leaned_on(others[0])}. " if others else ". "
    return text + LEANING_CAUTION


def _leaned_on(region: RegionLeaning) -> str:
    looks = "older" if region.mean_years > 0 else "younger"
    return f"{region.region} ({region.times_average:.1f} times the brain's average, {looks})"
