"""A short result for the terminal."""

from __future__ import annotations

from pathlib import Path

from BrainAgeLib.records import Finding, Prediction
from BrainAgeLib.report import wording

LABEL_WIDTH = 19


def readable_result(prediction: Prediction, report: Path | None = None) -> str:
    """Return the result as lines for people: the ages, the verdict, the findings, the notice.

    ``report``: where the report lies, or None when none was written. Characters of file names that
    a terminal would obey instead of showing are replaced.
    """
    lines = [
        *_ages(prediction),
        _line("Quality", wording.VERDICT_WORDS[prediction.quality.verdict]),
        *(_finding(item) for item in wording.worst_first(prediction)),
    ]
    if report is not None:
        lines.append(_line("Report", str(report)))
    return "\n".join([*map(_shown, lines), "", _shown(prediction.notice)])


def _ages(prediction: Prediction) -> list[str]:
    if prediction.brain_age_years is None:
        return [_line("Brain age", "none, the quality gate refused this scan")]
    lines = []
    if prediction.quality.verdict == "refuse":
        lines.append("REFUSED by the quality gate: the age below was forced, do not rely on it.")
    ends = wording.interval(prediction)
    interval = f"{wording.level(prediction)} interval {ends}" if ends else "no interval"
    lines.append(_line("Raw brain age", wording.years(prediction.brain_age_years), interval))
    return [*lines, *_gaps(prediction)]


def _gaps(prediction: Prediction) -> list[str]:
    age, gap = prediction.chronological_age_years, prediction.gap_years
    if age is None or gap is None:
        return [_line("Chronological age", "not known (--age), so there is no gap")]
    percentile = prediction.gap_percentile
    words = None if percentile is None else wording.percentile(percentile)
    return [
        _line("Chronological age", wording.years(age), wording.SEX_WORDS.get(prediction.sex or "")),
        _line("Gap", wording.signed_years(gap), words),
        _corrected_gap(prediction),
    ]


def _corrected_gap(prediction: Prediction) -> str:
    gap, correction = prediction.corrected_gap_years, prediction.correction
    if gap is None or correction is None:
        return _line("Corrected gap", "none", wording.why_no_corrected_gap(prediction))
    return _line("Corrected gap", wording.signed_years(gap), wording.fitted_on(correction))


def _finding(finding: Finding) -> str:
    value, limit = wording.measured(finding.value), wording.measured(finding.limit)
    facts = [value, f"limit {limit}" if limit else ""]
    detail = ", ".join(fact for fact in facts if fact)
    word = wording.SEVERITY_WORDS[finding.severity].lower()
    return f"  {word}: {finding.message}" + (f" ({detail})" if detail else "")


def _line(label: str, value: str, detail: str | None = None) -> str:
    return f"{label:<{LABEL_WIDTH}}{value}" + (f", {detail}" if detail else "")


def _shown(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
