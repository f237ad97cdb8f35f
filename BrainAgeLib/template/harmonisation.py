"""Show a scan's slices as one scanner would have shown them, whatever scanner and strip they had.

A brightness says what a place is made of only as far as contrast, shading and sharpness are known,
and a strip takes away what an age is read from. So a small 2D network, which sees each slice beside
the template's tissues at the same places, gives the levels that the training's own scanner shows
there with the fluid around the brain left on. It was taught on pairs: scans of random contrast,
shading, sharpness, noise and strip, drawn at random from healthy people's brains as in SynthSeg
(Billot et al. 2023, doi 10.1016/j.media.2023.102789), and the same slices as they were before
(``training.harmonisation``). It never saw an age, nor a scan of another scanner.

The models of whole brains see what comes of it. Those of few slices, which are aligned by it, the
pictures and the gate's checks of the scan and its two sides see the slices as they were acquired.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from typing import TypeVar

import torch
import torch.nn.functional as functional
from safetensors.torch import load
from torch import nn

from BrainAgeLib.errors import InstallationError
from BrainAgeLib.resources import template_folder
from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH, plane_points_mm
from BrainAgeLib.template.intensity import HIGHEST_LEVEL
from BrainAgeLib.template.slices import SliceSet
from BrainAgeLib.template.target import template_maps

# The models were trained on what comes of this network: another one needs other models.
SHA256 = "f3b5593a6d11ed43f928a98aea635dc7110bf1fa1127b4e8f729c7eddfba3019"
WEIGHTS_NAME = "harmonisation.safetensors"
WIDTHS = (16, 32, 48, 72)  # channels at each resolution, set by hand
GROUPS = 4  # of the normalisation
INPUT_CHANNELS = 5  # image, where it is brain, the template's T1, grey and white matter
LEAST_LEVEL = 0.02  # darker is background, or fluid and nothing else
# Where farther around nothing was acquired, a cut or a hole stays one: 10 mm, set by hand. A strip
# takes away less.
REACH_PIXELS = 4
SLICES_AT_ONCE = 64
# Sides that can be halved between each two resolutions.
_UNIT = 2 ** (len(WIDTHS) - 1)
PADDING = tuple((-size % _UNIT) // 2 for size in (GRID_WIDTH, GRID_HEIGHT))
Network = TypeVar("Network", bound=nn.Module)


class HarmonisingNetwork(nn.Module):
    """A U-Net (Ronneberger et al. 2015, doi 10.1007/978-3-319-24574-4_28) of 244 k parameters."""

    def __init__(self, inputs: int = INPUT_CHANNELS) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            _layers(a, b) for a, b in zip((inputs, *WIDTHS), WIDTHS, strict=False)
        )
        self.up = nn.ModuleList(_layers(a + b, a) for a, b in zip(WIDTHS, WIDTHS[1:], strict=False))
        self.out = nn.Conv2d(WIDTHS[0], 1, 1)
        # Untaught, it changes nothing.
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, images: torch.Tensor, template: torch.Tensor) -> torch.Tensor:
        """Return the levels (slice, y, x) of images (slice, y, x), as ``SliceSet`` has them.

        ``template``: (slice, 3, y, x), its T1, grey and white matter at the same places, 0-1.
        """
        is_brain = (images > LEAST_LEVEL).to(images.dtype)
        return images + self.change(torch.cat([images[:, None], is_brain[:, None], template], 1))

    def change(self, values: torch.Tensor) -> torch.Tensor:
        """Return what is added to the levels (slice, y, x) of inputs (slice, channel, y, x)."""
        rows, columns = values.shape[2:]
        across, along = PADDING
        values = functional.pad(values, [across, across, along, along])
        values = values.contiguous(memory_format=torch.channels_last)
        kept = []
        for number, layers in enumerate(self.down):
            values = layers(functional.max_pool2d(values, 2) if number else values)
            kept.append(values)
        for layers, fine in zip(reversed(self.up), kept[-2::-1], strict=True):
            values = layers(torch.cat([fine, functional.interpolate(values, scale_factor=2)], 1))
        change: torch.Tensor = self.out(values)[:, 0]
        return change[:, along : along + rows, across : across + columns]


def _layers(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers.append(nn.Conv2d(channels, outputs, 3, padding=1, bias=False))
        layers += [nn.GroupNorm(GROUPS, outputs), nn.SiLU()]
    return nn.Sequential(*layers)


@torch.inference_mode()
def harmonised(slices: SliceSet) -> SliceSet:
    """Return the slices as the training's own scanner shows them, loosely stripped."""
    if slices.is_harmonised:
        return slices
    device = str(slices.images.device)
    network, maps = harmonising_network(device), template_maps(device)
    levels = []
    for images, planes in zip(
        slices.images.split(SLICES_AT_ONCE), slices.planes.split(SLICES_AT_ONCE), strict=True
    ):
        shown = network(images, maps.at(plane_points_mm(planes)).transpose(0, 1))
        near = near_brain(images > LEAST_LEVEL)
        levels.append(torch.where(near, shown.clamp(0.0, HIGHEST_LEVEL), images))
    return replace(slices, images=torch.cat(levels), is_harmonised=True)


def near_brain(is_brain: torch.Tensor) -> torch.Tensor:
    """Return which places (slice, y, x) are within reach of what was acquired, bool."""
    width = 2 * REACH_PIXELS + 1
    return functional.max_pool2d(is_brain.float()[:, None], width, 1, REACH_PIXELS)[:, 0] > 0


@cache
def harmonising_network(device: str) -> HarmonisingNetwork:
    """Read the bundled network.

    Raises InstallationError when its file is missing, damaged or another one.
    """
    return bundled_weights(HarmonisingNetwork(), WEIGHTS_NAME, SHA256).to(device)


def bundled_weights(network: Network, name: str, sha256: str) -> Network:
    """Return a network with the weights of a bundled file.

    Raises InstallationError when the file is missing, damaged or another one.
    """
    path = template_folder() / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InstallationError(
            f"the network {path} cannot be read", "install SlicerBrainAge again"
        ) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InstallationError(
            f"the network {path} is not the one that the models were trained with",
            "install SlicerBrainAge again",
        )
    network.load_state_dict({name: values.float() for name, values in load(content).items()})
    return network.eval().requires_grad_(False)
