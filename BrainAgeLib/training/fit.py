"""Training of one fold's network, in reading order, resumable after every epoch."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from BrainAgeLib.model.network import SliceSetNetwork
from BrainAgeLib.training.batches import Batch, collate, flip_randomly, pick_slices
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.simulated_scans import StoredScan

GRADIENT_LIMIT = 1.0


@dataclass(frozen=True)
class Example:
    """One person in training: the simulated scans and the age in years."""

    scans: list[StoredScan]
    age_years: float


def fit_network(
    examples: list[Example],
    settings: TrainingSettings,
    seed: int,
    checkpoint: Path,
    device: str,
    on_epoch: Callable[[int, float], None],
) -> SliceSetNetwork:
    """Train one network; go on from ``checkpoint`` when there is one.

    The random numbers of an epoch depend on the seed and the epoch alone, so a run that was
    killed and resumed sees what an undisturbed one sees. Returns the averaged network.
    """
    torch.manual_seed(seed)
    network = SliceSetNetwork(settings.network).to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(_groups(network, settings.weight_decay), settings.learning_rate)
    state = _State(network, average, optimizer)
    first = state.load(checkpoint)
    for epoch in range(first, settings.epochs):
        torch.manual_seed(seed * 1000 + epoch)
        loss = _train_epoch(state, examples, settings, [seed, epoch], device)
        state.save(checkpoint, epoch + 1)
        on_epoch(epoch + 1, loss)
    return average.eval()


def _train_epoch(
    state: _State, examples: list[Example], settings: TrainingSettings, seed: list[int], device: str
) -> float:
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(examples))
    steps = math.ceil(len(order) / settings.people_per_step)
    losses = []
    state.network.train()
    for step, people in enumerate(np.array_split(order, steps)):
        batch = _draw([examples[n] for n in people], settings, generator, device)
        progress = (seed[1] + step / steps) / settings.epochs
        for group in state.optimizer.param_groups:
            group["lr"] = settings.learning_rate * _schedule(progress, settings.warm_up_fraction)
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            tokens = state.network.encode(batch.images, batch.template, batch.planes)
            output = state.network.pool(tokens, batch.present)
            each_slice = state.network.judge_slices(tokens)
        loss = _loss(state.network, output, each_slice, batch, settings)
        state.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(state.network.parameters(), GRADIENT_LIMIT)
        state.optimizer.step()
        state.follow(settings.average_decay)
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


def _draw(
    people: list[Example], settings: TrainingSettings, generator: np.random.Generator, device: str
) -> Batch:
    """Return one random scan of each person, mirrored now and then, slightly brighter or darker."""
    scans = [person.scans[generator.integers(len(person.scans))] for person in people]
    scans = [pick_slices(scan, settings.slices_per_step, generator) for scan in scans]
    batch = collate(scans, [person.age_years for person in people], device)
    mirror = torch.Generator().manual_seed(int(generator.integers(2**62)))
    return flip_randomly(batch, mirror)


def _loss(
    network: SliceSetNetwork,
    log_probabilities: torch.Tensor,
    each_slice: torch.Tensor,
    batch: Batch,
    settings: TrainingSettings,
) -> torch.Tensor:
    """Cross-entropy with a Gaussian label plus the absolute error of the mean.

    Each slice is asked for the age as well: that teaches the encoder many times per scan.
    """
    offsets = network.bin_ages_years - batch.ages_years[:, None]
    labels = torch.softmax(-0.5 * (offsets / settings.label_width_years) ** 2, 1)
    crossed = -(labels * log_probabilities).sum(1).mean()
    by_slice = -(labels[:, None] * each_slice).sum(-1)[batch.present].mean()
    error = (network.age_years(log_probabilities) - batch.ages_years).abs().mean()
    return crossed + settings.slice_loss_weight * by_slice + settings.age_loss_weight * error


def _schedule(progress: float, warm_up: float) -> float:
    """Return the learning rate's factor: linear warm-up, then half a cosine to zero."""
    if progress < warm_up:
        return max(progress, 1e-3) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


def _groups(network: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Weight decay acts on matrices and kernels, not on offsets and normalisation."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    free = [p for p in network.parameters() if p.ndim <= 1]
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]


class _State:
    """Network, its running average and the optimizer, and how they lie on disk."""

    def __init__(
        self, network: SliceSetNetwork, average: SliceSetNetwork, optimizer: torch.optim.Optimizer
    ) -> None:
        self.network, self.average, self.optimizer = network, average, optimizer
        self.steps = 0

    @torch.no_grad()
    def follow(self, decay: float) -> None:
        """Move the average towards the network, faster in the beginning."""
        self.steps += 1
        decay = min(decay, (1 + self.steps) / (10 + self.steps))
        weights = self.network.state_dict()
        for name, value in self.average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(weights[name].to(value.dtype), 1 - decay)
            else:
                value.copy_(weights[name])

    def save(self, path: Path, epochs: int) -> None:
        """Write a checkpoint through a temporary file."""
        unfinished = path.with_suffix(".part")
        content = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "steps": self.steps,
            "epochs": epochs,
        }
        torch.save(content, unfinished)
        unfinished.replace(path)

    def load(self, path: Path) -> int:
        """Read a checkpoint; return how many epochs it has seen."""
        if not path.exists():
            return 0
        content = torch.load(path, weights_only=True)
        self.network.load_state_dict(content["network"])
        self.average.load_state_dict(content["average"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.steps = content["steps"]
        return int(content["epochs"])
