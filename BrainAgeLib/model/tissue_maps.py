"""Age from coarse tissue maps: the classical way, beside the networks of slices.

Each slice is split into cerebrospinal fluid, grey and white matter; the shares are averaged into
cells of about 8 mm at fixed heights of the template, wherever slices are near, and left and right
are averaged. A small network with one hidden layer and a direct way from the maps to the age
learns from them. It is worse than a kernel regression by a tenth of a year and holds nobody's map.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from BrainAgeLib.imaging.slices import SliceSet, heights_mm

CELL_PIXELS = 3  # of 2.5 mm
HEIGHTS_MM = tuple(float(height) for height in range(-60, 77, 8))
HEIGHT_SIGMA_MM = 4.0
FAR = 1e-6  # weight of slices that are far from a height, where none is near
# Levels of normalised images: CSF below 0.2, grey matter near 0.7, white matter above 0.94.
CSF_EDGES = (0.2, 0.5)
WHITE_MATTER_EDGES = (0.78, 0.94)
HIDDEN = 16
# The maps say something only when the slices cover the middle of the brain without a hole.
COVERED_FROM_MM, COVERED_TO_MM = -36.0, 60.0
LARGEST_HOLE_MM = 12.0


class TissueNetwork(nn.Module):
    """Ages from flat tissue maps.

    ``kept``: which of the maps' values differ between people at all. ``center``: their mean over
    the people it was fitted on; ``age_center_years`` and ``age_scale_years``: those of their ages.
    """

    kept: torch.Tensor
    center: torch.Tensor
    age_center_years: torch.Tensor
    age_scale_years: torch.Tensor

    def __init__(self, kept: torch.Tensor) -> None:
        super().__init__()
        values = int(kept.sum())
        self.register_buffer("kept", kept)
        self.register_buffer("center", torch.zeros(values))
        self.register_buffer("age_center_years", torch.zeros(()))
        self.register_buffer("age_scale_years", torch.ones(()))
        self.hidden = nn.Linear(values, HIDDEN)
        self.output = nn.Linear(HIDDEN, 1)
        self.direct = nn.Linear(values, 1, bias=False)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return standardised ages (scan,) of centered kept values (scan, value)."""
        bent = self.output(torch.tanh(self.hidden(values)))
        return (bent + self.direct(values))[:, 0]

    def age_years(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the ages (scan,) of flat maps (scan, value)."""
        standardised = self(maps[:, self.kept] - self.center)
        return standardised * self.age_scale_years + self.age_center_years


def tissue_maps(slices: SliceSet) -> torch.Tensor:
    """Return the flat maps (value,) of one scan: shares of three tissues in each cell."""
    return spread_over_heights(tissue_cells(slices.images), height_shares(slices.planes)).flatten()


def tissue_cells(images: torch.Tensor) -> torch.Tensor:
    """Return CSF, grey and white matter in the cells of each slice, (slice, 3, y, x)."""
    csf = ((CSF_EDGES[1] - images) / (CSF_EDGES[1] - CSF_EDGES[0])).clamp(0, 1)
    low, high = WHITE_MATTER_EDGES
    white_matter = ((images - low) / (high - low)).clamp(0, 1)
    grey_matter = (1 - csf - white_matter).clamp(0, 1)
    return _halved(_cells(torch.stack([csf, grey_matter, white_matter], 1)))


def height_shares(planes: torch.Tensor) -> torch.Tensor:
    """Return how much each slice counts at each height of each cell, (slice, height, y, x)."""
    heights = _halved(_cells(heights_mm(planes)[:, None]))
    wanted = torch.tensor(HEIGHTS_MM, device=heights.device)[None, :, None, None]
    nearness = torch.exp(-0.5 * ((heights - wanted) / HEIGHT_SIGMA_MM) ** 2) + FAR
    return nearness / nearness.sum(0)


def spread_over_heights(cells: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Return the maps (tissue, height, y, x) of cells and their shares, see above."""
    return torch.einsum("nchw,nzhw->czhw", cells, shares)


def covers_the_brain(slices: SliceSet) -> bool:
    """Say whether the slices leave no hole in the middle of the brain."""
    middle = slices.planes[:, 0] + 18.0 * slices.planes[:, 2]
    heights = torch.sort(middle.cpu()).values
    if len(heights) < 2 or heights[0] > COVERED_FROM_MM or heights[-1] < COVERED_TO_MM:
        return False
    return float((heights[1:] - heights[:-1]).max()) <= LARGEST_HOLE_MM


def _cells(values: torch.Tensor) -> torch.Tensor:
    return functional.avg_pool2d(values, CELL_PIXELS, ceil_mode=True)


def _halved(values: torch.Tensor) -> torch.Tensor:
    """Return the mean of both sides; the grid is symmetric about the template's midline."""
    mean = (values + values.flip(-1)) / 2
    return mean[..., : (values.shape[-1] + 1) // 2]
