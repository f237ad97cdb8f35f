"""Can other sequences be read as a T1? Ages of simulated and real T2, FLAIR and enhanced T1 scans.

    make study NAME=network/translation ARGS="train FILE --data BIDS --labels FOLDER [--steps N]"
    make study NAME=network/translation ARGS="people FILE --data BIDS --labels FOLDER --table CSV"
    make study NAME=network/translation ARGS="scans FILE SCAN..."

``train`` teaches a small 2D network on scans simulated from the labels of half of the people whom
choices may look at (``sub-*_dseg.nii.gz``: 1 fluid, 2 grey, 3 white matter), on one processor
core, about 0.15 seconds a step; FILE keeps its state, and a run goes on where it stopped.
``people`` gives the ages of the other half, or with ``--held-out`` of the held-out people, each by
the member of the bundled model that has not seen that person, on simulated axial 5+1 mm scans with
an everyday error of registration. ``scans`` gives the ages of real scans by the whole model,
registered anew; their names end with what they show, as in BIDS.
"""

from __future__ import annotations

import argparse
import csv
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from torch import nn

from BrainAgeLib import pipeline
from BrainAgeLib.case import read
from BrainAgeLib.model.ensemble import load_ensemble, predict_age
from BrainAgeLib.options import Options
from BrainAgeLib.records import SequenceName
from BrainAgeLib.scan.geometry import Volume, to_canonical, volume_from_sitk
from BrainAgeLib.statistics import accuracy
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import Registration, register_to_template
from BrainAgeLib.template.scan_maps import maps_of_scan
from BrainAgeLib.template.template import load_template
from BrainAgeLib.training.appearance import registration_error
from BrainAgeLib.training.people import Person, assign_folds, is_held_out, read_people
from BrainAgeLib.training.sequences import LEVEL, cut_parts, parts_of, simulate
from BrainAgeLib.training.simulate import EVALUATION_PROTOCOLS, tilted
from BrainAgeLib.training.thick_slices import Protocol, random_protocol
from Testing.studies.network._translation import (
    TissueNetwork,
    as_t1,
    level_of,
    load,
    network_input,
    wanted_fractions,
)

MIXTURE: dict[SequenceName, float] = {
    "T1w": 0.1, "T1w after contrast": 0.14, "T2w": 0.37, "FLAIR": 0.34, "PDw": 0.05
}  # fmt: skip
MEASURED: tuple[SequenceName, ...] = ("T1w", "T1w after contrast", "T2w", "FLAIR")
SLICES, SCANS = 5, 2  # of one scan, and scans, in a step
SIDE_Y, SIDE_X = 96, 80  # pixels of a step's pictures
LEARNING_RATE, WARM_UP, AVERAGING = 2.5e-3, 50, 0.01
KEPT_EVERY = 100  # steps


def labels_of(person: Person, folder: Path) -> Path | None:
    """Return the file of a person's labels, if there is one."""
    return next(iter(folder.rglob(f"{person.participant_id}*_dseg.nii.gz")), None)


def labelled(person: Person, labels: Path) -> tuple[Volume, np.ndarray] | None:
    """Return a person's T1 and labels (k, j, i), if there are labels."""
    path = labels_of(person, labels)
    if path is None:
        return None
    brain = to_canonical(sitk.ReadImage(str(person.path), sitk.sitkFloat32))
    drawn = to_canonical(sitk.ReadImage(str(path), sitk.sitkUInt8))
    return volume_from_sitk(brain), sitk.GetArrayFromImage(drawn)


def is_taught(person: Person) -> bool:
    """Say whether the network may see a person: one half of those who are not held out."""
    identifier = person.participant_id
    return not is_held_out(identifier) and zlib.crc32(identifier.encode()) % 2 == 0


def axial(generator: np.random.Generator) -> Protocol:
    """Draw an axial protocol with the pixels of the volumes."""
    while (protocol := random_protocol(generator)).plane != "axial" or protocol.in_plane_mm != 2:
        pass
    return protocol


class Lessons:
    """Random steps; each person is cut into thick slices once."""

    def __init__(self, people: list[Person], labels: Path) -> None:
        self.people, self.labels = people, labels
        self.cut: dict[str, torch.Tensor | None] = {}

    def parts(self, person: Person) -> torch.Tensor | None:
        """Return a person's thick parts (slice, part, y, x) in eight bits, if there are labels."""
        name = person.participant_id
        if name not in self.cut:
            known = labelled(person, self.labels)
            self.cut[name] = None
            if known is not None:
                protocol = axial(np.random.default_rng([77, zlib.crc32(name.encode())]))
                parts, _ = cut_parts(parts_of(*known), known[0].affine, protocol)
                has_tissue = (parts[:, :LEVEL].sum(1) > 0.5).sum((1, 2)) > 150
                self.cut[name] = (parts[has_tissue] * 190).round().byte()
        return self.cut[name]

    def step(self, number: int) -> tuple[torch.Tensor, ...]:
        """Return input, wanted fractions, wanted level and mask of a step's slices."""
        generator = np.random.default_rng([3, number])
        rows: list[tuple[torch.Tensor, ...]] = []
        while len(rows) < SCANS:
            parts = self.parts(self.people[generator.integers(len(self.people))])
            if parts is None or len(parts) < SLICES:
                continue
            chosen = np.sort(generator.choice(len(parts), SLICES, replace=False))
            cropped = _cropped(parts[chosen].float() / 190, generator)
            kind = generator.choice(list(MIXTURE), p=list(MIXTURE.values()))
            image, mask = simulate(cropped, kind, generator)
            seen = network_input(image, mask, kind)
            rows.append((seen, wanted_fractions(cropped), cropped[:, LEVEL], mask))
        return tuple(torch.cat(column) for column in zip(*rows, strict=True))


def _cropped(parts: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """Return the parts in a window of one size, at a random place, mirrored or not."""
    for axis, side in ((-2, SIDE_Y), (-1, SIDE_X)):
        room = parts.shape[axis] - side
        if room < 0:
            padding = [-room // 2, -room - -room // 2]
            parts = nn.functional.pad(parts, [*([0, 0] if axis == -2 else []), *padding])
        else:
            parts = parts.narrow(axis, int(generator.integers(room + 1)), side)
    return parts.flip(-1) if generator.random() < 0.5 else parts


def loss_of(scores: torch.Tensor, wanted: torch.Tensor, level: torch.Tensor, mask: torch.Tensor
            ) -> torch.Tensor:  # fmt: skip
    """Return how far fractions and the level that they make are off within the mask."""
    logs = scores.log_softmax(1)
    apart = (wanted * (wanted.clamp(min=1e-6).log() - logs)).sum(1)
    off = (level_of(logs.exp()) - level).abs()
    return ((apart + 2 * off) * mask).sum() / mask.sum().clamp(min=1.0)


def train(options: argparse.Namespace) -> None:
    """Teach the network, from where the file stands."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    lessons = Lessons([p for p in read_people(options.data) if is_taught(p)], options.labels)
    network = TissueNetwork()
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=1e-3)
    begin, averaged = 0, {name: value.clone() for name, value in network.state_dict().items()}
    if options.file.exists():
        _, state = load(options.file)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        begin, averaged = state["step"], state["averaged"]
    for number in range(begin, options.steps):
        falling = 0.5 * (1 + np.cos(np.pi * number / options.steps)) * 0.97 + 0.03
        for group in optimizer.param_groups:
            group["lr"] = float(LEARNING_RATE * min(1, (number + 1) / WARM_UP) * falling)
        seen, *wanted = lessons.step(number)
        with torch.autocast("cpu", torch.bfloat16):
            scores = network(seen)
        loss = loss_of(scores.float(), *wanted)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimizer.step()
        share = max(AVERAGING, 1 / (number + 1))
        for name, value in network.state_dict().items():
            averaged[name].lerp_(value, share)
        if (number + 1) % KEPT_EVERY == 0 or number + 1 == options.steps:
            _keep(options.file, number + 1, network, optimizer, averaged)
            print(f"{number + 1} steps, loss {loss.item():.3f}", flush=True)


def _keep(
    path: Path, step: int, network: nn.Module, optimizer: Any, averaged: dict[str, torch.Tensor]
) -> None:
    state = {"step": step, "network": network.state_dict(), "averaged": averaged}
    torch.save({**state, "optimizer": optimizer.state_dict()}, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def measure_people(options: argparse.Namespace) -> None:
    """Write the ages of people whom neither network nor member has seen, and print the errors."""
    network, ensemble = load(options.file)[0], load_ensemble()
    everyone, settings = read_people(options.data), ensemble.card.training.settings
    folds = assign_folds(everyone, settings["folds"], settings["seed"])
    chosen = [
        number
        for number, person in enumerate(everyone)
        if is_held_out(person.participant_id) == options.held_out
        and not is_taught(person)
        and labels_of(person, options.labels) is not None
    ]
    members = ensemble.weights("cpu").members
    rows: list[tuple[str, str, float, float]] = []
    for number in np.random.default_rng(4).permutation(chosen)[: options.people]:
        person, known = everyone[number], labelled(everyone[number], options.labels)
        if known is None:
            continue
        for kind, placed in simulated_scans(person, *known, network):
            maps = maps_of_scan(placed.slices(load_template(), "cpu"))
            age = predict_age([members[folds[number]]], maps, ensemble.card.blend).age_years
            rows.append((person.participant_id, kind, person.age_years, age))
    with options.table.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    for kind in MEASURED:
        ages, said = np.array([row[2:] for row in rows if row[1] == kind]).T
        print(kind, accuracy(ages, said))


def simulated_scans(
    person: Person, brain: Volume, labels: np.ndarray, network: nn.Module
) -> list[tuple[SequenceName, PlacedScan]]:
    """Return a person's simulated scans as T1-like ones in their place."""
    entropy = [15, zlib.crc32(person.participant_id.encode())]
    protocol = tilted(EVALUATION_PROTOCOLS["axial 5+1 mm"], entropy)
    assert protocol is not None  # only the 3D volume has none
    cut, affine = cut_parts(parts_of(brain, labels), brain.affine, protocol)
    error = registration_error(np.random.default_rng(entropy))
    scan_to_template = register_to_template(brain, load_template()).scan_to_template
    place = Registration(np.linalg.inv(error @ scan_to_template), 1.0)
    scans = []
    for number, kind in enumerate(MEASURED):
        image, mask = simulate(cut, kind, np.random.default_rng([*entropy, number]))
        shown = as_t1(network, Volume(image.numpy(), affine), mask.bool().numpy(), kind)
        scans.append((kind, PlacedScan(*shown, place)))
    return scans


def measure_scans(options: argparse.Namespace) -> None:
    """Print the ages of real scans, registered by what the network makes of them."""
    network, ensemble = load(options.file)[0], load_ensemble()
    for path in options.scans:
        suffix = path.name.split(".")[0].rsplit("_", 1)[-1]
        given = Options(device="cpu", brain_extracted="desc-brain" in path.name)
        tools, case = pipeline.prepare(given), read(path, given)
        case, mask = pipeline.find_brain_in_view(case, tools)
        shown, brain = as_t1(network, case.volume, mask, suffix)
        registration = register_to_template(shown, tools.template)
        slices = PlacedScan(shown, brain, registration).slices(tools.template, "cpu")
        age = ensemble.raw_age(maps_of_scan(slices), "cpu").age_years
        print(f"{path.name}: {age:.1f} years, similarity {registration.similarity:.3f}", flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("train", "people", "scans"))
    parser.add_argument("file", type=Path)
    parser.add_argument("scans", nargs="*", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--held-out", action="store_true", help="for a last look alone")
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    if options.what != "scans" and None in (options.data, options.labels):
        parser.error("name --data and --labels")
    if options.what == "people" and options.table is None:
        parser.error("name the --table to write")
    {"train": train, "people": measure_people, "scans": measure_scans}[options.what](options)


if __name__ == "__main__":
    main()
