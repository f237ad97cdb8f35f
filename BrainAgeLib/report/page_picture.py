"""The result on one page as a picture, for archives that show pictures only."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from BrainAgeLib.records import Pictures, Prediction, SlicePicture
from BrainAgeLib.report.report_images import outlined
from BrainAgeLib.report.text import LABEL_WIDTH, readable_result

WIDTH_PX, HEIGHT_PX = 1000, 1414  # A4
MARGIN_PX, GAP_PX = 50, 8
TITLE_PX, NUMBER_PX, TEXT_PX = 34, 56, 19
LETTERS_A_LINE = 96
LABEL_COLUMN_PX = 200
LINE_HEIGHT = 1.35
COLUMNS = 6
MOST_SLICES = 24
INK, SOFT, PAPER = (27, 37, 48), (86, 98, 112), (255, 255, 255)
LOUD = (176, 36, 28)


def page_picture(prediction: Prediction, pictures: Pictures) -> np.ndarray:
    """Return the page (row, column, RGB), uint8: the number, the words, the slices, the notice.

    It names neither the file nor the patient.
    """
    page = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), PAPER)
    draw = ImageDraw.Draw(page)
    y = _write(draw, MARGIN_PX, "Brain age report", TITLE_PX, INK)
    colour = LOUD if prediction.quality.verdict == "refuse" else INK
    y = _write(draw, y + GAP_PX, _number(prediction), NUMBER_PX, colour)
    for line in readable_result(prediction).splitlines():
        y = _lines(draw, y, line)
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


def _number(prediction: Prediction) -> str:
    if prediction.brain_age_years is None:
        return "No brain age: refused"
    return f"{prediction.brain_age_years:.1f} years (raw)"


def _lines(draw: ImageDraw.ImageDraw, y: int, line: str) -> int:
    """Write a line of text, its label in a column of its own; return where the next one begins."""
    label, value = line[:LABEL_WIDTH].rstrip(), line[LABEL_WIDTH:]
    if not label or line.startswith(" ") or not line[LABEL_WIDTH - 1 :].startswith(" "):
        label, value = "", line.strip()
    x = MARGIN_PX + (LABEL_COLUMN_PX if label else 0)
    font = ImageFont.load_default(TEXT_PX)
    draw.text((MARGIN_PX, y), label, fill=SOFT, font=font)
    for part in textwrap.wrap(value, LETTERS_A_LINE - (LABEL_WIDTH if label else 0)) or [""]:
        draw.text((x, y), part, fill=INK, font=font)
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
