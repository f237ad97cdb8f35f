"""Draw the icon: a brain in thick slices, inside the arc of a clock that runs from young to old.

    python -m Testing.makers.draw_icon

Writes BrainAge.png (the extension) and BrainAge/Resources/Icons/BrainAge.png (the module), 128 px,
transparent, for Slicer's light and dark style.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]
FILES = (ROOT / "BrainAge.png", ROOT / "BrainAge" / "Resources" / "Icons" / "BrainAge.png")
SIZE = 128
OVERSAMPLING = 8
CENTRE = np.array((64.0, 68.0))  # lower than the middle: the arc is open at the bottom
# From young to old: blue and orange are told apart by colour-blind people too.
YOUNG = np.array((36, 132, 222))
MIDDLE = np.array((203, 84, 160))
OLD = np.array((250, 138, 26))
# All lengths are in pixels of the finished icon, from its centre; y points down.
ARC_RADIUS = 58.5
ARC_WIDTH = 7.0
ARC_DEGREES = (128, 412)  # clockwise from the right, as Pillow counts: open at the bottom
HAND = 0.72  # where on the arc the age points
HAND_RADIUS = 9.5
BRAIN_HALF_WIDTH = 36.0
BRAIN_HALF_HEIGHT = 44.0
GYRI = 9  # on each side
GAPS_Y = (-27.0, -9.0, 9.0, 27.0)
GAP = 3.4
FISSURE = 2.6
VENTRICLE_HEIGHT = 14.0  # half of it


def colour(fraction: float) -> tuple[int, int, int, int]:
    """Return the colour at a fraction of life, 0-1."""
    start, end, share = (
        (YOUNG, MIDDLE, fraction * 2) if fraction < 0.5 else (MIDDLE, OLD, fraction * 2 - 1)
    )
    red, green, blue = (int(value) for value in np.round(start + (end - start) * share))
    return red, green, blue, 255


def pixels(points: np.ndarray) -> list[tuple[float, float]]:
    """Return points (n, 2) about the centre as pixels of the large picture."""
    return [(float(x), float(y)) for x, y in (points + CENTRE) * OVERSAMPLING]


def disc(draw: ImageDraw.ImageDraw, centre: np.ndarray, radius: float, fill: object) -> None:
    """Draw a filled circle."""
    draw.ellipse(pixels(np.array([centre - radius, centre + radius])), fill=fill)


def draw_arc(picture: Image.Image) -> None:
    """Draw the clock's arc as overlapping dots, so that it fades and ends round, and its hand."""
    draw = ImageDraw.Draw(picture)
    fractions = np.linspace(0, 1, 900)
    places = [arc_place(float(fraction)) for fraction in fractions]
    for fraction, centre in zip(fractions, places, strict=True):
        disc(draw, centre, ARC_WIDTH / 2, colour(float(fraction)))
    disc(draw, arc_place(HAND), HAND_RADIUS, (0, 0, 0, 0))
    disc(draw, arc_place(HAND), HAND_RADIUS - 2.6, colour(HAND))


def arc_place(fraction: float) -> np.ndarray:
    """Return where on the arc a fraction of life is."""
    angle = np.radians(np.interp(fraction, (0, 1), ARC_DEGREES))
    return ARC_RADIUS * np.array((np.cos(angle), np.sin(angle)))


def brain_outline() -> np.ndarray:
    """Return the outline of a brain seen from above, face up: (n, 2)."""
    angle = np.linspace(0, 2 * np.pi, 1440, endpoint=False)
    x, y = np.sin(angle), -np.cos(angle)
    width = BRAIN_HALF_WIDTH * (1 + 0.08 * y)  # narrower in front
    gyri = 0.955 + 0.06 * np.abs(np.sin(GYRI * angle))
    return np.stack((x * width, y * BRAIN_HALF_HEIGHT), axis=1) * gyri[:, None]


def brain_mask() -> Image.Image:
    """Return where there is brain: the outline less the fissure, the ventricles and the gaps."""
    mask = Image.new("L", (SIZE * OVERSAMPLING,) * 2, 0)
    draw = ImageDraw.Draw(mask)
    draw.polygon(pixels(brain_outline()), fill=255)
    for top, bottom in ((-60, -VENTRICLE_HEIGHT), (VENTRICLE_HEIGHT, 60)):
        draw.rectangle(pixels(np.array([(-FISSURE / 2, top), (FISSURE / 2, bottom)])), fill=0)
    for y in GAPS_Y:
        draw.rectangle(pixels(np.array([(-60, y - GAP / 2), (60, y + GAP / 2)])), fill=0)
    for part in np.linspace(-1, 1, 200):
        for side in (-1, 1):
            centre = np.array((side * (5.0 + 6.5 * part**2), VENTRICLE_HEIGHT * part))
            disc(draw, centre, 1.6 + 1.3 * abs(part), 0)
    return mask


def brain_colours() -> Image.Image:
    """Return the colours from left, young, to right, old."""
    picture = Image.new("RGBA", (SIZE * OVERSAMPLING,) * 2)
    draw = ImageDraw.Draw(picture)
    for column in range(SIZE * OVERSAMPLING):
        x = column / OVERSAMPLING - CENTRE[0]
        fraction = float(np.clip(x / (2 * BRAIN_HALF_WIDTH) + 0.5, 0, 1))
        draw.line(((column, 0), (column, SIZE * OVERSAMPLING)), fill=colour(fraction))
    return picture


def icon() -> Image.Image:
    """Return the finished icon."""
    large = Image.new("RGBA", (SIZE * OVERSAMPLING,) * 2)
    draw_arc(large)
    large.paste(brain_colours(), mask=brain_mask())
    return large.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def main() -> None:
    """Write both files."""
    picture = icon()
    for path in FILES:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, optimize=True)


if __name__ == "__main__":
    main()
