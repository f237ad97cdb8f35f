"""Training of one fold's network, in reading order; goes on where it stopped."""

from __future__ import annotations

import copy
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from BrainAgeLib.errors import InputError
from BrainAgeLib.model.devices import halved_numbers
from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.model.kind import AgeModel
from BrainAgeLib.model.network import VolumeNetwork
from BrainAgeLib.model.weights import load_one
from BrainAgeLib.training.fold import Fold
from BrainAgeLib.training.network_data import Draw, WholeScans, mix
from BrainAgeLib.training.people import Person, site_weights
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.simulate import EVALUATION_PROTOCOLS, TIGHT_PROTOCOL
from BrainAgeLib.whole_file import write_atomically

# Usual values, set by hand, like those in the functions.
GRADIENT_LIMIT = 1.0  # of the gradient's length
HUBER_BETA = 0.2  # in standard deviations of age
LOOSE_SHARE, TIGHT_SHARE = 0.4, 0.25  # of the scans of a step; the rest are random ones
STEPS_PER_CHECKPOINT = 250
AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)


@dataclass(frozen=True)
class Goal:
    """What a network is to learn: ``wanted`` (person, ...) of each person, by ``loss``.

    ``loss`` takes what the network gives for some people and what is wanted of them.
    """

    wanted: torch.Tensor
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Course:
    """How one network is trained.

    ``seed``: of all that is random. ``checkpoint``: the file that a run goes on from.
    ``on_progress`` hears how many steps are done, and their loss.
    """

    settings: TrainingSettings
    seed: int
    checkpoint: Path
    device: str
    on_progress: Callable[[int, float], None]


def fit(fold: Fold) -> VolumeNetwork:
    """Train the network of a fold; go on from its checkpoint."""
    volumes = fold.maps("volumes").to(fold.device)
    shares = shares_of_scans(volumes.shape[1])
    scans = WholeScans(volumes, fold.settings.augmentation, shares, fold.other_sequences())
    begun = network_to_start_from(fold.settings, fold.number)
    return fit_on(fold.others, scans, course_of(fold, "network", "train"), begun)


def fit_on(
    people: list[Person], scans: WholeScans, course: Course, begun: VolumeNetwork | None
) -> VolumeNetwork:
    """Train a network on people's scans; those of small sites are drawn more often."""
    drawn = np.repeat(np.arange(len(people)), site_weights(people).astype(int))
    ages = np.array([person.age_years for person in people])[drawn]
    return fit_network(lambda chosen: scans(torch.from_numpy(drawn)[chosen]), ages, course, begun)


def course_of(fold: Fold, name: str, words: str) -> Course:
    """Return how a fold's network is trained. ``name``: of its checkpoint. ``words``: are told."""

    def on_progress(done: int, loss: float) -> None:
        fold.say(words, done, fold.settings.steps, f"loss {loss:.3f}")

    checkpoint = fold.folder / f"{name}-{fold.label}.pt"
    return Course(fold.settings, fold.seed, checkpoint, fold.device, on_progress)


def shares_of_scans(count: int) -> torch.Tensor:
    """Return how often each of so many scans of a person is drawn: (scan,), 1 together.

    The tight strip is one scan beside many loose ones, but as usual in hospitals.
    """
    tight, usual = list(EVALUATION_PROTOCOLS).index(TIGHT_PROTOCOL), len(EVALUATION_PROTOCOLS)
    shares = torch.zeros(count)
    shares[:usual] = LOOSE_SHARE / (usual - 1)
    shares[tight] = TIGHT_SHARE
    shares[usual:] = (1 - LOOSE_SHARE - TIGHT_SHARE) / max(1, count - usual)
    return shares


def network_to_start_from(settings: TrainingSettings, number: int) -> VolumeNetwork | None:
    """Return the network that this member's goes on from; None where training begins anew.

    Raises InputError for a model that has no such network, of these folds and this shape.
    """
    if not settings.start_from:
        return None
    ensemble = load_ensemble(settings.start_from)
    card, name = ensemble.card, settings.start_from
    seed = card.training.settings.get("seed")
    if (card.members, seed) != (settings.folds, settings.seed):
        raise InputError(
            f"{name} has {card.members} members of seed {seed}, "
            f"not {settings.folds} of seed {settings.seed}",
            "start from a model of as many folds and this seed; others know whom they are tried on",
        )
    if "network" not in card.blend.kinds:
        raise InputError(f"{name} has no networks to go on from", "start from another model")
    model = load_one(ensemble.folder, card, number % settings.folds, "network")
    try:
        return going_on(settings, model)
    except RuntimeError as error:
        raise InputError(
            f"the networks of {name} have another shape", "give its settings of the network"
        ) from error


def going_on(settings: TrainingSettings, network: AgeModel) -> VolumeNetwork:
    """Return a copy of a network to train further. Raises RuntimeError for one of another shape."""
    return VolumeNetwork(settings.network).filled(network.packed()).train()


def fit_network(
    draw: Draw,
    ages_years: np.ndarray,
    course: Course,
    begun: VolumeNetwork | None = None,
) -> VolumeNetwork:
    """Train one network on people 0, 1, … of these ages (person,); go on from the checkpoint.

    ``begun``: a network to go on from where there is no checkpoint yet.
    """
    torch.manual_seed(course.seed)
    network = begun or VolumeNetwork(course.settings.network)
    if begun is None:
        network.age_center_years.fill_(float(ages_years.mean()))
        network.age_scale_years.fill_(float(ages_years.std()))
    center, scale = float(network.age_center_years), float(network.age_scale_years)
    wanted = torch.from_numpy((ages_years - center) / scale).float()
    return train_network(network, draw, Goal(wanted, huber_loss), course)


def huber_loss(predicted: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return the mean loss of standardised ages."""
    return nn.functional.smooth_l1_loss(predicted, wanted, beta=HUBER_BETA)


def train_network(network: AnyNetwork, draw: Draw, goal: Goal, course: Course) -> AnyNetwork:
    """Train any network that takes maps (scan, 4, z, y, x); go on from the checkpoint.

    With ``consistency`` two scans of each person are drawn, mixed with the same other person's.
    The random numbers of a step depend on the seed, the step and the kind of device alone, so a run
    that was killed and resumed there sees what an undisturbed one sees. Returns the averaged
    network.
    """
    settings, seed, device = course.settings, course.seed, course.device
    network.to(device)
    average = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(_groups(network, settings.weight_decay), settings.learning_rate)
    state = _State(network, average, optimizer)
    steps, losses = settings.steps, []
    for step in range(state.load(course.checkpoint), steps):
        torch.manual_seed(seed * 1_000_000 + step)  # of all that is random in a step
        chosen = _people_of_step(len(goal.wanted), settings.people_per_step, step, seed)
        people = torch.from_numpy(chosen)
        scans = [draw(people).to(device) for _ in range(2 if settings.consistency else 1)]
        maps, wanted = mix(torch.stack(scans, 1), goal.wanted[people].to(device), settings.mixing)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * _schedule(
                (step + 1) / steps, settings.warm_up_fraction
            )
        losses.append(state.learn(maps, wanted, goal.loss, settings))
        if (step + 1) % STEPS_PER_CHECKPOINT == 0 or step + 1 == steps:
            state.save(course.checkpoint, step + 1)
            course.on_progress(step + 1, float(np.mean(losses[-STEPS_PER_CHECKPOINT:])))
    return average.eval().to("cpu")


def _people_of_step(count: int, per_step: int, step: int, seed: int) -> np.ndarray:
    """Return the people of a step; in a round of steps nobody comes twice."""
    steps_per_round = max(1, count // per_step)
    order = np.random.default_rng([seed, 7, step // steps_per_round]).permutation(count)
    start = (step % steps_per_round) * per_step
    return order[start : start + per_step]


def _schedule(progress: float, warm_up: float) -> float:
    """Return the learning rate's factor: linear warm-up, then half a cosine to zero."""
    if progress < warm_up:
        return max(progress, 1e-3) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up + 1e-9)))


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
        self, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer
    ) -> None:
        self.network, self.average, self.optimizer = network, average, optimizer
        self.steps = 0

    def learn(
        self,
        maps: torch.Tensor,
        wanted: torch.Tensor,
        loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
        settings: TrainingSettings,
    ) -> float:
        """Take one step on maps (person, scan, 4, z, y, x)."""
        count = maps.shape[1]
        with halved_numbers(str(maps.device)):
            predicted = self.network(maps.flatten(0, 1)).float()
        loss = loss_of(predicted, wanted.repeat_interleave(count, 0))
        if count > 1:
            first, second = predicted.unflatten(0, (-1, count)).unbind(1)
            loss = loss + settings.consistency * (first - second).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_LIMIT)
        self.optimizer.step()
        self._follow(settings.average_decay)
        return loss.item()

    @torch.no_grad()
    def _follow(self, decay: float) -> None:
        """Move the average towards the network, faster in the beginning."""
        self.steps += 1
        decay = min(decay, (1 + self.steps) / (10 + self.steps))
        weights = self.network.state_dict()
        for name, value in self.average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(weights[name].to(value.dtype), 1 - decay)
            else:
                value.copy_(weights[name])

    def save(self, path: Path, steps: int) -> None:
        """Write a checkpoint through a temporary file."""
        parts = ("network", "average", "optimizer")
        states = {name: getattr(self, name).state_dict() for name in parts}
        content = io.BytesIO()  # of a full disk torch itself only says that something failed
        torch.save({**states, "steps": steps}, content)
        write_atomically(path, content.getvalue())

    def load(self, path: Path) -> int:
        """Read a checkpoint; return how many steps it has seen."""
        if not path.exists():
            return 0
        # It may go on where there is no such device as it began on.
        content = torch.load(path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(content["network"])
        self.average.load_state_dict(content["average"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.steps = content["steps"]
        return int(content["steps"])
