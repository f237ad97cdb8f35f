"""Group maps drawn over the template, never over a person."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from BrainAgeLib.records import SlicePicture
from BrainAgeLib.report.pictures import saliency_scale_years, tinted
from BrainAgeLib.template.grid import FIRST_HEIGHT_MM, GRID_SPACING_MM, HEIGHT_STEP_MM
from BrainAgeLib.template.regions import NAMES, region_numbers
from BrainAgeLib.template.target import template_target

HEIGHTS_MM = (-34, -18, 2, 10, 22, 38, 54)
SIDE_PX = 110
LEFT_PX, TOP_PX, LINE_PX = 74, 18, 16
BACKGROUND, INK = (0, 0, 0), (235, 235, 235)
COLOURS = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178),
    (213, 94, 0), (204, 121, 167), (150, 150, 150), (140, 200, 90),
)  # fmt: skip
REGION_TINT = 0.6
COLOURS_IN_FILE = 160  # PNG packs few far better than many


def draw_groups(means: dict[str, np.ndarray], path: Path) -> float:
    """Write a picture: a row of template slices a group, then the regions; return its scale.

    ``means``: (z, y, x) in years on the grid of the maps.
    """
    rows = {name: [_slice(height, years) for height in HEIGHTS_MM] for name, years in means.items()}
    scale = saliency_scale_years([one for row in rows.values() for one in row]) or 1.0
    drawn = {name: [tinted(one, scale, SIDE_PX) for one in row] for name, row in rows.items()}
    drawn["regions"] = [_regions(height) for height in HEIGHTS_MM]
    width, height = drawn["regions"][0].size
    lines = (len(NAMES) + 2) // 3
    size = (
        LEFT_PX + width * len(HEIGHTS_MM),
        TOP_PX + height * len(drawn) + LINE_PX * (lines + 1),
    )
    picture = Image.new("RGB", size, BACKGROUND)
    write = ImageDraw.Draw(picture)
    for column, height_mm in enumerate(HEIGHTS_MM):
        write.text((LEFT_PX + column * width + 4, 3), f"z = {height_mm} mm", fill=INK)
    for row, (name, images) in enumerate(drawn.items()):
        write.text((4, TOP_PX + row * height + height // 2), name, fill=INK)
        for column, image in enumerate(images):
            picture.paste(image, (LEFT_PX + column * width, TOP_PX + row * height))
    below = TOP_PX + height * len(drawn) + 2
    for number, name in enumerate(NAMES):
        place = (LEFT_PX + (number % 3) * size[0] // 3, below + number // 3 * LINE_PX)
        write.text(place, name, fill=COLOURS[number])
    path.parent.mkdir(parents=True, exist_ok=True)
    few = picture.quantize(COLOURS_IN_FILE, Image.Quantize.MAXCOVERAGE)
    few.save(path, optimize=True)
    return scale


def _slice(height_mm: float, years: np.ndarray | None = None) -> SlicePicture:
    number = round((height_mm - FIRST_HEIGHT_MM) / HEIGHT_STEP_MM)
    grey = np.clip(template_target("cpu")[number].numpy() / 1.2, 0, 1)
    shown = None if years is None else years[number]
    return SlicePicture(grey, (GRID_SPACING_MM, GRID_SPACING_MM), saliency_years=shown)


def _regions(height_mm: float) -> Image.Image:
    """Draw the regions in colour over the template."""
    picture = _slice(height_mm)
    image = tinted(picture, 1.0, SIDE_PX)
    number = round((height_mm - FIRST_HEIGHT_MM) / HEIGHT_STEP_MM)
    regions = Image.fromarray((region_numbers("cpu")[number].numpy() + 1).astype(np.uint8))
    numbers = np.asarray(regions.resize(image.size, Image.Resampling.NEAREST))
    colours = np.array([BACKGROUND, *COLOURS])[numbers]
    mixed = (1 - REGION_TINT) * np.asarray(image) + REGION_TINT * colours
    return Image.fromarray(mixed.astype(np.uint8))
