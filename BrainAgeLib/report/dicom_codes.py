"""The concepts of the structured report: standard codes where there are some, else our own.

DICOM part 16 (DCM) has the subject's age and words for limits and quality, but no brain age.
"""

from __future__ import annotations

from typing import Any

SCHEME = "99BRAINAGE"
LONGEST_MEANING = 64  # characters of a code's meaning in DICOM

# Value and meaning by what they stand for in the record.
NUMBERS = {
    "brain_age_years": ("brain-age", "Brain age, raw prediction"),
    "interval_low": ("interval-low", "Brain age, lower end of the interval"),
    "interval_high": ("interval-high", "Brain age, upper end of the interval"),
    "gap_years": ("gap", "Brain age gap, raw: predicted minus chronological"),
    "corrected_brain_age_years": ("corrected-brain-age", "Brain age, corrected for age bias"),
    "corrected_gap_years": ("corrected-gap", "Brain age gap, corrected for age bias"),
}
INTERVAL_LEVEL = ("interval-level", "Share of healthy people that the interval covers")
PERCENTILE = ("gap-percentile", "Percentile of the gap among healthy people of that age")
VERDICT = ("quality-verdict", "Quality verdict")
FINDING = ("quality-finding", "Quality finding")
METHOD = ("bias-correction", "Age bias correction")
REPORT = ("brain-age-report", "Brain age report")


def own(code: tuple[str, str]) -> Any:
    """Return a concept of our own scheme."""
    from highdicom.sr import CodedConcept

    value, meaning = code
    return CodedConcept(value, SCHEME, meaning[:LONGEST_MEANING])


def standard(value: str, scheme: str, meaning: str) -> Any:
    """Return a concept of a standard scheme."""
    from highdicom.sr import CodedConcept

    return CodedConcept(value, scheme, meaning)


def years() -> Any:
    """Return the unit of ages (UCUM)."""
    return standard("a", "UCUM", "year")


def percent() -> Any:
    """Return the unit of shares (UCUM)."""
    return standard("%", "UCUM", "percent")
