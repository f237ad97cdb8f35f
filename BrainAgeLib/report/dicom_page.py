"""The result on one page as a DICOM secondary capture, for viewers that show pictures only."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from BrainAgeLib.records import Pictures, Prediction, SlicePicture
from BrainAgeLib.report import wording
from BrainAgeLib.report.dicom_report import (
    MANUFACTURER,
    SERIES_DESCRIPTION,
    SERIES_NUMBER,
    dicom_packages,
)
from BrainAgeLib.report.pictures import outlined
from BrainAgeLib.whole_file import written_atomically

WIDTH_PX, HEIGHT_PX = 1000, 1414  # A4
MARGIN_PX, GAP_PX = 50, 8
TITLE_PX, NUMBER_PX, TEXT_PX = 34, 56, 19
LETTERS_A_LINE, LETTERS_LESS_BESIDE_A_LABEL = 96, 19
LABEL_COLUMN_PX = 200
LINE_HEIGHT = 1.35
COLUMNS = 6
MOST_SLICES = 24
INK, SOFT, PAPER = (27, 37, 48), (86, 98, 112), (255, 255, 255)
LOUD = (176, 36, 28)


def write_page(
    prediction: Prediction, pictures: Pictures, source: Sequence[Any], path: Path
) -> None:
    """Write the page as a secondary capture that refers to the images of ``source``.

    ``source``: headers from ``dicom_source``. Raises BrainAgeError when it cannot be written.
    """
    page = page_capture(prediction, pictures, source)
    with written_atomically(path) as temporary:
        page.save_as(temporary, enforce_file_format=True)


def page_capture(prediction: Prediction, pictures: Pictures, source: Sequence[Any]) -> Any:
    """Return the page as a pydicom data set."""
    hd = dicom_packages()
    from pydicom.dataset import Dataset
    from pydicom.uid import RLELossless

    page = hd.sc.SCImage.from_ref_dataset(
        source[0],
        pixel_array=page_picture(prediction, pictures),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "P"),
        series_instance_uid=hd.UID(),
        series_number=SERIES_NUMBER + 1,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        transfer_syntax_uid=RLELossless,
    )
    page.PatientOrientation = None  # a page of text has none
    page.BodyPartExamined = "BRAIN"
    page.BurnedInAnnotation = "YES"  # ages, though no name
    page.SeriesDescription = SERIES_DESCRIPTION
    page.ImageComments = prediction.notice
    page.SoftwareVersions = prediction.software.version
    page.SourceImageSequence = []
    for image in source:
        reference = Dataset()
        reference.ReferencedSOPClassUID = image.SOPClassUID
        reference.ReferencedSOPInstanceUID = image.SOPInstanceUID
        page.SourceImageSequence.append(reference)
    return page


def page_picture(prediction: Prediction, pictures: Pictures) -> np.ndarray:
    """Return the page (row, column, RGB), uint8: the number, the words, the slices, the notice.

    It names neither the file nor the patient.
    """
    page = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), PAPER)
    draw = ImageDraw.Draw(page)
    y = _write(draw, MARGIN_PX, "Brain age report", TITLE_PX, INK)
    colour = LOUD if prediction.quality.verdict == "refuse" else INK
    if wording.is_forced(prediction):
        words = f"{wording.FORCED}: {wording.DO_NOT_USE}"
        y = _write(draw, y + GAP_PX, words, TITLE_PX, LOUD)
    y = _write(draw, y + GAP_PX, wording.brain_age(prediction).value, NUMBER_PX, colour)
    for fact in wording.result_lines(prediction):
        text = ", ".join(filter(None, (fact.value, fact.note)))
        y = _paragraph(draw, y, text, fact.label)
    y = _paragraph(draw, y + GAP_PX, prediction.notice)
    y = _write(draw, y + GAP_PX, "Acquired slices with the edge of the brain mask", TEXT_PX, SOFT)
    shown = _spread(pictures.input_slices, MOST_SLICES)
    y = _sheet(page, y, [(picture, picture.mask) for picture in shown])
    pairs = list(zip(pictures.registered_slices, pictures.template_slices, strict=False))
    if pairs:
        words = "Registered scan beside the template, the template's edge on both"
        y = _write(draw, y + GAP_PX, words, TEXT_PX, SOFT)
        pairs = pairs[: COLUMNS // 2]
        _sheet(page, y, [(picture, one[1].mask) for one in pairs for picture in one])
    return np.asarray(page)


def _paragraph(draw: ImageDraw.ImageDraw, y: int, text: str, label: str = "") -> int:
    """Write text, its label in a column of its own; return where the next one begins."""
    x = MARGIN_PX + (LABEL_COLUMN_PX if label else 0)
    letters = LETTERS_A_LINE - (LETTERS_LESS_BESIDE_A_LABEL if label else 0)
    font = ImageFont.load_default(TEXT_PX)
    draw.text((MARGIN_PX, y), label, fill=SOFT, font=font)
    for line in textwrap.wrap(text, letters):
        draw.text((x, y), line, fill=INK, font=font)
        y += round(LINE_HEIGHT * TEXT_PX)
    return y


def _write(
    draw: ImageDraw.ImageDraw, y: int, text: str, size_px: int, colour: tuple[int, int, int]
) -> int:
    """Write one line; return where the next one begins."""
    draw.text((MARGIN_PX, y), text, fill=colour, font=ImageFont.load_default(size_px))
    return y + round(LINE_HEIGHT * size_px)


def _spread(items: Sequence[SlicePicture], count: int) -> list[SlicePicture]:
    """Return at most so many of the items, evenly spread from first to last."""
    if len(items) <= count:
        return list(items)
    return [items[index] for index in np.linspace(0, len(items) - 1, count).round().astype(int)]


def _sheet(
    page: Image.Image, y: int, slices: Sequence[tuple[SlicePicture, np.ndarray | None]]
) -> int:
    """Draw slices in rows as long as there is room; return where the next thing begins."""
    side = (WIDTH_PX - 2 * MARGIN_PX - (COLUMNS - 1) * GAP_PX) // COLUMNS
    for start in range(0, len(slices), COLUMNS):
        row = [
            outlined(picture, mask if _fits(mask, picture.grey) else None, side)
            for picture, mask in slices[start : start + COLUMNS]
        ]
        height = max(image.height for image in row)
        if y + height > HEIGHT_PX - MARGIN_PX // 2:
            break
        for column, image in enumerate(row):
            x = MARGIN_PX + column * (side + GAP_PX) + (side - image.width) // 2
            page.paste(image.convert("RGB"), (x, y))
        y += height + GAP_PX
    return y


def _fits(mask: np.ndarray | None, grey: np.ndarray) -> bool:
    return mask is not None and mask.shape == grey.shape
