"""The report: what it says, as plain data; ``templates/report.html.j2`` says how it looks."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import Finding, Pictures, Prediction, Severity, Timings
from BrainAgeLib.report import wording
from BrainAgeLib.report.interval_and_age import interval_and_age
from BrainAgeLib.report.leaning import leaning
from BrainAgeLib.report.pages import filled_in, write_page
from BrainAgeLib.report.pictures import (
    PagePicture,
    Sheet,
    input_sheet,
    registered_pairs,
    saliency_sheet,
)
from BrainAgeLib.report.plot import Plot, comparison_plot
from BrainAgeLib.report.wording import Fact, typeset

DASH = "\u2013"
# By the method's name in the record; a site may have fitted the line.
CORRECTION_FORMULAS = {
    "cole": "(raw brain age - intercept) / slope",
    "de-lange-cole": "raw brain age - (slope x chronological age + intercept)",
}


@dataclass(frozen=True)
class Number:
    """The raw brain age in large figures, and all that qualifies it."""

    label: str
    figure: str
    unit: str
    interval: str
    facts: tuple[Fact, ...]
    interval_and_age: str | None
    is_forced: bool


@dataclass(frozen=True)
class FindingRow:
    """A finding with what was measured and where the finding begins."""

    severity: Severity
    word: str
    message: str
    code: str
    measured: str
    limit: str


@dataclass(frozen=True)
class CorrectionPart:
    """The corrected gap and all that it was fitted on, or why there is none."""

    facts: tuple[Fact, ...]
    formula: str | None
    why_none: str


@dataclass(frozen=True)
class ReportView:
    """All that the report says, in its order; what is None or empty is left out.

    ``number`` is None when the scan was refused: its ``reasons`` and advice take the place. They
    also stand above a number that was forced.
    """

    prediction: Prediction
    scan_name: str
    number: Number | None
    refusal_title: str
    verdict_words: str
    verdict_sentence: str
    reasons: tuple[str, ...]
    findings: tuple[FindingRow, ...]
    plot: Plot | None
    has_reference: bool
    is_other_sequence: bool
    correction: CorrectionPart | None
    acquisition: tuple[Fact, ...]
    slices: Sheet
    left_is_right: bool
    pairs: tuple[tuple[PagePicture, PagePicture], ...]
    saliency: Sheet | None
    leaning: str | None
    origin: tuple[Fact, ...]


def write_report(prediction: Prediction, pictures: Pictures, path: Path) -> None:
    """Write the report, all of it or nothing. Raises BrainAgeError when it cannot be written."""
    write_page(path, report_html(prediction, pictures))


def report_html(prediction: Prediction, pictures: Pictures) -> str:
    """Return the report as HTML. It shows the scan's file name, never the folders above it."""
    return filled_in("report.html.j2", view=report_view(prediction, pictures))


def report_view(prediction: Prediction, pictures: Pictures) -> ReportView:
    """Return all that the report says."""
    has_age = prediction.brain_age_years is not None
    quality = prediction.quality
    if wording.is_forced(prediction):
        refusal_title = f"{wording.FORCED}: {wording.DO_NOT_USE}"
    else:
        refusal_title = f"{wording.NO_BRAIN_AGE}: {wording.SCAN_REFUSED}"
    return ReportView(
        prediction=prediction,
        scan_name=wording.scan_name(prediction),
        number=_number(prediction) if has_age else None,
        refusal_title=refusal_title,
        verdict_words=wording.VERDICT_WORDS[quality.verdict].lower(),
        verdict_sentence=wording.VERDICT_SENTENCES[quality.verdict],
        reasons=tuple(
            item.message for item in wording.leading(prediction) if item.severity == "refuse"
        ),
        findings=tuple(map(_finding_row, wording.worst_first(prediction))),
        plot=comparison_plot(prediction, pictures.reference),
        has_reference=pictures.reference is not None,
        is_other_sequence=FindingCode.OTHER_SEQUENCE in {each.code for each in quality.findings},
        correction=_correction(prediction) if has_age else None,
        acquisition=tuple(_acquisition(prediction)),
        slices=input_sheet(pictures.input_slices),
        left_is_right=prediction.acquisition.plane != "sagittal",
        pairs=tuple(registered_pairs(pictures)),
        saliency=saliency_sheet(pictures.input_slices) if has_age else None,
        leaning=leaning(prediction),
        origin=tuple(_origin(prediction)),
    )


def _number(prediction: Prediction) -> Number:
    age = wording.brain_age(prediction)
    figure, unit = age.value.split()
    facts = wording.facts(prediction)
    return Number(
        label=" ".join(filter(None, (age.label, wording.source(prediction)))),
        figure=figure,
        unit=unit,
        interval=wording.interval_note(prediction),
        facts=tuple(Fact(fact.label, typeset(fact.value), fact.note) for fact in facts),
        interval_and_age=interval_and_age(prediction),
        is_forced=wording.is_forced(prediction),
    )


def _finding_row(finding: Finding) -> FindingRow:
    return FindingRow(
        finding.severity,
        wording.SEVERITY_WORDS[finding.severity],
        finding.message,
        finding.code,
        wording.measured(finding, finding.value) or DASH,
        wording.measured(finding, finding.limit) or DASH,
    )


def _correction(prediction: Prediction) -> CorrectionPart:
    correction, gap = prediction.correction, prediction.corrected_gap_years
    corrected = prediction.corrected_brain_age_years
    if correction is None or gap is None or corrected is None:
        return CorrectionPart((), None, wording.why_no_corrected_gap(prediction))
    formula = CORRECTION_FORMULAS.get(correction.method)
    return CorrectionPart(
        facts=(
            Fact("Corrected gap", typeset(wording.signed_years(gap))),
            Fact("Corrected brain age", wording.years(corrected)),
            Fact("Method", correction.method),
            Fact("Slope", typeset(f"{correction.slope:.4g}")),
            Fact("Intercept", typeset(f"{correction.intercept:.4g} years")),
            Fact("Site calibration", correction.site or wording.NONE),
            Fact("Ages fitted on", wording.age_range(correction.age_range_years)),
            Fact("People fitted on", f"{correction.people}: {correction.fitted_on}"),
        ),
        formula=typeset(formula) if formula else None,
        why_none="",
    )


def _acquisition(prediction: Prediction) -> list[Fact]:
    acquisition = prediction.acquisition
    rows, columns = acquisition.in_plane_mm
    return [
        Fact("Sequence, by the picture", prediction.sequence or wording.NOT_KNOWN),
        Fact("Plane", "3D" if acquisition.plane == "3d" else acquisition.plane),
        Fact("Slices", f"{acquisition.slice_count}"),
        Fact("Slice spacing", _millimetres(acquisition.slice_spacing_mm)),
        Fact("Slice thickness", _millimetres(acquisition.slice_thickness_mm)),
        Fact("Pixel size", typeset(f"{rows:.3g} x {columns:.3g} mm")),
    ]


def _origin(prediction: Prediction) -> list[Fact]:
    """Return which input, model and program the result comes from."""
    model, software = prediction.model, prediction.software
    versions = ", ".join(f"{name} {version}" for name, version in software.dependencies.items())
    return [
        Fact("Scan", wording.scan_name(prediction)),
        Fact("Scan sha256", prediction.input.sha256 or wording.NOT_KNOWN),
        Fact("Model", f"{model.name} {model.version}"),
        Fact("Model sha256", model.sha256),
        Fact("Trained on ages", wording.age_range(model.age_range_years)),
        Fact("Program", f"{software.name} {software.version}"),
        Fact("With", versions or wording.NOT_KNOWN),
        Fact("Device", prediction.device),
        Fact("Time", _timings(prediction.timings_seconds)),
    ]


def _millimetres(value: float | None) -> str:
    return wording.NOT_KNOWN if value is None else f"{value:.3g} mm"


def _timings(timings: Timings) -> str:
    known = ((item.name, getattr(timings, item.name)) for item in fields(timings))
    stages = (f"{name.replace('_', ' ')} {seconds:.1f} s" for name, seconds in known if seconds)
    return ", ".join(stages) or wording.NOT_KNOWN
