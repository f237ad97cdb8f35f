"""A small 2D network that shows a thick slice of another sequence as fluid, grey and white matter.

It sees one slice at 2 mm, the brain's mask and which sequence it is, and gives the fraction of
fluid, grey matter, white matter and what is none of them. Of these a T1-like picture is made, which
registration, normalisation and the age's models read like any T1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import nn

from BrainAgeLib.records import SequenceName
from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.template.intensity import FLUID_CONTRAST, GREY_MATTER_LEVEL, WHITE_MATTER_LEVEL
from BrainAgeLib.training.sequences import CORTEX, DEEP_GREY, OUTER_FLUID, WHITE

KINDS: tuple[SequenceName, ...] = ("T1w", "T2w", "FLAIR", "PDw")
FLUID, GREY, WHITE_MATTER, OTHER = range(4)  # of what it gives
PIXEL_MM = 2.0
IN_PLANE_SIGMA_MM = 0.75  # about the resolution of the pixels that it was trained on
THINNEST_MM, USUAL_MM = 2.6, 4.0  # thinner slices are averaged to about the usual ones
WIDTHS = (12, 28, 48, 72)
BRIGHTEST = 4.0  # of the brain's median
STEP = 2 ** (len(WIDTHS) - 1)  # sides are multiples of it
MARGIN = 8  # pixels around the brain


def _layers(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers.append(nn.Conv2d(channels, outputs, 3, 1, 1, bias=False))
        layers += [nn.GroupNorm(4, outputs), nn.SiLU()]
    return nn.Sequential(*layers)


class TissueNetwork(nn.Module):
    """A U-Net (Ronneberger 2015, doi 10.1007/978-3-319-24574-4_28) of 228 k parameters."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (2 + len(KINDS), *WIDTHS)
        pairs = list(zip(WIDTHS, WIDTHS[1:], strict=False))
        self.down = nn.ModuleList(_layers(a, b) for a, b in zip(inputs, WIDTHS, strict=False))
        self.up = nn.ModuleList(_layers(a + b, a) for a, b in pairs)
        self.head = nn.Conv2d(WIDTHS[0], 4, 1)

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        """Return scores (slice, 4, y, x) of inputs (slice, channel, y, x)."""
        kept = []
        for number, layers in enumerate(self.down):
            seen = layers(functional.max_pool2d(seen, 2) if number else seen)
            kept.append(seen)
        found = kept.pop()
        for layers in reversed(self.up):
            larger = functional.interpolate(
                found, scale_factor=2, mode="bilinear", align_corners=False
            )
            found = layers(torch.cat([kept.pop(), larger], 1))
        result: torch.Tensor = self.head(found)
        return result


def network_input(images: torch.Tensor, mask: torch.Tensor, kind: SequenceName) -> torch.Tensor:
    """Return the input (slice, channel, y, x) of images and masks (slice, y, x) of one scan."""
    median = images[mask > 0].median() if bool(mask.any()) else images.new_tensor(1.0)
    shown = ((images / median.clamp(min=1e-6)).clamp(0, BRIGHTEST) - 1) * mask
    which = [torch.full_like(mask, float(kind.startswith(name))) for name in KINDS]
    return torch.stack([shown, mask, *which], 1)


def wanted_fractions(parts: torch.Tensor) -> torch.Tensor:
    """Return what the network is to give (slice, 4, y, x) for thick parts (slice, part, y, x)."""
    fluid = parts[:, : OUTER_FLUID + 1].sum(1)
    grey = parts[:, CORTEX] + parts[:, DEEP_GREY]
    white = parts[:, WHITE]
    fractions = torch.stack([fluid, grey, white, (1 - fluid - grey - white).clamp(min=0)], 1)
    return fractions / fractions.sum(1, keepdim=True)


def level_of(fractions: torch.Tensor) -> torch.Tensor:
    """Return the normalised brightness of a T1 (slice, y, x), see ``template.intensity``."""
    return GREY_MATTER_LEVEL * fractions[:, GREY] + WHITE_MATTER_LEVEL * fractions[:, WHITE_MATTER]


@torch.inference_mode()
def as_t1(
    network: nn.Module, volume: Volume, mask: np.ndarray, kind: SequenceName
) -> tuple[Volume, np.ndarray]:
    """Return a scan of axial slices as a T1-like one at 2 mm, and its brain (k, j, i), bool.

    ``kind``: what the scan shows. Both sides of each slice are asked and averaged.
    """
    images, inside, affine = _at_network_pixels(volume, mask)
    seen = network_input(images, inside, kind)
    batches = [network(batch).softmax(1) for batch in seen.split(16)]
    mirrored = [network(batch.flip(-1)).softmax(1).flip(-1) for batch in seen.split(16)]
    fractions = (torch.cat(batches) + torch.cat(mirrored)) / 2
    brain = (inside > 0) & (fractions[:, OTHER] < 0.5)
    tissue = fractions[:, :OTHER] / fractions[:, :OTHER].sum(1, keepdim=True).clamp(min=1e-6)
    fluid = GREY_MATTER_LEVEL - FLUID_CONTRAST * WHITE_MATTER_LEVEL
    values = (
        fluid
        + (GREY_MATTER_LEVEL - fluid) * tissue[:, GREY]
        + (WHITE_MATTER_LEVEL - fluid) * tissue[:, WHITE_MATTER]
    )
    return Volume((values * brain).numpy(), affine), brain.numpy()


def _at_network_pixels(
    volume: Volume, mask: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Return brain and mask (slice, y, x) at the network's pixels around the brain, and affine."""
    stacked, affine = _averaged(
        torch.from_numpy(np.stack([volume.voxels * mask, mask]).astype(np.float32)), volume
    )
    spacing_mm = volume.spacing_mm[:2]
    for axis, pixel_mm in enumerate(spacing_mm):
        stacked = _blurred(stacked, float(pixel_mm), 3 - axis)
    rows, columns = np.nonzero(mask.any(0))
    places, first = [], []
    for side, pixel_mm in ((columns, spacing_mm[0]), (rows, spacing_mm[1])):
        step = PIXEL_MM / float(pixel_mm)
        count = int(np.ceil((np.ptp(side) / step + MARGIN) / STEP)) * STEP
        places.append((side.min() + side.max()) / 2 + (np.arange(count) - (count - 1) / 2) * step)
        first.append(places[-1][0])
        affine[:3, len(first) - 1] *= step
    x, y = (torch.from_numpy(place).float() for place in places)
    size = stacked.shape[:1:-1]
    grid = torch.stack(
        torch.meshgrid((2 * x + 1) / size[0] - 1, (2 * y + 1) / size[1] - 1, indexing="xy"), -1
    )
    there = functional.grid_sample(
        stacked.transpose(0, 1), grid.expand(stacked.shape[1], -1, -1, -1), align_corners=False
    )
    affine[:3, 3] += volume.affine[:3, :2] @ np.array(first)
    inside = (there[:, 1] > 0.5).float()
    return there[:, 0] * inside, inside, affine


def _averaged(stacked: torch.Tensor, volume: Volume) -> tuple[torch.Tensor, np.ndarray]:
    """Average thin slices (channel, k, j, i) of a volume to about the usual thickness."""
    affine, thickness_mm = volume.affine.copy(), float(volume.spacing_mm[2])
    group = round(USUAL_MM / thickness_mm) if thickness_mm < THINNEST_MM else 1
    count = stacked.shape[1] // group
    cut = stacked[:, : count * group]
    affine[:3, 3] += affine[:3, 2] * (group - 1) / 2
    affine[:3, 2] *= group
    return cut.reshape(2, count, group, *cut.shape[2:]).mean(2), affine


def _blurred(stacked: torch.Tensor, pixel_mm: float, dimension: int) -> torch.Tensor:
    # A pixel is itself a box of that width, whose standard deviation is 1 / sqrt(12) of it.
    sigma = np.sqrt(max(0.0, IN_PLANE_SIGMA_MM**2 - (0.29 * pixel_mm) ** 2)) / pixel_mm
    if sigma < 0.3:
        return stacked
    radius = max(1, round(3 * sigma))
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    shape, padding = [1, 1, 1, 1], [0, 0]
    shape[dimension], padding[dimension - 2] = len(kernel), radius
    flat = stacked.reshape(-1, 1, *stacked.shape[2:])
    weights = (kernel / kernel.sum()).float().reshape(shape)
    return functional.conv2d(flat, weights, padding=padding).reshape(stacked.shape)


def load(path: Path) -> tuple[TissueNetwork, dict[str, Any]]:
    """Return the averaged network of a state that training kept, and the state."""
    state: dict[str, Any] = torch.load(path, weights_only=True)
    network = TissueNetwork()
    network.load_state_dict(state["averaged"])
    return network.eval(), state
