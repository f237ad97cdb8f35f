"""The main figures of a group report in a few lines, for the terminal."""

from __future__ import annotations

from BrainAgeLib.cohort.analysis.estimates import p_words, with_interval
from BrainAgeLib.cohort.analysis.page import Report


def headline(report: Report) -> str:
    """Return a line for each main figure."""
    chosen = {"adjusted difference", "Cohen's d", "difference of change a year"}
    lines = []
    for item in report.estimates:
        is_area = item.figure.startswith("AUC, adjusted")
        is_hazard = item.figure == "hazard ratio per year"
        if item.analysis == "missing data" or not (item.figure in chosen or is_area or is_hazard):
            continue
        p = f", p {p_words(item.p)}" if item.p is not None else ""
        p += f", Holm {p_words(item.p_adjusted)}" if item.p_adjusted is not None else ""
        unit = f" {item.unit}" if item.unit else ""
        name = f"{item.subset}: {item.outcome}, {item.figure}"
        lines.append(f"{name:66} {with_interval(item)}{unit}{p}")
    return "\n".join(lines)
