"""The sound scans of the study of the gate's limits: each can be made again in another process."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.resources import sample_scan
from BrainAgeLib.scan.brain_extraction import mask_of_extracted
from BrainAgeLib.scan.geometry import (
    Volume,
    describe_acquisition,
    sitk_from_volume,
    to_canonical,
    volume_from_sitk,
)
from BrainAgeLib.scan.read import read_scan
from BrainAgeLib.training.appearance import (
    EVALUATION,
    TRAINING,
    change_appearance,
    disturb_mask,
)
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.simulate import EVALUATION_PROTOCOLS, tilted
from BrainAgeLib.training.thick_slices import Protocol, cut_thick_slices, random_protocol

SEED = 23
OTHERS = "other people, simulated"
CUT = ", cut into thick slices"
ROUTINE, RANDOM = "axial 5+1 mm", "random"
PROTOCOLS = (ROUTINE, RANDOM, "axial 3+0 mm", "axial 7+2 mm", "coronal 5+1 mm", "sagittal 5+1 mm")


@dataclass(frozen=True)
class Source:
    """A sound scan. ``is_head``: it has its skull; ``person`` is counted, not named, in tables.

    ``path``: the volume that it is made of. ``protocol``: how that is cut; None: not at all.
    """

    name: str
    person: str
    kind: str
    path: Path
    protocol: str | None
    is_head: bool

    def load(self) -> Volume:
        """Return the scan, its axes in the order in which the program works."""
        volume = volume_from_sitk(to_canonical(read_scan(self.path).image))
        if self.protocol is None:
            return volume
        if self.is_head:
            seed = [SEED, 0, zlib.crc32(self.person_scan.encode())]
            protocol = tilted(EVALUATION_PROTOCOLS[self.protocol], seed) or Protocol()
            cut = cut_thick_slices(torch.as_tensor(volume.voxels), volume.affine, protocol)
            return _canonical(*cut)
        return _simulated(self.person, volume, self.protocol)

    @property
    def person_scan(self) -> str:
        """The name of the scan that this one is cut from."""
        return self.path.name.split(".")[0]


def simulated_sources(person: Person, count: int, kind: str | None = None) -> Iterator[Source]:
    """Yield a person's scans; which protocols come first is the same for everybody.

    A protocol's scan is as the same scanner shows it; the random one's protocol and appearance are
    drawn from the training's range.
    """
    for protocol in PROTOCOLS[:count]:
        name = f"{person.participant_id} {protocol}"
        own_kind = kind or f"simulated, {protocol}"
        yield Source(name, person.participant_id, own_kind, person.path, protocol, False)


def head_sources(folders: list[Path]) -> Iterator[Source]:
    """Yield the whole heads, and 3D ones cut into thick slices too: the bundled sample first."""
    yield Source(
        "colin27", "colin27", "whole head, bundled sample", sample_scan(), None, is_head=True
    )
    for folder in folders:
        with (folder / "participants.tsv").open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                yield from _heads_of(folder / row["file"], f"whole head, {folder.name}")


def _heads_of(path: Path, kind: str) -> Iterator[Source]:
    name = path.name.split(".")[0]
    person = name.split("_")[0]
    yield Source(name, person, kind, path, None, is_head=True)
    volume = volume_from_sitk(to_canonical(read_scan(path).image))
    if describe_acquisition(volume, None).plane == "3d":
        for protocol in (ROUTINE, "axial 7+2 mm"):
            yield Source(f"{name} {protocol}", person, f"{kind}{CUT}", path, protocol, is_head=True)


def _simulated(person: str, brain: Volume, name: str) -> Volume:
    number = PROTOCOLS.index(name)
    seed = [SEED, number, zlib.crc32(person.encode())]
    generator = np.random.default_rng(seed)
    protocol = (
        random_protocol(np.random.default_rng([*seed, 1]))
        if name == RANDOM
        else tilted(EVALUATION_PROTOCOLS[name], seed) or Protocol()
    )
    scan, affine = cut_thick_slices(torch.as_tensor(brain.voxels), brain.affine, protocol)
    appearance = TRAINING if name == RANDOM else EVALUATION
    wander = appearance.mask_wander
    mask = disturb_mask(mask_of_extracted(scan), protocol.in_plane_mm, wander, generator)
    torch_generator = torch.Generator().manual_seed(zlib.crc32(person.encode()) + number)
    scan = change_appearance(scan, appearance, generator, torch_generator) * mask
    return _canonical(scan, affine)


def _canonical(scan: torch.Tensor, affine: np.ndarray) -> Volume:
    return volume_from_sitk(to_canonical(sitk_from_volume(Volume(scan.numpy(), affine))))
