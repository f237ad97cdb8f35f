"""Teaching the network of ``template.harmonisation``: pairs of slices, and the steps.

A pair is a slice of a scan of random protocol, contrast, shading, sharpness, noise and strip, and
the same slice in the levels of the volume that it was cut from. Nobody's age is looked at, and
nobody who is held out is seen.
"""

from __future__ import annotations

import copy
import io
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as functional
from torch import nn

from BrainAgeLib.model.brain_maps import tissue_shares
from BrainAgeLib.model.devices import halved_numbers
from BrainAgeLib.template.harmonisation import LEAST_LEVEL, HarmonisingNetwork
from BrainAgeLib.template.target import template_maps
from BrainAgeLib.training.appearance import HARMONISATION
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.simulate import IMAGE_STEP, TEMPLATE_STEP
from BrainAgeLib.training.store import simulator_of
from BrainAgeLib.training.strips import random_strip
from BrainAgeLib.training.thick_slices import random_protocol
from BrainAgeLib.whole_file import write_atomically

# Set by hand.
SCANS_PER_PERSON = 4
ROUNDS = ((3000, 3e-3), (4000, 2e-3))  # steps and highest learning rate
SLICES_PER_STEP = 24
WARM_UP, LEAST_RATE = 100, 0.02  # steps; of the highest
WEIGHT_DECAY, GRADIENT_LIMIT, AVERAGING = 1e-3, 1.0, 0.005
TISSUE_WEIGHT = 0.5  # of the tissues' shares beside the levels
NEAR_PIXELS = 5  # what is judged reaches two pixels beyond the brain
STEPS_PER_CHECKPOINT = 250
SEED = 4711
IMAGE, WANTED, TEMPLATE = 0, 1, slice(2, 5)  # channels of a pair
Network = TypeVar("Network", bound=nn.Module)
# Of levels, those that are wanted and the scan, each (slice, y, x), see ``loss_of``.
Loss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Lesson:
    """The slices of one step.

    ``seen``: what the network takes. ``wanted``: the levels (slice, y, x) that it is to give.
    ``shown``: (slice, y, x), above ``LEAST_LEVEL`` where something was acquired.
    """

    seen: tuple[torch.Tensor, ...]
    wanted: torch.Tensor
    shown: torch.Tensor


def pairs_of(person: Person, folder: Path) -> np.ndarray:
    """Return a person's pairs, uint8 (slice, channel, y, x); ``folder`` keeps the registration.

    Channels: image and wanted levels in steps of ``IMAGE_STEP``, the template's T1, grey and white
    matter in steps of ``TEMPLATE_STEP``.
    """
    simulator, maps = simulator_of(person, folder), template_maps("cpu")
    pairs = []
    for number in range(SCANS_PER_PERSON):
        seed = [SEED, number, zlib.crc32(person.participant_id.encode())]
        draw = np.random.default_rng([*seed, 2])
        protocol = random_protocol(np.random.default_rng([*seed, 1]))
        strip, after = random_strip(draw), bool(draw.random() < 0.5)
        slices, wanted, points = simulator.pair(protocol, HARMONISATION, seed, strip, after)
        levels = torch.stack([slices.images, wanted]) / IMAGE_STEP
        both = torch.cat([levels, maps.at(points) / TEMPLATE_STEP])
        pairs.append(both.round().clamp(0, 255).byte().transpose(0, 1))
    return torch.cat(pairs).numpy()


def loss_of(levels: torch.Tensor, wanted: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Return how far levels (slice, y, x) and their tissues are off, in and near the brain.

    ``wanted``: (slice, y, x). ``images``: (slice, y, x), above ``LEAST_LEVEL`` where something was
    acquired.
    """
    near = near_what_counts(wanted, images)
    off = (levels - wanted).abs() + TISSUE_WEIGHT * tissues_off(levels, wanted).abs().sum(1)
    return (off * near).sum() / near.sum()


def near_what_counts(wanted: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Return 1 in and near the brain, else 0 (slice, y, x); arguments as in ``loss_of``."""
    shown = torch.maximum(wanted, images) > LEAST_LEVEL
    return functional.max_pool2d(shown[:, None].float(), NEAR_PIXELS, 1, NEAR_PIXELS // 2)[:, 0]


def tissues_off(levels: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return shares of fluid, grey and white matter less those wanted (slice, tissue, y, x)."""
    return (tissue_shares(levels[:, None]) - tissue_shares(wanted[:, None]))[:, :, 0]


def teach(
    pairs: torch.Tensor, checkpoint: Path, on_progress: Callable[[int, float], None]
) -> HarmonisingNetwork:
    """Return a network taught on pairs, uint8 (pair, channel, y, x); go on from the checkpoint.

    ``on_progress`` hears how many steps are done, and the loss of the last one.
    """
    torch.manual_seed(SEED)
    network = HarmonisingNetwork()
    return taught(network, lambda step: _drawn(pairs, step), ROUNDS, checkpoint, on_progress)


def taught(
    network: Network,
    lesson: Callable[[int], Lesson],
    rounds: Sequence[tuple[int, float]],
    checkpoint: Path,
    on_progress: Callable[[int, float], None],
    error_of: Loss = loss_of,
) -> Network:
    """Return a network of slices taught by the lesson of each step; go on from the checkpoint.

    ``rounds``: steps and highest learning rate of each. A lesson depends on its step alone.
    ``error_of``: what is to become small.
    """
    done = 0
    for steps, rate in rounds:
        network = _round(network, lesson, (done, steps, rate), checkpoint, on_progress, error_of)
        done += steps
    return network.eval()


def _round(
    network: Network,
    lesson: Callable[[int], Lesson],
    course: tuple[int, int, float],
    checkpoint: Path,
    on_progress: Callable[[int, float], None],
    error_of: Loss,
) -> Network:
    """Teach for a round that begins after so many steps; return the averaged network."""
    begin, steps, rate = course
    average = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=WEIGHT_DECAY)
    parts: dict[str, nn.Module | torch.optim.Optimizer] = {
        "network": network, "average": average, "optimizer": optimizer
    }  # fmt: skip
    first = max(0, _resume(checkpoint, parts, begin, steps) - begin)
    for step in range(first, steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * _schedule(step, steps)
        slices = lesson(begin + step)
        with halved_numbers("cpu"):
            levels = network(*slices.seen)
        loss = error_of(levels.float(), slices.wanted, slices.shown)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_LIMIT)
        optimizer.step()
        _follow(average, network, max(AVERAGING, 1 / (step + 1)))
        if (step + 1) % STEPS_PER_CHECKPOINT == 0 or step + 1 == steps:
            state = {name: part.state_dict() for name, part in parts.items()}
            content = io.BytesIO()  # of a full disk torch itself only says that something failed
            torch.save({"steps": begin + step + 1, **state}, content)
            write_atomically(checkpoint, content.getvalue())
            on_progress(begin + step + 1, loss.item())
    return average


def _resume(
    checkpoint: Path, parts: dict[str, nn.Module | torch.optim.Optimizer], begin: int, steps: int
) -> int:
    """Read a checkpoint that lies in this round or after it; return how many steps it has seen."""
    if not checkpoint.exists():
        return 0
    content = torch.load(checkpoint, weights_only=True)
    done = int(content["steps"])
    if begin < done <= begin + steps:
        for name, part in parts.items():
            part.load_state_dict(content[name])
    return done


def _schedule(step: int, steps: int) -> float:
    """Return the learning rate's factor: linear warm-up, under half a cosine to nearly nothing."""
    falling = 0.5 * (1 + math.cos(math.pi * step / steps))
    return min(1.0, (step + 1) / WARM_UP) * (falling * (1 - LEAST_RATE) + LEAST_RATE)


def _drawn(pairs: torch.Tensor, step: int) -> Lesson:
    """Return a step's slices, half the time mirrored."""
    generator = np.random.default_rng([SEED, step])
    chosen = pairs[torch.from_numpy(generator.integers(len(pairs), size=SLICES_PER_STEP))].float()
    if generator.random() < 0.5:
        chosen = chosen.flip(-1)
    images, wanted = chosen[:, IMAGE] * IMAGE_STEP, chosen[:, WANTED] * IMAGE_STEP
    return Lesson((images, chosen[:, TEMPLATE] * TEMPLATE_STEP), wanted, images)


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, share: float) -> None:
    for mine, other in zip(average.parameters(), network.parameters(), strict=True):
        mine.lerp_(other, share)
