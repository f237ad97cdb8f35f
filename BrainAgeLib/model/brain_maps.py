"""What the age is read from: tissue maps of a scan in template space (``template.scan_maps``).

Two sorts of maps. The network's maps, which are its input, are as the affine registration leaves
them. The regional maps are of the scan aligned to the template, so that one cell means one place in
every brain; how much each place had to be stretched goes along. Left and right are averaged there.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as functional

from BrainAgeLib.template.alignment import AlignedVolume
from BrainAgeLib.template.grid import SPACING_MM, smooth
from BrainAgeLib.template.scan_maps import ScanMaps, TemplateVolume
from BrainAgeLib.template.target import brain_region

# The models were trained on what comes of these numbers: whoever changes one trains anew. They and
# those in the functions were set by hand, after the reasons given.
# Levels of normalised images: CSF below 0.2, grey matter near 0.7, white matter above 0.94.
CSF_EDGES = (0.2, 0.5)
WHITE_MATTER_EDGES = (0.78, 0.94)
# Fluid is inside of the brain where this much of what is around, blurred so far, is tissue.
HULL_SIGMA_MM = 14.0
HULL_EDGES = (0.22, 0.36)
POOLED = 2  # pixels along x and y that become one: 5 mm
HIGHEST_SHOWN = 1.3  # brighter says nothing of tissue
LEAST_BRAIN_SHARE = 0.3  # of a cell that counts
# The regional maps' channels, in groups that say one thing: tissue by volume, tissue as it is,
# stretching, brightness.
GROUPS = (slice(0, 3), slice(3, 6), slice(6, 7), slice(7, 8))
CHANNELS = 8
# What few slices are judged by: slices about the bodies of the lateral ventricles, 5 mm thick with
# gaps of 1 mm.
VENTRICLE_HEIGHT_MM = 18.0
USUAL_SPACING_MM = 6.0
FEW_SLICES = 6


def network_features(maps: ScanMaps) -> torch.Tensor:
    """Return the network's input, its maps (1, 4, z, y, x) of a scan."""
    return network_maps(maps.volume)[None]


def regional_features(maps: ScanMaps) -> torch.Tensor:
    """Return the regional maps (1, channel, cell) of a scan.

    Raises ValueError for one that is not aligned, since it leaves part of the brain out.
    """
    if maps.aligned is None:
        raise ValueError("the scan is not aligned to the template")
    return regional_maps(maps.aligned)


def tissue_shares(levels: torch.Tensor) -> torch.Tensor:
    """Return CSF, grey and white matter (..., 3, z, y, x), 0-1, of levels (..., z, y, x)."""
    csf = ((CSF_EDGES[1] - levels) / (CSF_EDGES[1] - CSF_EDGES[0])).clamp(0, 1)
    low, high = WHITE_MATTER_EDGES
    white_matter = ((levels - low) / (high - low)).clamp(0, 1)
    grey_matter = (1 - csf - white_matter).clamp(0, 1)
    return torch.stack([csf, grey_matter, white_matter], -4)


def network_maps(volume: TemplateVolume) -> torch.Tensor:
    """Return the network's input (..., 4, z, y, x): three tissues and what was seen, 0-1.

    The volume may be several, (..., z, y, x).
    """
    seen = volume.seen.unsqueeze(-4).to(volume.images.dtype)
    maps = torch.cat([tissue_shares(volume.images) * seen, seen], -4)
    pooled = functional.avg_pool3d(maps, (1, POOLED, POOLED))
    fluid, tissue, seen = pooled.split((1, 2, 1), -4)
    return torch.cat([fluid * _within_brain(tissue.sum(-4, keepdim=True), seen), tissue, seen], -4)


def _within_brain(tissue: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """Return how far each place (..., 1, z, y, x) is inside of the brain, 0-1, by its tissue alone.

    Fluid counts there, whether a strip left it or not.
    """
    sigmas = [HULL_SIGMA_MM / mm for mm in (SPACING_MM[0], *(POOLED * mm for mm in SPACING_MM[1:]))]
    around = smooth(tissue, sigmas) / smooth(seen, sigmas).clamp(min=0.1)
    return ((around - HULL_EDGES[0]) / (HULL_EDGES[1] - HULL_EDGES[0])).clamp(0, 1)


def regional_maps(aligned: AlignedVolume) -> torch.Tensor:
    """Return the regional maps (scan, channel, cell) of aligned scans."""
    return sided_maps(aligned).mean(0)


def sided_maps(aligned: AlignedVolume) -> torch.Tensor:
    """Return the regional maps of each side (2, scan, channel, cell): the half with low x first."""
    tissues = tissue_shares(aligned.levels)
    stretch = aligned.log_stretch[:, None]
    shown = aligned.levels.clamp(0, HIGHEST_SHOWN)[:, None]
    channels = torch.cat([tissues * stretch.exp(), tissues, stretch, shown], 1)
    pooled = functional.avg_pool3d(channels, (1, POOLED, POOLED))
    half = pooled.shape[-1] // 2
    sides = torch.stack([pooled[..., :half], pooled.flip(-1)[..., :half]])
    return sides[..., region_cells(str(pooled.device))]


@cache
def region_cells(device: str) -> torch.Tensor:
    """Return which cells (z, y, x / 2) of half the pooled grid the regional maps hold.

    The grid is symmetric about the template's midline.
    """
    region = brain_region(device).float()
    both = functional.avg_pool2d((region + region.flip(-1)) / 2, POOLED)
    return both[..., : both.shape[-1] // 2] > LEAST_BRAIN_SHARE


def spread_over_pixels(values: torch.Tensor) -> torch.Tensor:
    """Return pooled values (z, y, x) on the pixels that they stand for; the sum stays."""
    spread = functional.interpolate(values[None, None], scale_factor=(1, POOLED, POOLED))
    return spread[0, 0] / float(POOLED**2)


def usual_heights_mm(count: int) -> torch.Tensor:
    """Return the heights (slice,) of so many slices about the ventricles."""
    return VENTRICLE_HEIGHT_MM + USUAL_SPACING_MM * (torch.arange(count) - count // 2)
