"""Show the slices of another sequence as a T1 of the training's own scanner would have shown them.

A T2-weighted or FLAIR scan shows the same brain in another order of brightness. So what
``harmonisation`` does for T1 scans, other networks of its kind do for these: they see a slice,
white matter being 1 and the coil's field taken out, beside the template's tissues and which
sequence it is, and give the levels of a T1 there. They were taught on scans that were simulated
from tissue labels (``training.sequence_scans``), never on a real one of another sequence. One shows
T2-weighted and FLAIR scans and was taught on finer labels of a second scanner, too. A T1 after
contrast agent has one of its own, taught on the first scanner's labels alone: finer ones moved such
scans away from their T1. From there on a T1 after agent is read by the T1's models, T2-weighted and
FLAIR scans by models that were trained on what this shows (``training.own_network``,
``training.regional``). The map of where the age comes from and the regions are as for a T1.
"""

from __future__ import annotations

from functools import cache

import torch

from BrainAgeLib.records import OTHER_SEQUENCES, T1_LIKE, SequenceName
from BrainAgeLib.template.grid import planes_through
from BrainAgeLib.template.harmonisation import (
    INPUT_CHANNELS,
    HarmonisingNetwork,
    bundled_weights,
    near_brain,
)
from BrainAgeLib.template.intensity import HIGHEST_LEVEL, LEAST_COVER, tissues_and_field
from BrainAgeLib.template.slices import SliceSet, TemplateMaps

# By network: its file, and the checksum of that.
WEIGHTS = {
    "enhanced": (
        "enhanced.safetensors",
        "c47ae5c7d48f2a6ac284312c7cb77e320265c011a376c8ccfa4a35b0af668dc3",
    ),
    "t2w_flair": (
        "t2w_flair.safetensors",
        "46535bfc3750e92d55f2e0cc52464489c7d4583a6c00223c886dfa41cffbdaee",
    ),
}
READ = OTHER_SEQUENCES
INPUTS = INPUT_CHANNELS + 1 + len(READ)
# The networks were taught with these, set by hand.
BRIGHTEST = 4.0  # of white matter
# A T2-weighted scan turned around, dark for bright: white matter at its level, fluid near 0.
TURNED_AT, TURNED_SLOPE = 1.75, 0.75
HIGHEST_START = 1.3


class SequenceNetwork(HarmonisingNetwork):
    """The network of ``harmonisation`` with two more things to see: brightness and sequence."""

    def __init__(self) -> None:
        super().__init__(INPUTS)

    def forward(  # type: ignore[override]
        self,
        shown: torch.Tensor,
        is_brain: torch.Tensor,
        template: torch.Tensor,
        sequence: torch.Tensor,
    ) -> torch.Tensor:
        """Return the levels (slice, y, x) of a T1 for what is ``shown`` (slice, y, x).

        ``shown``: brightness, white matter being 1. ``is_brain``: (slice, y, x), 0 or 1.
        ``template``: (slice, 3, y, x), as ``harmonisation`` has it. ``sequence``: (slice,), the
        place of each slice's sequence in ``READ``.
        """
        start = _start(shown, is_brain, sequence == READ.index("T2w"))
        which = torch.nn.functional.one_hot(sequence, len(READ)).to(shown.dtype)
        planes = which[:, :, None, None].expand(-1, -1, *shown.shape[1:])
        brightness = shown.clamp(0, BRIGHTEST)[:, None] - 1
        values = [start[:, None], is_brain[:, None], template, brightness, planes]
        return start + self.change(torch.cat(values, 1))


def _start(shown: torch.Tensor, is_brain: torch.Tensor, is_t2: torch.Tensor) -> torch.Tensor:
    """Return what comes nearest to a T1 by brightness alone: T2-weighted slices turned around."""
    turned = TURNED_AT - TURNED_SLOPE * shown
    return (torch.where(is_t2[:, None, None], turned, shown) * is_brain).clamp(0, HIGHEST_START)


@torch.inference_mode()
def shown_as_t1(
    values: torch.Tensor, points_mm: torch.Tensor, maps: TemplateMaps, sequence: SequenceName
) -> SliceSet:
    """Return what :func:`slices.on_the_grid` gives of a scan of another sequence as a T1's slices.

    Raises ValueError for a sequence that no network reads.
    """
    template = maps.at(points_mm)
    shown = brightness(values[0], values[1], points_mm, template)
    is_brain = (values[1] > LEAST_COVER).float()
    which = torch.full((len(shown),), READ.index(sequence), device=shown.device)
    network = sequence_network(str(shown.device), network_of(sequence))
    levels = network(shown, is_brain, template.transpose(0, 1), which).clamp(0.0, HIGHEST_LEVEL)
    levels = torch.where(near_brain(is_brain > 0), levels, torch.zeros_like(levels))
    return SliceSet(levels, template[0], planes_through(points_mm), is_harmonised=True)


def brightness(
    masked: torch.Tensor, cover: torch.Tensor, points_mm: torch.Tensor, template: torch.Tensor
) -> torch.Tensor:
    """Return slices (slice, y, x) without the coil's field, white matter being 1.

    ``masked``, ``cover``, ``points_mm``: as for ``intensity.normalise_intensity``. ``template``:
    (3, slice, y, x), T1, grey and white matter at these points.
    """
    is_brain = cover > LEAST_COVER
    inside = torch.where(is_brain, masked / cover.clamp(min=LEAST_COVER), torch.zeros_like(masked))
    fitted = tissues_and_field(
        masked, cover, points_mm, template[1], template[2], is_fluid_dark=False
    )
    if fitted is None:
        return inside / inside[is_brain].median().clamp(min=1e-6) if is_brain.any() else inside
    _, white, field = fitted
    return inside / field / white


def network_of(sequence: str) -> str:
    """Return which of the networks of ``WEIGHTS`` shows a sequence of ``READ``."""
    return "enhanced" if sequence in T1_LIKE else "t2w_flair"


def sha256_of_network(sequence: str) -> str:
    """Return the checksum of the network that shows a sequence."""
    return WEIGHTS[network_of(sequence)][1]


@cache
def sequence_network(device: str, name: str) -> SequenceNetwork:
    """Read one of the networks of ``WEIGHTS``; raises as ``harmonising_network`` does."""
    return bundled_weights(SequenceNetwork(), *WEIGHTS[name]).to(device)
