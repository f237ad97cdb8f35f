"""Compare kinds of networks and heads on the same maps, people and folds.

    make study NAME=network/kinds ARGS="RUN --data BIDS --work DIR [--folds 1 2] [--device cuda]"

RUN is the output folder of a ``brainage train`` that has at least simulated everybody. Each kind is
trained on the maps of the shipped network's input with its recipe (brains that are changed,
mirrored and mixed, averaged weights), but for a learning rate of its own where it needs one, and
judged on the folds' people who are not held out: raw, out of fold, the mean of a brain and its
mirror image.
With ``--steps`` all are trained for as many. What is done is kept in DIR.
Writes Testing/studies/results/network_kinds.json and the table in docs/model.md. The DenseNet
needs MONAI.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from BrainAgeLib.codec import to_text
from BrainAgeLib.model.brain_maps import network_maps
from BrainAgeLib.model.devices import resolve_device
from BrainAgeLib.training.network import Course, Goal, train_network
from BrainAgeLib.training.network_data import WholeScans
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.stored_maps import read_maps, unpacked
from BrainAgeLib.whole_file import write_atomically
from Testing.studies._pages import FIGURES, PAGES, write_part
from Testing.studies.network._networks import (
    LEARNING_RATES,
    NETWORKS,
    Head,
    ordinal,
    regression,
    soft_labels,
)
from Testing.studies.network._people import PROTOCOLS, ValidationPeople

RESULTS = FIGURES / "network_kinds.json"
AT_A_TIME = 32
KINDS = (
    ("3D network", "regression"),
    ("3D network", "soft labels"),
    ("3D network", "ordinal"),
    ("3D network, means of voxels", "regression"),
    ("slice set", "regression"),
    ("DenseNet121, 3D", "regression"),
)


def head_of(name: str, ages: np.ndarray) -> Head:
    """Return a head for people of these ages."""
    if name == "regression":
        return regression(float(ages.mean()), float(ages.std()))
    return {"soft labels": soft_labels, "ordinal": ordinal}[name]()


class Bench(ValidationPeople):
    """The people of a run with their scans, on the device that trains."""

    def __init__(self, data: Path, run: Path, work: Path, device: str) -> None:
        super().__init__(data, run)
        self.work, self.device = work, device
        self.volumes = read_maps(self.paths, "volumes").to(device)

    def measure(self, network: str, head_name: str, fold: int, steps: int) -> dict[str, Any]:
        """Train one kind without a fold; return what it says of its validation people."""
        others = np.flatnonzero(self.folds != fold)
        mine = np.flatnonzero((self.folds == fold) & self.for_validation)
        head = head_of(head_name, self.ages[others])
        start, seed = time.monotonic(), self.settings.seed + fold
        torch.manual_seed(seed)
        model = NETWORKS[network](head.outputs)
        rate = LEARNING_RATES.get(network, self.settings.learning_rate)
        scans = WholeScans(self.volumes[others], self.settings.augmentation)
        model = train_network(
            model,
            scans,
            Goal(head.wanted(torch.from_numpy(self.ages[others]).float()), head.loss),
            Course(
                # Not every head gives an age that two scans of a person could agree on.
                replace(self.settings, steps=steps, learning_rate=rate, consistency=0.0),
                seed,
                self.work / f"{file_name(network, head_name, fold + 1, steps)}.pt",
                self.device,
                lambda done, loss: print(
                    f"{network}, {head_name}: {done} steps, loss {loss:.3f}", flush=True
                ),
            ),
        )
        return {
            "parameters": sum(p.numel() for p in model.parameters()),
            "minutes": round((time.monotonic() - start) / 60, 1),
            "device": name_of(self.device),
            "ages": self.ages[mine].tolist(),
            "predicted": {
                name: predicted(model, head, self.volumes[mine, number].cpu())
                for name, number in PROTOCOLS.items()
            },
        }


def name_of(device: str) -> str:
    """Return a device in a few words."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} CPUs" if device == "cpu" else device


def file_name(network: str, head: str, fold: int, steps: int) -> str:
    """Return the name of what is kept of one training."""
    # Another recipe begins anew.
    recipe = hashlib.sha256(to_text(TrainingSettings()).encode()).hexdigest()[:12]
    return f"{recipe}-{network}-{head}-{fold}-{steps}".replace(" ", "_")


@torch.inference_mode()
def predicted(network: nn.Module, head: Head, volumes: torch.Tensor) -> list[float]:
    """Return ages of packed volumes (person, z, y, x): the mean of a brain and its mirror image."""
    ages = []
    for part in volumes.split(AT_A_TIME):
        seen = network_maps(unpacked(part))
        both = head.ages_years(network(seen)) + head.ages_years(network(seen.flip(-1)))
        ages += (both / 2).tolist()
    return ages


def row_of(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of one kind over its folds."""
    ages = np.concatenate([part["ages"] for part in parts])
    row: dict[str, Any] = {
        "people": len(ages),
        "parameters": parts[0]["parameters"],
        "device": parts[0]["device"],
        "minutes_a_fold": round(float(np.mean([part["minutes"] for part in parts])), 1),
    }
    for name in PROTOCOLS:
        said = np.concatenate([part["predicted"][name] for part in parts])
        if not np.isfinite(said).all():
            row[name] = None  # the training ended in numbers that are none
            continue
        row[name] = {
            "mae_years": round(float(np.abs(said - ages).mean()), 2),
            "r": round(float(np.corrcoef(said, ages)[0, 1]), 3),
        }
    return row


def markdown(found: dict[str, Any]) -> str:
    """Return the table for the documentation."""
    people = next(iter(found["kinds"].values()))["people"]
    lines = [
        f"{people} people of {len(found['folds'])} folds, {found['steps']} steps each, "
        "raw mean absolute error in years (r).",
        "",
        f"| network | parameters | minutes a fold, device | {' | '.join(PROTOCOLS)} |",
        "|---|---|---|" + "---|" * len(PROTOCOLS),
    ]
    for name, row in found["kinds"].items():
        cells = " | ".join(
            f"{row[p]['mae_years']:.2f} ({row[p]['r']:.3f})" if row[p] else "diverged"
            for p in PROTOCOLS
        )
        where = f"{row['minutes_a_fold']}, {row['device']}"
        lines.append(f"| {name} | {row['parameters']:,} | {where} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """Train what is not there yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--folds", type=int, nargs="+", default=[1, 2], help="from 1")
    parser.add_argument("--steps", type=int, default=TrainingSettings().steps)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    given.work.mkdir(parents=True, exist_ok=True)
    device = resolve_device(given.device)
    bench: Bench | None = None
    table: dict[str, dict[str, Any]] = {}
    for network, head in KINDS:
        parts = []
        for fold in given.folds:
            file = given.work / f"{file_name(network, head, fold, given.steps)}.json"
            if not file.exists():
                bench = bench or Bench(given.data, given.run, given.work, device)
                measured = bench.measure(network, head, fold - 1, given.steps)
                write_atomically(file, json.dumps(measured).encode())
            parts.append(json.loads(file.read_text("utf-8")))
        table[f"{network}, {head}"] = row_of(parts)
    found = {"folds": given.folds, "steps": given.steps, "kinds": table}
    write_atomically(RESULTS, (json.dumps(found, indent=1) + "\n").encode())
    write_part(PAGES / "model.md", "network kinds", markdown(found))


if __name__ == "__main__":
    main()
