"""A person's simulated scans of other sequences, on the template's grid.

A T1 and its tissue labels are split into parts (``tissue_parts``), and these are cut into the thick
slices of two protocols once. A scan of any sequence is then made of them where the models see it,
on the grid, and shown as a T1 by ``template.sequences`` as a real one is.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.errors import InputError
from BrainAgeLib.records import SequenceName
from BrainAgeLib.scan.geometry import Volume, to_canonical, volume_from_sitk
from BrainAgeLib.scan.read import read_scan
from BrainAgeLib.template.grid import plane_points_mm, planes_through
from BrainAgeLib.template.harmonisation import harmonised
from BrainAgeLib.template.intensity import LEAST_COVER
from BrainAgeLib.template.sequences import READ, shown_as_t1
from BrainAgeLib.template.slices import LEAST_BRAIN_PIXELS, SliceSet, on_the_grid
from BrainAgeLib.template.target import template_maps
from BrainAgeLib.training.appearance import registration_error
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.sequences import EVERYDAY, RANDOM, Disturbances, simulate
from BrainAgeLib.training.simulate import TEMPLATE_STEP, Simulator, tilted
from BrainAgeLib.training.thick_slices import Protocol, random_protocol
from BrainAgeLib.training.tissue_parts import (
    FLUID,
    GREY_MATTER,
    LEVEL,
    PARTS,
    WHITE_MATTER,
    cut_parts,
    parts_of,
)

USUAL, DRAWN = 0, 1  # the two protocols of a person
# The scans that are kept of each person: sequence, protocol and which draw of all that is random.
# The first ones, of the usual protocol with everyday disturbances, are what a model is measured on.
SEQUENCE_SCANS: tuple[tuple[SequenceName, int, int], ...] = (
    *((sequence, USUAL, 0) for sequence in READ),
    ("T2w", DRAWN, 0), ("FLAIR", DRAWN, 0),
    ("T2w", USUAL, 1), ("FLAIR", USUAL, 1),
    ("T2w", DRAWN, 1), ("FLAIR", DRAWN, 1),
)  # fmt: skip
MEASURED_SCANS = len(READ)
EXPERT_SCANS = 7  # experts are fitted on these; set by hand, alignment takes most of the time
USUAL_PROTOCOL = Protocol(thickness_mm=5.0, gap_mm=1.0)
PART_STEP = 1.5 / 255.0  # in eight bits; levels go up to 1.3
# Less noise than of thick slices: it comes after the blur of the grid here, which takes nothing of
# it away. Set by hand.
ON_THE_GRID = replace(RANDOM, noise=0.045)
USUAL_DISTURBANCES = replace(EVERYDAY, noise=0.02)
WANTED = LEVEL + 1  # channels of cut parts: parts, the T1, the template's T1, grey and white
TEMPLATE = slice(WANTED + 1, WANTED + 4)
_ENTROPY = 2000  # beyond those of ``simulate``


@dataclass(frozen=True)
class CutParts:
    """The parts of a brain as thick slices on the template's grid.

    ``values``: uint8 (slice, channel, y, x): eight parts and what the models would read of the T1
    itself, harmonised, in steps of ``PART_STEP``, and the template's T1, grey and white matter
    there, of ``TEMPLATE_STEP``.
    ``planes``: float32 (slice, 3), see ``grid``.
    """

    values: np.ndarray
    planes: np.ndarray

    @property
    def parts(self) -> torch.Tensor:
        """The parts (slice, part, y, x), as ``simulate`` takes them."""
        return torch.from_numpy(self.values[:, : LEVEL + 1]).float() * PART_STEP

    @property
    def wanted(self) -> torch.Tensor:
        """The levels (slice, y, x) that the models would read of the T1 itself, harmonised."""
        return torch.from_numpy(self.values[:, WANTED]).float() * PART_STEP

    @property
    def template(self) -> torch.Tensor:
        """The template's T1, grey and white matter (3, slice, y, x), 0-1."""
        return torch.from_numpy(self.values[:, TEMPLATE]).float().transpose(0, 1) * TEMPLATE_STEP

    @property
    def points_mm(self) -> torch.Tensor:
        """The template's points (slice, y, x, 3)."""
        return plane_points_mm(torch.from_numpy(self.planes))


def protocols_of(participant_id: str, seed: int) -> tuple[Protocol, Protocol]:
    """Return a person's two protocols: the usual one, tilted, and a random axial one."""
    usual, drawn = (_entropy(participant_id, seed, number) for number in (USUAL, DRAWN))
    generator = np.random.default_rng(drawn)
    while (second := random_protocol(generator)).plane != "axial":
        pass
    return tilted(USUAL_PROTOCOL, usual), replace(second, missing_bottom=0, missing_top=0)


def cut_person(person: Person, simulator: Simulator, seed: int) -> list[CutParts]:
    """Return the parts of a person who has labels in each of :func:`protocols_of`.

    Raises InputError for labels that do not go with the scan, ValueError where there are none.
    """
    if person.labels is None:
        raise ValueError(f"{person.participant_id} has no labels")
    name = person.participant_id
    brain = Volume(simulator.volume.numpy(), simulator.affine)
    parts = torch.cat(
        [parts_of(brain, _labels_of(name, person.labels, brain)), simulator.levels[None]]
    )
    result = []
    for number, protocol in enumerate(protocols_of(name, seed)):
        cut, affine = cut_parts(parts, brain.affine, protocol)
        generator = np.random.default_rng([*_entropy(name, seed, number), 3])
        to_template = registration_error(generator) @ simulator.scan_to_template @ affine
        result.append(_at_the_grid(cut, to_template))
    return result


def _at_the_grid(cut: torch.Tensor, to_template: np.ndarray) -> CutParts:
    """Return thick parts (slice, part, y, x) as they are kept; 4 x 4 from index to template."""
    is_brain = (cut[:, :PARTS].sum(1) > LEAST_COVER).float()
    # A scan and its mask come first there.
    stacked = torch.cat([torch.stack([is_brain, is_brain]), cut.transpose(0, 1)])
    values, points = on_the_grid(stacked, to_template)
    values, template = values[2:], template_maps("cpu").at(points)
    t1 = SliceSet(values[WANTED], template[0], planes_through(points).float())
    values[WANTED] = harmonised(t1).images
    kept = torch.cat([values / PART_STEP, template / TEMPLATE_STEP])
    return CutParts(kept.round().clamp(0, 255).byte().transpose(0, 1).numpy(), t1.planes.numpy())


def _labels_of(name: str, path: Path, brain: Volume) -> np.ndarray:
    """Return a person's labels (k, j, i). Raises InputError for those that do not go with it."""
    found = volume_from_sitk(to_canonical(read_scan(path).image))
    is_same = found.voxels.shape == brain.voxels.shape
    if not is_same or not np.allclose(found.affine, brain.affine, atol=0.01):
        raise InputError(
            f"{name}: the labels {path} are not on the scan's grid",
            "give labels with the scan's own voxels, or none",
        )
    numbers = found.voxels.round()
    others = np.unique(numbers[(numbers < 0) | (numbers > WHITE_MATTER)])
    if others.size:
        raise InputError(
            f"{name}: the labels {path} hold {others[0]:g}, which is no tissue that is known",
            "1 is fluid, 2 grey and 3 white matter, 0 what lies around",
        )
    labels = numbers.astype(np.uint8)
    middles = [
        float(np.median(brain.voxels[labels == n])) if (labels == n).any() else np.nan
        for n in (FLUID, GREY_MATTER, WHITE_MATTER)
    ]
    if not middles[0] < middles[1] < middles[2]:
        raise InputError(
            f"{name}: in the T1 the labels 1, 2 and 3 of {path} are not from dark to bright",
            "1 is fluid, 2 grey and 3 white matter",
        )
    return labels


def scan_of(
    cut: CutParts,
    sequence: SequenceName,
    generator: np.random.Generator,
    by: Disturbances = ON_THE_GRID,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a simulated scan, masked, and its mask (2, slice, y, x), and which slices are kept.

    Those are the numbers (slice,) of the slices whose mask holds brain, as ``on_the_grid`` has it.
    """
    image, mask = simulate(cut.parts, sequence, generator, by)
    kept = torch.nonzero((mask > LEAST_COVER).sum((1, 2)) >= LEAST_BRAIN_PIXELS)[:, 0]
    return torch.stack([image * mask, mask])[:, kept], kept


def shown_scans(cuts: list[CutParts], participant_id: str, seed: int) -> list[SliceSet]:
    """Return the scans ``SEQUENCE_SCANS`` of a person, shown as a T1."""
    maps, result = template_maps("cpu"), []
    for number, (sequence, protocol, draw) in enumerate(SEQUENCE_SCANS):
        by = USUAL_DISTURBANCES if number < MEASURED_SCANS else ON_THE_GRID
        entropy = _entropy(participant_id, seed, protocol)
        generator = np.random.default_rng([*entropy, 4, READ.index(sequence), draw])
        values, kept = scan_of(cuts[protocol], sequence, generator, by)
        result.append(shown_as_t1(values, cuts[protocol].points_mm[kept], maps, sequence))
    return result


def _entropy(participant_id: str, seed: int, protocol: int) -> list[int]:
    return [seed, _ENTROPY + protocol, zlib.crc32(participant_id.encode())]
