"""What the gate would measure on sound and on faulty scans, kept in a file row by row."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _gate_changes import Case
from _gate_faults import Fault

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.imaging.acquisition import describe_acquisition
from BrainAgeLib.imaging.brain_extraction import extract_brain, mask_of_extracted
from BrainAgeLib.imaging.geometry import (
    Volume,
    sitk_from_volume,
    to_canonical,
    volume_from_sitk,
)
from BrainAgeLib.imaging.placed_scan import PlacedScan
from BrainAgeLib.imaging.read import read_scan, scan_from_image
from BrainAgeLib.imaging.registration import Registration, RegistrationError
from BrainAgeLib.job import Job
from BrainAgeLib.measurements import (
    Artefacts,
    Contrast,
    Measurements,
    Placement,
    SequenceTags,
    Stretch,
)
from BrainAgeLib.options import Options
from BrainAgeLib.records import Acquisition
from BrainAgeLib.training.appearance import (
    EVALUATION,
    TRAINING,
    change_appearance,
    disturb_mask,
)
from BrainAgeLib.training.simulated_scans import EVALUATION_PROTOCOLS, tilted
from BrainAgeLib.training.thick_slices import Protocol, cut_thick_slices, random_protocol

SEED = 23
MEASURED, NO_BRAIN, NOT_REGISTERED, UNREADABLE = "measured", "no brain", "not registered", "error"
OTHERS = "other people, simulated"
CUT = ", cut into thick slices"
ROUTINE = "axial 5+1 mm"
PARTS: dict[str, Any] = {
    "acquisition": Acquisition,
    "placement": Placement,
    "stretch": Stretch,
    "contrast": Contrast,
    "artefacts": Artefacts,
    "tags": SequenceTags,
}


@dataclass(frozen=True)
class Source:
    """A sound scan. ``is_head``: it has its skull; ``person`` is counted, not named, in tables."""

    name: str
    person: str
    kind: str
    volume: Volume
    is_head: bool
    mask: np.ndarray | None = None


def simulated_sources(name: str, brain: Volume, protocols: list[str]) -> Iterator[Source]:
    """Yield thick-slice scans of a brain-extracted 3D scan, as another scanner might show them.

    ``protocols``: names of ``EVALUATION_PROTOCOLS``, seen as the same scanner shows them, or
    "random", drawn from the training range and with its appearances.
    """
    for number, protocol_name in enumerate(protocols):
        seed = [SEED, number, zlib.crc32(name.encode())]
        generator = np.random.default_rng(seed)
        is_random = protocol_name == "random"
        protocol = (
            random_protocol(np.random.default_rng([*seed, 1]))
            if is_random
            else tilted(EVALUATION_PROTOCOLS[protocol_name], seed)
        )
        scan, affine = torch.as_tensor(brain.voxels), brain.affine
        if protocol is not None:
            scan, affine = cut_thick_slices(scan, affine, protocol)
        appearance = TRAINING if is_random else EVALUATION
        in_plane_mm = protocol.in_plane_mm if protocol else 2.0
        mask = disturb_mask(mask_of_extracted(scan), in_plane_mm, appearance.mask_wander, generator)
        torch_generator = torch.Generator().manual_seed(zlib.crc32(name.encode()) + number)
        scan = change_appearance(scan, appearance, generator, torch_generator) * mask
        kind = f"simulated, {protocol_name}"
        yield Source(f"{name} {protocol_name}", name, kind, canonical(scan, affine), False)


def head_sources(name: str, path: Path, kind: str) -> Iterator[Source]:
    """Yield a whole head as it is and, when it is a 3D scan, cut into thick slices."""
    volume = volume_from_sitk(to_canonical(read_scan(path).image))
    person = name.split("_")[0]
    yield Source(name, person, kind, volume, True)
    if describe_acquisition(volume, None).plane == "3d":
        seed = [SEED, 0, zlib.crc32(name.encode())]
        for protocol_name in (ROUTINE, "axial 7+2 mm"):
            protocol = tilted(EVALUATION_PROTOCOLS[protocol_name], seed) or Protocol()
            scan, affine = cut_thick_slices(torch.as_tensor(volume.voxels), volume.affine, protocol)
            cut = canonical(scan, affine)
            yield Source(f"{name} {protocol_name}", person, f"{kind}{CUT}", cut, True)


def canonical(scan: torch.Tensor, affine: np.ndarray) -> Volume:
    """Return a scan (k, j, i) with its axes in the order in which the program works."""
    return volume_from_sitk(to_canonical(sitk_from_volume(Volume(scan.numpy(), affine))))


class Bench:
    """Measures scans as the program does, without saliency and output."""

    def __init__(self, model: str | None) -> None:
        self.model = model

    def sound_case(self, source: Source) -> Case:
        """Return the scan without a fault, its brain found."""
        mask = self._mask(source.volume, source.is_head)
        inside = source.volume.voxels[mask]
        white = float(np.quantile(inside, 0.9)) if inside.size else 1.0
        return Case(source.volume, white, mask)

    def row(self, source: Source, case: Case, fault: Fault | None) -> dict[str, Any]:
        """Return what comes of a scan with a fault, or without one."""
        faulty = fault.make(case) if fault else case
        row: dict[str, Any] = {
            "scan": source.name,
            "person": source.person,
            "kind": source.kind,
            "fault": fault.name if fault else None,
        }
        try:
            outcome, measured = self._measured(faulty, source.is_head)
        except BrainAgeError as error:
            return {**row, "outcome": UNREADABLE, "message": error.message}
        return {**row, "outcome": outcome, "facts": asdict(measured) if measured else None}

    def _measured(self, case: Case, is_head: bool) -> tuple[str, Measurements | None]:
        # Once through SimpleITK, as any scan goes.
        job = Job(Options(device="cpu", model=self.model, brain_extracted=not is_head), None)
        job.know(scan_from_image(sitk_from_volume(case.volume)))
        volume = volume_from_sitk(to_canonical(job.scan.image))
        mask = case.mask if case.mask is not None else self._mask(volume, is_head)
        if not mask.any():
            return NO_BRAIN, None
        try:
            registration = job.place(volume, mask, lambda _share: None)
        except RegistrationError:
            return NOT_REGISTERED, None
        if case.move is not None:
            moved = registration.template_to_scan @ np.linalg.inv(case.move)
            registration = Registration(moved, registration.similarity)
        placed = PlacedScan(volume, mask, registration)
        slices = placed.slices(job.template, "cpu")
        raw = job.ensemble.predict(slices, "cpu") if len(slices) else None
        return MEASURED, job.measure(placed, describe_acquisition(volume, None), slices, raw)

    def _mask(self, volume: Volume, is_head: bool) -> np.ndarray:
        if is_head:
            return extract_brain(volume)
        return mask_of_extracted(torch.as_tensor(volume.voxels)).bool().numpy()


class Rows:
    """Rows kept in a file, one JSON object a line: what is there is not measured again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        if path.is_file():
            lines = path.read_text("utf-8").splitlines()
            # The last line of a run that was killed may be cut off.
            self.rows = [json.loads(line) for line in lines if line.endswith("}")]
            path.write_text("".join(json.dumps(row) + "\n" for row in self.rows), "utf-8")

    def has(self, scan: str, fault: str | None) -> bool:
        """Say whether that scan with that fault was measured."""
        return any(row["scan"] == scan and row["fault"] == fault for row in self.rows)

    def add(self, row: dict[str, Any]) -> None:
        """Keep a row."""
        self.rows.append(row)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def measurements_of(row: dict[str, Any]) -> Measurements:
    """Return the measurements that a row holds."""
    facts = dict(row["facts"])
    for name, kind in PARTS.items():
        if facts.get(name) is not None:
            facts[name] = kind(**facts[name])
    facts["members_years"] = tuple(facts["members_years"])
    return Measurements(**facts)


def without_age(measured: Measurements) -> Measurements:
    """Return the measurements as if nobody knew how old the person is."""
    return replace(measured, chronological_age_years=None)
