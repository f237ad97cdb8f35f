"""Models that were trained on the right brains with the wrong people's ages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load, save

from BrainAgeLib.model.kind import AgeModel
from BrainAgeLib.model.weights import KINDS, Member
from BrainAgeLib.training.network import Course, fit_network
from BrainAgeLib.training.network_data import WholeScans
from BrainAgeLib.training.regional import fit_regional_model
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.store import maps_file
from BrainAgeLib.training.stored_maps import read_maps
from Testing.studies.saliency._run import Run, brain_of, likeness

FOLD = 0
SEED = 1
SCANS = (0,)  # of the store: the main protocol alone, to keep this to minutes


def train_shuffled(run: Run, work: Path, people: int, steps: int) -> None:
    """Train on shuffled ages what is not in ``work`` yet: one fold, without its held-out people.

    ``people``: at most so many are learnt from. ``steps``: of the network, 0 for none.
    """
    others = [n for n, fold in enumerate(run.folds) if fold != FOLD][:people]
    paths = [maps_file(run.folder / "work", run.people[n]) for n in others]
    ages = torch.tensor([run.people[n].age_years for n in others])
    ages = ages[torch.from_numpy(np.random.default_rng(SEED).permutation(len(ages)))]
    if not _file(work, "regional").exists():
        maps, covered = (
            torch.stack([read_maps([path], name)[0, list(SCANS)] for path in paths])
            for name in ("regional", "covered")
        )
        model = fit_regional_model(maps, covered, ages, on_expert=_say("experts on shuffled ages"))
        _keep(model, _file(work, "regional"))
    if steps > 0 and not _file(work, "network").exists():
        volumes = torch.stack([read_maps([path], "volumes")[0, list(SCANS)] for path in paths])
        network = fit_network(
            WholeScans(volumes, TrainingSettings().augmentation),
            ages.numpy(),
            Course(
                replace(
                    TrainingSettings(),
                    steps=steps,
                    network=run.weights.members[0]["network"].settings,
                ),
                SEED,
                work / "shuffled-network.checkpoint",
                "cpu",
                lambda done, _: print(f"network on shuffled ages: {done} of {steps}", flush=True),
            ),
        )
        _keep(network, _file(work, "network"))


def shuffled(run: Run, number: int, work: Path) -> dict:
    """Compare the map of one person of the fold with that of the models of shuffled ages."""
    maps, own = run.main_maps(number), run.member(number)
    brain = brain_of(maps.acquired)
    wrong = _shuffled_member(work, own)
    found = {
        "experts": likeness(
            run.map_of([own], maps, "regional")[brain], run.map_of([wrong], maps, "regional")[brain]
        )
    }
    if wrong["network"] is not own["network"]:
        for name, kind in (("network", "network"), ("experts and network", None)):
            found[name] = likeness(
                run.map_of([own], maps, kind)[brain], run.map_of([wrong], maps, kind)[brain]
            )
    return found


def _shuffled_member(work: Path, own: Member) -> Member:
    """Return the member with the models that were trained on shuffled ages."""
    read = {
        kind: KINDS[kind].unpacked(load(path.read_bytes()))
        for kind in own
        if (path := _file(work, kind)).exists()
    }
    return {**own, **read}


def _file(work: Path, kind: str) -> Path:
    return work / f"shuffled-{kind}.safetensors"


def _keep(model: AgeModel, path: Path) -> None:
    tensors = {name: value.contiguous() for name, value in model.packed().items()}
    path.write_bytes(save(tensors))


def _say(what: str) -> object:
    def say(done: int, count: int) -> None:
        if done % 20 == 0 or done == count:
            print(f"{what}: {done} of {count}", flush=True)

    return say
