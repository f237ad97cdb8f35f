"""Models that were trained on the right brains with the wrong people's ages."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.model.network import VolumeNetwork
from BrainAgeLib.model.predict import Member
from BrainAgeLib.training.examples import WholeScans
from BrainAgeLib.training.fit import fit_network
from BrainAgeLib.training.fit_regional import (
    fit_regional_model,
    read_regional_model,
    write_regional_model,
)
from BrainAgeLib.training.map_store import read_maps
from BrainAgeLib.training.prepare import maps_file
from BrainAgeLib.training.settings import TrainingSettings
from Testing.studies.saliency._run import Run, brain_of, likeness

FOLD = 0
SEED = 1
SCANS = (0,)  # of the map store: the main protocol alone, to keep this to minutes


def train_shuffled(run: Run, work: Path, people: int, steps: int) -> None:
    """Train on shuffled ages what is not in ``work`` yet: one fold, without its held-out people.

    ``people``: at most so many are learnt from. ``steps``: of the network, 0 for none.
    """
    others = [n for n, fold in enumerate(run.folds) if fold != FOLD][:people]
    paths = [maps_file(run.folder / "work", run.people[n]) for n in others]
    ages = torch.tensor([run.people[n].age_years for n in others])
    ages = ages[torch.from_numpy(np.random.default_rng(SEED).permutation(len(ages)))]
    if not _regional_file(work).exists():
        maps, covered = (
            torch.stack([read_maps([path], name)[0, list(SCANS)] for path in paths])
            for name in ("regional", "covered")
        )
        model = fit_regional_model(maps, covered, ages, on_expert=_say("experts on shuffled ages"))
        write_regional_model(model, _regional_file(work))
    if steps > 0 and not _network_file(work).exists():
        volumes = torch.stack([read_maps([path], "volumes")[0, list(SCANS)] for path in paths])
        network = fit_network(
            WholeScans(volumes, TrainingSettings().augmentation),
            ages.numpy(),
            replace(TrainingSettings(), steps=steps, network=run.card.network),
            SEED,
            work / "shuffled-network.checkpoint",
            "cpu",
            lambda done, _loss: print(f"network on shuffled ages: {done} of {steps}", flush=True),
        )
        torch.save(network.state_dict(), _network_file(work))


def shuffled(run: Run, number: int, work: Path) -> dict:
    """Compare the map of one person of the fold with that of the models of shuffled ages."""
    maps, own = run.main_maps(number), run.member(number)
    brain = brain_of(maps.volume)
    wrong = _shuffled_member(work, own)
    found = {
        "experts": likeness(
            run.map_of([own], maps, 0.0)[brain], run.map_of([wrong], maps, 0.0)[brain]
        )
    }
    if wrong.network is not own.network:
        for name, share in (("network", 1.0), ("experts and network", None)):
            found[name] = likeness(
                run.map_of([own], maps, share)[brain], run.map_of([wrong], maps, share)[brain]
            )
    return found


@cache
def _shuffled_member(work: Path, own: Member) -> Member:
    network = own.network
    if _network_file(work).exists():
        network = VolumeNetwork(own.network.settings).eval()
        network.load_state_dict(torch.load(_network_file(work), weights_only=True))
    return Member(network, read_regional_model(_regional_file(work)), own.slices)


def _regional_file(work: Path) -> Path:
    return work / "shuffled-regional.safetensors"


def _network_file(work: Path) -> Path:
    return work / "shuffled-network.pt"


def _say(what: str) -> object:
    def say(done: int, count: int) -> None:
        if done % 20 == 0 or done == count:
            print(f"{what}: {done} of {count}", flush=True)

    return say
