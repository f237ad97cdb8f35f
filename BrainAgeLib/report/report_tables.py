"""The tables of the report: findings, acquisition, correction, origin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from BrainAgeLib.records import Acquisition, Finding, Prediction, Timings
from BrainAgeLib.report import wording
from BrainAgeLib.report.markup import Markup, element
from BrainAgeLib.report.report_headline import icon, typeset


def findings_table(prediction: Prediction) -> Markup:
    """Return all findings, the worst first, with what was measured and where a finding begins."""
    findings = list(wording.worst_first(prediction))
    if not findings:
        return element("p", "There are no findings.")
    columns = ("Severity", "Finding", "Measured", "Limit")
    head = element("tr", *(element("th", name, scope="col") for name in columns))
    table = element(
        "table",
        element("thead", head),
        element("tbody", *(_finding_row(item) for item in findings)),
        class_="findings",
    )
    return element("div", table, class_="scrolling")


def acquisition_table(acquisition: Acquisition) -> Markup:
    """Return how the scan was acquired."""
    rows, columns = acquisition.in_plane_mm
    return _tiles(
        (
            ("Plane", acquisition.plane),
            ("Slices", f"{acquisition.slice_count}"),
            ("Slice spacing", _millimetres(acquisition.slice_spacing_mm)),
            ("Slice thickness", _millimetres(acquisition.slice_thickness_mm)),
            ("Pixel size", f"{rows:.3g} \u00d7 {columns:.3g} mm"),
        )
    )


def correction_table(prediction: Prediction) -> Markup | None:
    """Return the corrected gap and all that it was fitted on, or None when there is none."""
    correction, gap = prediction.correction, prediction.corrected_gap_years
    corrected = prediction.corrected_brain_age_years
    if correction is None or gap is None or corrected is None:
        return None
    return _tiles(
        (
            ("Corrected gap", typeset(wording.signed_years(gap))),
            ("Corrected brain age", wording.years(corrected)),
            ("Method", correction.method),
            ("Slope", typeset(f"{correction.slope:.4g}")),
            ("Intercept", typeset(f"{correction.intercept:.4g} years")),
            ("Site calibration", correction.site or "none"),
            ("Ages fitted on", wording.age_range(correction.age_range_years)),
            ("People fitted on", f"{correction.people}: {correction.fitted_on}"),
        )
    )


def origin_table(prediction: Prediction) -> Markup:
    """Return which input, model and program the result comes from."""
    model, software = prediction.model, prediction.software
    versions = ", ".join(f"{name} {version}" for name, version in software.dependencies.items())
    rows = (
        ("Scan", wording.scan_name(prediction)),
        ("Scan sha256", prediction.input.sha256 or wording.NOT_KNOWN),
        ("Model", f"{model.name} {model.version}"),
        ("Model sha256", model.sha256),
        ("Trained on ages", wording.age_range(model.age_range_years)),
        ("Program", f"{software.name} {software.version}"),
        ("With", versions or wording.NOT_KNOWN),
        ("Device", prediction.device),
        ("Time", _timings(prediction.timings_seconds)),
    )
    body = (
        element("tr", element("th", name, scope="row"), element("td", value))
        for name, value in rows
    )
    return element("table", element("tbody", *body), class_="origin-facts")


def _finding_row(finding: Finding) -> Markup:
    severity = element(
        "span",
        icon(finding.severity),
        wording.SEVERITY_WORDS[finding.severity],
        class_=f"severity {finding.severity}",
    )
    return element(
        "tr",
        element("th", severity, scope="row"),
        element("td", finding.message, " ", element("code", finding.code)),
        element("td", wording.measured(finding.value) or "\u2013", class_="figure-cell"),
        element("td", wording.measured(finding.limit) or "\u2013", class_="figure-cell"),
    )


def _tiles(facts: Sequence[tuple[str, str]]) -> Markup:
    """Return named values side by side, as many to a line as fit."""
    tiles = (element("div", element("dt", name), element("dd", value)) for name, value in facts)
    return element("dl", *tiles, class_="tiles")


def _millimetres(value: float | None) -> str:
    return wording.NOT_KNOWN if value is None else f"{value:.3g} mm"


def _timings(timings: Timings) -> str:
    known = ((item.name, getattr(timings, item.name)) for item in fields(timings))
    stages = (f"{name.replace('_', ' ')} {seconds:.1f} s" for name, seconds in known if seconds)
    return ", ".join(stages) or wording.NOT_KNOWN
