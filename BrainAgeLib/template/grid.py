"""The grid on which the models see every brain, planes through it, and blurring on it.

Arrays are (z, y, x) from the lowest height; x goes to the left and y to the back, as in the
template. An acquired slice lies in a plane height_mm = a + b * x_mm + c * y_mm, kept as (a, b, c).
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch

from BrainAgeLib.template.template import BRAIN_CENTER_MM

# The models were trained on this grid, which was set by hand: pixels as fine as the blur that all
# scans share, heights closer than routine slices.
GRID_SPACING_MM = 2.5
GRID_WIDTH = 60  # template x from -73.75 to 73.75 mm
GRID_HEIGHT = 76  # template y (LPS) from -76 to 111.5 mm: from the frontal to the occipital pole
GRID_FIRST_XY_MM = (-73.75, -76.0)
FIRST_HEIGHT_MM = -66.0
HEIGHT_STEP_MM = 4.0
HEIGHT_COUNT = 37
SPACING_MM = (HEIGHT_STEP_MM, GRID_SPACING_MM, GRID_SPACING_MM)


def grid_xy_mm(like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return template x and y in mm, each (y, x), on the device of ``like``."""
    x = torch.arange(GRID_WIDTH, device=like.device) * GRID_SPACING_MM + GRID_FIRST_XY_MM[0]
    y = torch.arange(GRID_HEIGHT, device=like.device) * GRID_SPACING_MM + GRID_FIRST_XY_MM[1]
    return x[None, :].expand(GRID_HEIGHT, -1), y[:, None].expand(-1, GRID_WIDTH)


def grid_heights_mm(like: torch.Tensor) -> torch.Tensor:
    """Return the heights (z,) of the grid on the device of ``like``."""
    return FIRST_HEIGHT_MM + HEIGHT_STEP_MM * torch.arange(HEIGHT_COUNT, device=like.device)


def grid_points_mm(heights_mm: torch.Tensor) -> torch.Tensor:
    """Return the template points (z, y, x, 3) of level planes at these heights (z,)."""
    x, y = grid_xy_mm(heights_mm)
    z = heights_mm[:, None, None].expand(-1, GRID_HEIGHT, GRID_WIDTH)
    return torch.stack([x.expand_as(z), y.expand_as(z), z], -1)


def planes_through(points_mm: torch.Tensor) -> torch.Tensor:
    """Return the planes (slice, 3) of points (slice, y, x, 3) of the grid that lie in planes."""
    first, across, down = points_mm[:, 0, 0], points_mm[:, 0, -1], points_mm[:, -1, 0]
    b = (across[:, 2] - first[:, 2]) / (across[:, 0] - first[:, 0])
    c = (down[:, 2] - first[:, 2]) / (down[:, 1] - first[:, 1])
    return torch.stack([first[:, 2] - b * first[:, 0] - c * first[:, 1], b, c], -1)


def plane_points_mm(planes: torch.Tensor) -> torch.Tensor:
    """Return the template points (slice, y, x, 3) of the grid's pixels in planes (slice, 3)."""
    x, y = grid_xy_mm(planes)
    z = heights_mm(planes)
    return torch.stack([x.expand_as(z), y.expand_as(z), z], -1)


def heights_mm(planes: torch.Tensor) -> torch.Tensor:
    """Return the height of each pixel (..., y, x) for planes (..., 3)."""
    x, y = grid_xy_mm(planes)
    a, b, c = (planes[..., n, None, None] for n in range(3))
    return a + b * x + c * y


def mid_brain_heights_mm(planes: torch.Tensor) -> torch.Tensor:
    """Return the height (...) of planes (..., 3) at the middle of the brain, on the midline."""
    return planes[..., 0] + BRAIN_CENTER_MM[1] * planes[..., 2]


def smooth(volumes: torch.Tensor, sigmas: list[float]) -> torch.Tensor:
    """Return volumes (..., z, y, x) blurred by Gaussians of these widths in voxels, edges kept.

    Each axis is one product with a matrix, which is much faster here than a convolution.
    """
    *lead, depth, height, width = volumes.shape
    for axis, size in ((2, width), (1, height), (0, depth)):
        if sigmas[axis] < 0.3:  # set by hand: a neighbour would get less than half a percent
            continue
        matrix = _blur(size, round(sigmas[axis], 6)).to(volumes.device)
        if axis == 2:
            volumes = volumes @ matrix.T
        elif axis == 1:
            volumes = matrix @ volumes
        else:
            flat = volumes.reshape(*lead, depth, height * width)
            volumes = (matrix @ flat).reshape(*lead, depth, height, width)
    return volumes


@lru_cache(maxsize=64)
def _blur(size: int, sigma: float) -> torch.Tensor:
    """Return the matrix (size, size) of a Gaussian blur that repeats the edge's values."""
    radius = max(1, math.ceil(3 * sigma))
    offsets = torch.arange(-radius, radius + 1)
    kernel = torch.exp(-0.5 * (offsets.double() / sigma) ** 2)
    kernel /= kernel.sum()
    columns = (torch.arange(size)[:, None] + offsets).clamp(0, size - 1)
    matrix = torch.zeros(size, size, dtype=torch.float64)
    return matrix.scatter_add_(1, columns, kernel.expand(size, -1)).float()
