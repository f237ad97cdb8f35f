"""Where the two sides of a brain differ by more than those of healthy people.

Tumours, infarcts, collections of blood, holes of operations and most failures of a brain extraction
lie on one side; age, contrast, shading and strip change both. So left is compared with right, place
by place, in the share of fluid and of white matter and in brightness, blurred to the widths of what
is looked for: a lesion of 3 cm stands out of healthy people's differences, which are many and
small. What lies in the midline or is alike on both sides is not seen.

The volume is taken as the affine registration leaves it: a deformation would pull a lesion
straight.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as functional

from BrainAgeLib.model.brain_maps import HIGHEST_SHOWN, tissue_shares
from BrainAgeLib.template.grid import SPACING_MM, grid_heights_mm, grid_xy_mm, smooth
from BrainAgeLib.template.regions import NAMES, region_numbers
from BrainAgeLib.template.scan_maps import TemplateVolume
from BrainAgeLib.template.target import brain_region

Side = Literal["left", "right"]

# Chosen on lesions that were simulated (docs/quality.md): narrower and wider ones find fewer.
SIGMAS_MM = (9.0, 14.0)
CELL = (2, 4, 4)  # of the grid along z, y and x: 8 x 10 x 10 mm
LEAST_SEEN = 0.5  # of what a place is blurred over
LEAST_BRAIN = 0.5  # of a cell
HEIGHTS_MM = (-60.0, 68.0)  # beyond, healthy sides differ most: a tilted end of the stack
LEVEL = 2  # the channel of brightness
# Set by hand: what 99 of 100 healthy scans stay under in a place is its unit, and half of the
# median of all places' is added, lest the quietest decide.
SHARE_IN_PLACE = 0.99
FLOOR = 0.5
PART = 200  # scans at once
SHARE_UNDER_ONE = 0.99  # of usual scans of healthy people, in all places at once


@dataclass(frozen=True)
class OneSided:
    """Where the sides differ most.

    ``distance``: 1 is what 99 % of usual scans of healthy people stay under everywhere. ``side``:
    the one that is further from healthy brains there. ``region``: see ``regions``. ``is_darker``:
    whether that side is darker there than healthy brains, or brighter. ``place_mm``: x, y, z in the
    template, the middle of that place on that side.
    """

    distance: float
    side: Side
    region: str
    is_darker: bool
    place_mm: tuple[float, float, float]


@dataclass(frozen=True)
class TypicalSides:
    """The healthy people's sides.

    ``center``: (side, width, channel, cell), their mean on the right and on the left. ``unit``:
    (width, channel, cell), the difference of the sides from its mean that counts as 1.
    """

    center: torch.Tensor
    unit: torch.Tensor

    def most_one_sided(self, sides: torch.Tensor) -> OneSided:
        """Return where the sides (side, width, channel, cell) of a scan differ most."""
        sides = sides.float().cpu()
        away = (_difference(sides - self.center) / self.unit).abs()
        width, channel, cell = _place(away)
        off = (sides - self.center)[:, width, :, cell].nan_to_num()
        worse = int(off[:, channel].abs().argmax())
        x, y, z = _places_mm()[cell].tolist()
        return OneSided(
            distance=float(away[width, channel, cell]),
            side="left" if worse else "right",
            region=NAMES[int(cell_regions()[worse, cell])],
            is_darker=bool(off[worse, LEVEL] < 0),
            place_mm=(-x if worse else x, y, z),
        )

    def packed(self) -> torch.Tensor:
        """Return all of it as one tensor (3, width, channel, cell) in half precision."""
        return torch.cat([self.center, self.unit[None]]).half()


def unpacked_sides(values: torch.Tensor) -> TypicalSides:
    """Return what :meth:`TypicalSides.packed` packed."""
    values = values.float().cpu()
    return TypicalSides(values[:2], values[2])


@torch.inference_mode()
def sides_of(volume: TemplateVolume) -> torch.Tensor:
    """Return what is compared (side, width, channel, cell): right first; not a number: not seen.

    ``volume``: (z, y, x). Channels are the shares of fluid and of white matter, and brightness.
    """
    levels, seen = volume.images.float(), volume.seen.float()
    fluid, _, white_matter = tissue_shares(levels).unbind(-4)
    shown = torch.stack([fluid, white_matter, levels.clamp(0, HIGHEST_SHOWN)]) * seen
    pooled = functional.avg_pool3d(torch.cat([shown, seen[None]]), CELL)
    half, cells = pooled.shape[-1] // 2, region_of_cells(str(levels.device))
    widths = []
    for sigma_mm in SIGMAS_MM:
        sigmas = [sigma_mm / (n * mm) for n, mm in zip(CELL, SPACING_MM, strict=True)]
        blurred = smooth(pooled, sigmas)
        known = blurred[-1:]
        values = torch.where(known > LEAST_SEEN, blurred[:-1] / known, torch.nan)
        both = torch.stack([values[..., :half], values.flip(-1)[..., :half]])
        widths.append(both[..., cells])
    return torch.stack(widths, 1)


@cache
def region_of_cells(device: str) -> torch.Tensor:
    """Return which cells (z, y, x) of half the pooled grid are brain, bool."""
    brain = brain_region(device).float()
    both = functional.avg_pool3d((brain + brain.flip(-1))[None] / 2, CELL)[0]
    heights = functional.avg_pool1d(grid_heights_mm(brain)[None], CELL[0])[0]
    within = (heights > HEIGHTS_MM[0]) & (heights < HEIGHTS_MM[1])
    return (both[..., : both.shape[-1] // 2] > LEAST_BRAIN) & within[:, None, None]


@cache
def cell_regions() -> torch.Tensor:
    """Return the number in ``NAMES`` of what most of each cell (side, cell) is, right first."""
    numbers = region_numbers("cpu")
    each = torch.stack([(numbers == number).float() for number in range(len(NAMES))])
    most = functional.avg_pool3d(each, CELL).argmax(0)
    half = most.shape[-1] // 2
    both = torch.stack([most[..., :half], most.flip(-1)[..., :half]])
    return both[..., region_of_cells("cpu")]


@cache
def _places_mm() -> torch.Tensor:
    """Return the middle (cell, 3), x, y, z in mm, of each cell of the right side."""
    like = brain_region("cpu").float()
    x, y = grid_xy_mm(like)
    axes = [
        functional.avg_pool1d(values.reshape(1, -1), size)[0]
        for values, size in zip((grid_heights_mm(like), y[:, 0], x[0]), CELL, strict=True)
    ]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).flip(-1)
    half = places.shape[2] // 2
    return places[:, :, :half][region_of_cells("cpu")]


def typical_sides(sides: torch.Tensor, is_usual: torch.Tensor) -> TypicalSides:
    """Return what is typical of healthy scans' ``sides_of`` (scan, side, width, channel, cell).

    All of them say how much each place differs; the usual ones alone, ``is_usual`` (scan,) bool,
    how far is far.
    """
    # By parts and in half precision: whole, a few hundred people take gigabytes.
    parts = sides.split(PART)
    total = torch.stack([part.float().nansum(0) for part in parts]).sum(0)
    center = total / torch.stack([(~part.isnan()).sum(0) for part in parts]).sum(0)
    away = torch.cat([_difference(part.float() - center).abs().half() for part in parts])
    unit = torch.stack(
        [torch.stack([_quantile(c, SHARE_IN_PLACE) for c in w.unbind(1)]) for w in away.unbind(1)]
    )
    unit = unit + FLOOR * unit.median(-1, keepdim=True).values
    # Each width by itself, lest one of them alone decide; then both together.
    usual = away[is_usual].split(PART)
    furthest = torch.cat([(part.float() / unit).amax((2, 3)) for part in usual])
    by_width = _quantile(furthest, SHARE_UNDER_ONE)
    limit = _quantile((furthest / by_width).amax(1), SHARE_UNDER_ONE)
    return TypicalSides(center, unit * by_width[:, None, None] * limit)


def _difference(sides: torch.Tensor) -> torch.Tensor:
    """Return left minus right (..., width, channel, cell); 0 where one of them was not seen."""
    right, left = sides.unbind(-4)
    return (left - right).nan_to_num()


def _quantile(values: torch.Tensor, share: float) -> torch.Tensor:
    """Return the quantile over scans of values (scan, ...); torch's own takes fewer values."""
    return torch.from_numpy(np.asarray(np.quantile(values.float().numpy(), share, axis=0))).float()


def _place(values: torch.Tensor) -> tuple[int, int, int]:
    """Return the indices of the largest of values (width, channel, cell)."""
    _, channels, cells = values.shape
    number = int(values.argmax())
    return number // (channels * cells), number // cells % channels, number % cells
