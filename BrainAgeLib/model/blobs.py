"""Which parts of a brain are replaced, one at a time, to learn what they do to the age.

A blob is about a cube of BLOB_MM with soft edges in x and y. Along z it holds neighbouring slices
that are BLOB_MM high together; no edge is softened there, since the encoder sees each slice alone
and meets no edge between two. The blobs over one place of a lattice in x and y form a column. All
blobs of a column that hold a slice replace the same pixels of it, so it is encoded once for them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from BrainAgeLib.imaging.slices import GRID_HEIGHT, GRID_SPACING_MM, GRID_WIDTH

BLOB_MM = 20.0  # width of a blob where half of it is replaced
# Denser shows nothing new; wider leaves places that no blob reaches.
LATTICE_RANGE_MM = (10.0, 30.0)
# Of a blob in one slice; at the brain's edge the next place of the lattice shows what it does.
LEAST_TISSUE_SHARE = 0.25


@dataclass(frozen=True)
class Blobs:
    """The blobs of one lattice.

    ``profiles``: (column, y, x), the share of each pixel that is replaced: 1 at the centre, 0 from
    BLOB_MM on. ``touched``: (column, slice), True where a slice has tissue there. ``reach``:
    (blob, slice), True for the slices that each blob of a column holds.
    """

    profiles: torch.Tensor
    touched: torch.Tensor
    reach: torch.Tensor


def lattice_spacing_mm(tissue: torch.Tensor, blobs_in_slices: float) -> float:
    """Return how far apart columns stand to meet slices about so often.

    ``tissue``: (slice, y, x) bool.
    """
    area_mm2 = float(tissue.sum()) * GRID_SPACING_MM**2
    low, high = LATTICE_RANGE_MM
    return min(high, max(low, math.sqrt(area_mm2 / blobs_in_slices)))


def place_blobs(
    tissue: torch.Tensor, planes: torch.Tensor, lattice_mm: float, shift: tuple[float, float]
) -> Blobs:
    """Return the blobs of a lattice wherever there is tissue.

    ``tissue``: (slice, y, x) bool. ``planes``: (slice, 3), see SliceSet. ``shift``: moves the
    lattice along x and y, as a share of its spacing.
    """
    x, y = (
        _bumps(count, lattice_mm, share).to(tissue.device)
        for count, share in zip((GRID_WIDTH, GRID_HEIGHT), shift, strict=True)
    )
    profiles = (y[:, None, :, None] * x[None, :, None, :]).flatten(0, 1)
    share = torch.einsum("cyx,syx->cs", profiles, tissue.float()) / profiles.sum((1, 2))[:, None]
    touched = share >= LEAST_TISSUE_SHARE
    kept = touched.any(1)
    return Blobs(profiles[kept], touched[kept], _reach(planes))


def _bumps(count: int, lattice_mm: float, shift: float) -> torch.Tensor:
    """Return cosine bumps (bump, pixel) that are centred up to half a lattice beyond the grid."""
    positions_mm = GRID_SPACING_MM * torch.arange(count)
    first_mm = lattice_mm * (shift % 1.0 - 0.5)
    end_mm = float(positions_mm[-1]) + lattice_mm / 2.0
    centres_mm = torch.arange(first_mm, end_mm, lattice_mm)[:, None]
    distance = ((positions_mm - centres_mm).abs() / BLOB_MM).clamp(max=1.0)
    return 0.5 + 0.5 * torch.cos(math.pi * distance)


def _reach(planes: torch.Tensor) -> torch.Tensor:
    """Return which neighbouring slices each blob of a column holds (blob, slice), bool."""
    count = len(planes)
    held = count
    if count > 1:
        spacing_mm = float(planes[:, 0].diff().abs().median())
        held = min(count, max(1, round(BLOB_MM / spacing_mm)))
    first = torch.arange(count - held + 1, device=planes.device)[:, None]
    number = torch.arange(count, device=planes.device)
    return (number >= first) & (number < first + held)
