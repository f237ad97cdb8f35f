"""The phrases that the report and the terminal share, in plain ASCII."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from BrainAgeLib.records import Correction, Finding, Prediction, RegionLeaning, Severity, Verdict

NOT_KNOWN = "not known"
SEVERITY_WORDS: dict[Severity, str] = {"refuse": "Refused", "warn": "Warning", "note": "Note"}
VERDICT_WORDS: dict[Verdict, str] = {
    "pass": "Passed",
    "warn": "Passed with warnings",
    "refuse": "Refused",
}
SEX_WORDS = {"F": "female", "M": "male"}
CORRECTION_CAUTION = (
    "The correction removes the average trend of the gap with age and makes nothing more accurate: "
    "a corrected gap is never to be compared with raw ones."
)
CORRECTION_FORMULAS = {
    "cole": "(raw brain age - intercept) / slope",
    "de-lange-cole": "raw brain age - (slope x chronological age + intercept)",
}
LEANING_CAUTION = (
    "Older and younger mean: than the average brain of the people that the model learnt from, of "
    "all ages. This is no finding: it says where this model looks, in coarse regions, not that "
    "anything is wrong there."
)
WHAT_TO_DO_WHEN_REFUSED = (
    "Check that the scan is a T1-weighted scan of a whole head, without contrast agent, and that "
    "the pictures of this report show a brain with its outline in place.",
    "Choose another series of the same examination, or acquire it again, if it is not.",
    '--force predicts in spite of the refusal. The verdict stays "refused", and the number must '
    "not be used as a measurement.",
)


def scans_in_words(count: int) -> str:
    """Return how many scans these are."""
    return "1 scan" if count == 1 else f"{count} scans"


def years(value: float) -> str:
    """63.42 -> '63.4 years'."""
    return f"{_one_decimal(value)} years"


def signed_years(value: float) -> str:
    """2.31 -> '+2.3 years'; a gap of nothing is '0.0 years'."""
    text = _one_decimal(value)
    return f"{text} years" if value < 0 or text == "0.0" else f"+{text} years"


def interval(prediction: Prediction) -> str | None:
    """'57.2 to 69.6 years', or None."""
    if prediction.interval_years is None:
        return None
    low, high = prediction.interval_years
    return f"{_one_decimal(low)} to {_one_decimal(high)} years"


def level(prediction: Prediction) -> str:
    """0.9 -> '90 %'."""
    return f"{prediction.interval_level * 100:g} %"


def age_range(ages: tuple[float, float]) -> str:
    """(18.0, 88.0) -> '18 to 88 years'."""
    return f"{ages[0]:.4g} to {ages[1]:.4g} years"


def percentile(value: float) -> str:
    """Say what share of healthy people of that age have a smaller gap."""
    if value < 1:
        return "smaller than in more than 99 of 100 healthy people of that age"
    if value > 99:
        return "larger than in more than 99 of 100 healthy people of that age"
    return f"larger than in about {value:.0f} of 100 healthy people of that age"


def interval_and_age(prediction: Prediction) -> str | None:
    """Say whether the gap is within what the model gets wrong in healthy people, or None."""
    age, ends = prediction.chronological_age_years, prediction.interval_years
    if age is None or ends is None:
        return None
    inside = ends[0] <= age <= ends[1]
    if prediction.has_wide_interval:
        where = "inside" if inside else "outside"
        return f"The chronological age lies {where} the interval, which is wide for this scan."
    if inside:
        return (
            "The chronological age lies inside the interval: a gap of this size is within the "
            "usual error of the model in healthy people."
        )
    outside = 100 - prediction.interval_level * 100
    return (
        "The chronological age lies outside the interval, as it does in about "
        f"{outside:.3g} of 100 healthy people."
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


def fitted_on(correction: Correction) -> str:
    """Say in one phrase what a correction was fitted on."""
    site = f", site {correction.site}" if correction.site else ""
    return (
        f"method {correction.method}, fitted on {correction.people} people aged "
        f"{age_range(correction.age_range_years)} ({correction.fitted_on}{site})"
    )


def why_no_corrected_gap(prediction: Prediction) -> str:
    """Say why there is a raw age but no corrected gap."""
    age = prediction.chronological_age_years
    if age is None:
        return "it needs the chronological age"
    if prediction.correction is None:
        return "there is no correction for this age: none is fitted on people of that age"
    low, high = prediction.correction.age_range_years
    if not low <= age <= high:
        return f"the correction was fitted on ages {age_range((low, high))} only"
    return NOT_KNOWN


def measured(value: float | str | None) -> str:
    """Return a finding's value or limit, or '' when there is none."""
    if value is None or isinstance(value, str):
        return value or ""
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def worst_first(prediction: Prediction) -> Iterator[Finding]:
    """Yield the findings: refusals, warnings, notes."""
    for severity in SEVERITY_WORDS:
        yield from (item for item in prediction.quality.findings if item.severity == severity)


def scan_name(prediction: Prediction) -> str:
    """Return the scan's name without its folders, which may name a patient."""
    path = prediction.input.path
    return Path(path).name or NOT_KNOWN if path else NOT_KNOWN


def _one_decimal(value: float) -> str:
    text = f"{value:.1f}"
    return "0.0" if text == "-0.0" else text
