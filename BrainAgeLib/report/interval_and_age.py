"""What is said of a chronological age and the interval around the raw brain age."""

from __future__ import annotations

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import Prediction

# From the raw age, in half widths of its interval. Set by hand: an interval of 90 % is 1.64
# standard deviations to either side, and were errors normal, 1 of 1000 healthy people would be
# beyond 3.3 of them.
FAR_HALF_WIDTHS = 2.0
CHECK_THE_AGE = "Check the age, and that the scan is this person's."
ONE_SIDED = {FindingCode.ONE_SIDED: "brain", FindingCode.SKULL_ONE_SIDED: "head"}


def interval_and_age(prediction: Prediction) -> str | None:
    """Say whether the gap is within what the model gets wrong in healthy people, or None.

    The interval is fitted on scans that the gate passes, so it says nothing of a number that was
    forced.
    """
    age, ends = prediction.chronological_age_years, prediction.interval_years
    if age is None or ends is None or prediction.quality.verdict == "refuse":
        return None
    inside = ends[0] <= age <= ends[1]
    is_far = _is_far_outside(prediction)
    where = "inside" if inside else "far outside" if is_far else "outside"
    text = f"The chronological age lies {where} the interval" + _what_it_means(prediction, inside)
    return f"{text} {CHECK_THE_AGE}" if is_far else text


def _is_far_outside(prediction: Prediction) -> bool:
    ends, gap_years = prediction.interval_years, prediction.gap_years
    if ends is None or gap_years is None or prediction.brain_age_years is None:
        return False
    half_years = ends[1] - prediction.brain_age_years  # the lower end stops at birth
    return abs(gap_years) > FAR_HALF_WIDTHS * half_years


def _what_it_means(prediction: Prediction, inside: bool) -> str:
    codes = [finding.code for finding in prediction.quality.findings]
    for code, part in ONE_SIDED.items():
        if code in codes:
            return f", which is that of healthy people: the sides of this {part} are unlike theirs."
    if FindingCode.OTHER_SEQUENCE in codes:
        return ", which is known of simulated scans and a handful of real ones."
    if prediction.has_wide_interval:
        return ", which is wide for this scan."
    if inside:
        return ": a gap of this size is within the error of the model in healthy people."
    if _is_far_outside(prediction):
        return ", by more than half its width."
    outside = 100 - prediction.interval_level * 100
    return (
        f", {_beyond_years(prediction):.1f} years beyond its end. Outside at all it lies in about "
        f"{outside:.3g} of 100 healthy people, so far in fewer. {CHECK_THE_AGE}"
    )


def _beyond_years(prediction: Prediction) -> float:
    age, ends = prediction.chronological_age_years, prediction.interval_years
    return 0.0 if age is None or ends is None else max(ends[0] - age, age - ends[1], 0.0)
