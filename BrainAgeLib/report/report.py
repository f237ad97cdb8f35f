"""The report: one self-contained HTML file that a person reads, prints and keeps."""

from __future__ import annotations

from pathlib import Path

from BrainAgeLib.records import Pictures, Plane, Prediction
from BrainAgeLib.report import wording
from BrainAgeLib.report.markup import Markup, element
from BrainAgeLib.report.page import html_page
from BrainAgeLib.report.report_headline import headline, typeset
from BrainAgeLib.report.report_pictures import input_sheet, registered_pairs, saliency_sheet
from BrainAgeLib.report.report_plot import comparison_plot
from BrainAgeLib.report.report_print import PRINT_STYLE
from BrainAgeLib.report.report_reading import how_to_read
from BrainAgeLib.report.report_style import STYLE
from BrainAgeLib.report.report_tables import (
    acquisition_table,
    correction_table,
    findings_table,
    origin_table,
)
from BrainAgeLib.whole_file import write_atomically

LEFT_IS_RIGHT = "The patient's left is on the right of each picture."


def write_report(prediction: Prediction, pictures: Pictures, path: Path) -> None:
    """Write the report, all of it or nothing. Raises BrainAgeError when it cannot be written."""
    write_atomically(path, report_html(prediction, pictures).encode("utf-8", errors="replace"))


def report_html(prediction: Prediction, pictures: Pictures) -> str:
    """Return the report as HTML. It shows the scan's file name, never the folders above it."""
    main = element(
        "main",
        headline(prediction),
        _quality(prediction),
        _comparison(prediction, pictures),
        _correction(prediction),
        _slices(prediction, pictures),
        _registration(pictures),
        _saliency(prediction, pictures),
        _reading(prediction),
        _origin(prediction),
    )
    footer = element("footer", prediction.notice)
    title = f"Brain age report: {wording.scan_name(prediction)}"
    return html_page(title, STYLE + PRINT_STYLE, main, footer)


def _section(title: str, *content: str | None, name: str) -> Markup:
    heading = element("h2", title, id=name)
    return element("section", heading, *content, aria_labelledby=name, class_=name)


def _quality(prediction: Prediction) -> Markup:
    return _section("Quality", findings_table(prediction), name="quality")


def _comparison(prediction: Prediction, pictures: Pictures) -> Markup | None:
    plot = comparison_plot(prediction, pictures.reference)
    if plot is None:
        return None
    return _section(
        "Among healthy people" if pictures.reference else "Predicted and chronological age",
        _paragraph(
            "Each dot is a healthy person whose age was predicted by models that had not seen "
            "that person. All values are raw."
        )
        if pictures.reference
        else None,
        element("div", plot, class_="figure"),
        name="comparison",
    )


def _correction(prediction: Prediction) -> Markup | None:
    if prediction.brain_age_years is None:
        return None
    table = correction_table(prediction)
    if table is None or prediction.correction is None:
        why = wording.why_no_corrected_gap(prediction)
        words = f"There is no corrected gap: {why}."
    else:
        formula = wording.CORRECTION_FORMULAS.get(prediction.correction.method)
        equation = f"Corrected brain age = {typeset(formula)}. " if formula else ""
        words = f"{equation}{wording.CORRECTION_CAUTION}"
    return _section("Corrected gap", table, _paragraph(words), name="correction")


def _slices(prediction: Prediction, pictures: Pictures) -> Markup:
    slices = pictures.input_slices
    return _section(
        "Acquired slices",
        acquisition_table(prediction.acquisition),
        _paragraph(
            f"{_counted(len(slices), prediction.acquisition.slice_count)} The orange line is the "
            f"edge of the brain mask; it should follow the brain. "
            f"{_orientation(prediction.acquisition.plane)}"
        )
        if slices
        else None,
        input_sheet(slices) if slices else _paragraph("There are no pictures of this scan."),
        name="slices",
    )


def _registration(pictures: Pictures) -> Markup:
    pairs = registered_pairs(pictures)
    if pairs is None:
        note = "There are no registered slices to judge: registration was skipped or not reached."
        return _section("Registration", _paragraph(note), name="registration")
    note = (
        "The same places in the registered scan and in the template. The orange line is the edge "
        "of the template's brain, drawn on both: ventricles and edges should lie in the same "
        "places. If they do not, the prediction means nothing, whatever the verdict says."
    )
    return _section("Registration", _paragraph(note), pairs, name="registration")


def _saliency(prediction: Prediction, pictures: Pictures) -> Markup | None:
    if prediction.brain_age_years is None:
        return None
    sheet = saliency_sheet(pictures.input_slices)
    if sheet is None:
        return None
    note = (
        "Where the picture moved the prediction of this model, and by how many years. It says what "
        "the model looked at, not which region is diseased."
    )
    regions = wording.leaning(prediction)
    words = _paragraph(regions) if regions else None
    return _section("Saliency", _paragraph(note), words, sheet, name="saliency")


def _reading(prediction: Prediction) -> Markup | None:
    if prediction.brain_age_years is None:
        return None
    return _section("How to read this", how_to_read(prediction), name="reading")


def _origin(prediction: Prediction) -> Markup:
    return _section("Where this comes from", origin_table(prediction), name="origin")


def _paragraph(text: str) -> Markup:
    return element("p", text)


def _counted(shown: int, acquired: int) -> str:
    if shown == acquired:
        return f"All {shown} slices, from first to last."
    return f"{shown} of {acquired} slices, evenly spread from first to last, numbered as shown."


def _orientation(plane: Plane) -> str:
    return "" if plane == "sagittal" else LEFT_IS_RIGHT
