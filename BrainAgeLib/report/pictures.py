"""The pictures of a result: slices in grey with the brain's outline or in the map's colours.

Sheets and pairs for the report, and the thumbnail for the index of a batch.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from BrainAgeLib.records import Pictures, SlicePicture
from BrainAgeLib.whole_file import write_atomically

LONG_SIDE_PX = 220
LEAST_SIDE_PX = 110
# More slices than this share the pixels of this many, so that the report of a 3D scan, with its
# hundreds of slices, stays as small as that of a 2D one.
SLICES_AT_FULL_SIZE = 26
# Enough for a thumbnail, and PNG packs few levels far better than many.
GREY_LEVELS, TINT_LEVELS = 96, 16
OUTLINE_COLOUR = (255, 176, 0)
# Orange and blue stay apart in all common kinds of colour blindness.
OLDER_COLOUR, YOUNGER_COLOUR = (245, 100, 40), (60, 150, 255)
STRONGEST_TINT, GREY_UNDER_TINT = 0.85, 0.75  # white matter is so bright that it drowns a tint
# The scale ends here among the pixels that count, so that a single one does not fade the rest.
SCALE_QUANTILE = 0.995
THUMBNAIL_SIDE_PX = 72
# A sheet on paper is as wide as a page within its margins, and no higher than this as long as its
# pictures stay wide enough to judge the outline by.
SHEET_WIDTH_MM, SHEET_HEIGHT_MM, LEAST_WIDTH_MM = 188.0, 90.0, 18.0
HEIGHT_OF_A_PICTURE = 1.15  # of its width; heads are longer than wide
CAPTION_MM = 2.5
LEAST_COLUMNS = 7
MOST_COLUMNS = int(SHEET_WIDTH_MM / LEAST_WIDTH_MM)


@dataclass(frozen=True)
class PagePicture:
    """A picture in a page: its PNG as a ``data:`` address, its words, its size in pixels."""

    source: str
    alt: str
    width: int
    height: int
    caption: str = ""


@dataclass(frozen=True)
class ColourScale:
    """What the colours of a map mean: ``end_years`` and its negative, as CSS colours."""

    end_years: float
    older: str = f"rgb{OLDER_COLOUR}"
    younger: str = f"rgb{YOUNGER_COLOUR}"


@dataclass(frozen=True)
class Sheet:
    """Pictures side by side, and what their colours mean, if they have any."""

    pictures: tuple[PagePicture, ...]
    scale: ColourScale | None = None

    @property
    def print_columns(self) -> int:
        """Into how many columns the sheet goes on paper, so that it is low enough."""
        return print_columns(len(self.pictures))


def input_sheet(slices: Sequence[SlicePicture]) -> Sheet:
    """Show every acquired slice with the outline of the brain mask."""
    side = long_side_px(len(slices))
    pictures = []
    for number, picture in enumerate(slices, start=1):
        alt = f"Slice {number} of {len(slices)}, {_brain_in_words(picture.mask)}."
        image = outlined(picture, picture.mask, side)
        pictures.append(_page_picture(image, alt, str(number)))
    return Sheet(tuple(pictures))


def saliency_sheet(slices: Sequence[SlicePicture]) -> Sheet | None:
    """Show the slices that the saliency map touches with the map in colour; None without a map."""
    scale = saliency_scale_years(slices)
    if scale is None:
        return None
    touched = [
        (number, picture)
        for number, picture in enumerate(slices, start=1)
        if picture.saliency_years is not None and np.any(picture.saliency_years)
    ]
    side = long_side_px(len(touched))
    pictures = []
    for number, picture in touched:
        alt = f"Slice {number} of {len(slices)}, saliency map in colour."
        pictures.append(_page_picture(tinted(picture, scale, side), alt, str(number)))
    return Sheet(tuple(pictures), ColourScale(scale))


def registered_pairs(pictures: Pictures) -> list[tuple[PagePicture, PagePicture]]:
    """Show registered slices beside the template's, the template's brain outlined on both."""
    pairs = list(zip(pictures.registered_slices, pictures.template_slices, strict=False))
    side = long_side_px(2 * len(pairs))
    shown = []
    for number, (scan, template) in enumerate(pairs, start=1):
        mask = template.mask
        on_scan = mask if mask is not None and mask.shape == scan.grey.shape else None
        place = f"Pair {number} of {len(pairs)}"
        scan_image = outlined(scan, on_scan, side)
        template_image = outlined(template, mask, side)
        shown.append(
            (
                _page_picture(scan_image, f"{place}: the registered scan."),
                _page_picture(template_image, f"{place}: the template."),
            )
        )
    return shown


def write_thumbnail(pictures: Pictures, path: Path) -> None:
    """Write the slice with the largest brain, outlined; nothing when there is no picture.

    Raises BrainAgeError when it cannot be written.
    """
    slices = pictures.input_slices
    if not slices:
        return
    middle = len(slices) // 2
    picture = max(slices, key=_brain_mm2) if any(map(_brain_mm2, slices)) else slices[middle]
    stream = io.BytesIO()
    outlined(picture, picture.mask, THUMBNAIL_SIDE_PX).save(stream, "PNG", optimize=True)
    write_atomically(path, stream.getvalue())


def print_columns(pictures: int) -> int:
    """Return into how many columns a sheet of pictures goes on paper, low but easy to see."""

    def height_mm(columns: int) -> float:
        picture_mm = SHEET_WIDTH_MM / columns * HEIGHT_OF_A_PICTURE
        return math.ceil(pictures / columns) * (picture_mm + CAPTION_MM)

    columns = LEAST_COLUMNS
    while height_mm(columns) > SHEET_HEIGHT_MM and columns < min(pictures, MOST_COLUMNS):
        columns += 1
    return columns


def long_side_px(count: int) -> int:
    """Return the pixels of the long side of each of ``count`` pictures."""
    shrunk = LONG_SIDE_PX * math.sqrt(SLICES_AT_FULL_SIZE / max(count, SLICES_AT_FULL_SIZE))
    return max(LEAST_SIDE_PX, round(shrunk))


def outline(mask: np.ndarray) -> np.ndarray:
    """Return the edge of a mask (row, column): one pixel wide, inside it."""
    mask = mask.astype(bool)
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    edge: np.ndarray = mask & ~inside
    return edge


def outlined(picture: SlicePicture, mask: np.ndarray | None, side_px: int) -> Image.Image:
    """Draw a slice in grey, with square pixels, and the edge of ``mask`` on it.

    ``mask``: (row, column) bool on the picture's grid, or None for no outline.
    """
    size = _size_px(picture, side_px)
    grey = _in_steps(_resized(picture.grey, size, Image.Resampling.LANCZOS), GREY_LEVELS)
    indices = np.rint(grey * (GREY_LEVELS - 1)).astype(np.uint8)
    if mask is not None:
        drawn = _resized(mask, size, Image.Resampling.BILINEAR) >= 0.5
        indices[outline(drawn)] = GREY_LEVELS
    image = Image.fromarray(indices)
    levels = np.rint(np.linspace(0, 255, GREY_LEVELS)).astype(int)
    image.putpalette([*np.repeat(levels, 3).tolist(), *OUTLINE_COLOUR])
    return image


def tinted(picture: SlicePicture, scale_years: float, side_px: int) -> Image.Image:
    """Draw a slice in grey, tinted where the saliency map is not 0, fully at ``scale_years``."""
    values = picture.saliency_years
    if values is None:
        values = np.zeros_like(picture.grey)
    size = _size_px(picture, side_px)
    grey = _in_steps(_resized(picture.grey, size, Image.Resampling.LANCZOS), GREY_LEVELS)
    saliency = _resized(values, size, Image.Resampling.BILINEAR)[..., np.newaxis]
    tint = STRONGEST_TINT * _in_steps(np.abs(saliency) / scale_years, TINT_LEVELS)
    colour = np.where(saliency > 0, OLDER_COLOUR, YOUNGER_COLOUR)
    dimmed = 255.0 * GREY_UNDER_TINT * grey[..., np.newaxis]
    return Image.fromarray(np.rint(dimmed * (1.0 - tint) + colour * tint).astype(np.uint8))


def saliency_scale_years(slices: Sequence[SlicePicture]) -> float | None:
    """Return the end of the colour scale, in two digits; None when there is nothing to show."""
    maps = [picture.saliency_years for picture in slices if picture.saliency_years is not None]
    if not maps:
        return None
    strengths = np.concatenate([np.abs(np.nan_to_num(values)).ravel() for values in maps])
    strengths = strengths[strengths > 0]
    if strengths.size == 0:
        return None
    end = float(np.quantile(strengths, SCALE_QUANTILE))
    return float(f"{end:.1e}")


def png_data_uri(image: Image.Image) -> str:
    """Return the picture as a ``data:`` address."""
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _page_picture(image: Image.Image, alt: str, caption: str = "") -> PagePicture:
    return PagePicture(png_data_uri(image), alt, *image.size, caption)


def _brain_in_words(mask: np.ndarray | None) -> str:
    if mask is None:
        return "brain not outlined"
    return "brain outlined" if mask.any() else "no brain found in it"


def _brain_mm2(picture: SlicePicture) -> float:
    if picture.mask is None:
        return 0.0
    return float(np.count_nonzero(picture.mask)) * picture.pixel_mm[0] * picture.pixel_mm[1]


def _size_px(picture: SlicePicture, side_px: int) -> tuple[int, int]:
    """Return width and height of the picture with square pixels."""
    height_mm = picture.grey.shape[0] * picture.pixel_mm[0]
    width_mm = picture.grey.shape[1] * picture.pixel_mm[1]
    scale = side_px / max(height_mm, width_mm)
    return max(1, round(width_mm * scale)), max(1, round(height_mm * scale))


def _in_steps(fractions: np.ndarray, levels: int) -> np.ndarray:
    """Clip to 0-1 and round to so many levels."""
    return np.rint(np.clip(fractions, 0.0, 1.0) * (levels - 1)) / (levels - 1)


def _resized(values: np.ndarray, size_px: tuple[int, int], how: Image.Resampling) -> np.ndarray:
    """Resample (row, column) values to (width, height) pixels; what is not finite becomes 0."""
    finite = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
    return np.asarray(Image.fromarray(finite).resize(size_px, how))
