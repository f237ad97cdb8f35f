"""What the gate would measure on one scan, sound or faulty."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from BrainAgeLib import pipeline
from BrainAgeLib.case import read
from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.options import Options
from BrainAgeLib.scan.brain_extraction import extract_brain, mask_of_extracted
from BrainAgeLib.scan.geometry import (
    Volume,
    sitk_from_volume,
)
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import Registration
from BrainAgeLib.template.search import RegistrationError
from Testing.studies.gate._case import Case
from Testing.studies.gate._faults import Fault
from Testing.studies.gate._sources import Source

MEASURED, NO_BRAIN, NOT_REGISTERED, UNREADABLE = "measured", "no brain", "not registered", "error"


class Bench:
    """Measures scans as the program does, without saliency and output.

    ``masks``: a folder for brain masks of heads. They are looked up there only for scans whose
    place is known, which are those that the present code made.
    """

    def __init__(self, model: str | None, masks: Path) -> None:
        self.model = model
        self.masks = masks
        masks.mkdir(parents=True, exist_ok=True)

    def sound_case(self, source: Source, is_known: bool) -> Case:
        """Return the scan without a fault, its brain found."""
        volume = source.load()
        mask = self._mask(volume, source, None, is_known)
        inside = volume.voxels[mask]
        white = float(np.quantile(inside, 0.9)) if inside.size else 1.0
        return Case(volume, white, mask)

    def row(
        self, source: Source, case: Case, fault: Fault | None, place: list[float] | None
    ) -> dict[str, Any]:
        """Return what comes of a scan with a fault, or without one.

        ``place``: the 16 numbers of the affine from template to scan, row by row, and the
        similarity, where a run before this one found them.
        """
        row: dict[str, Any] = {
            "scan": source.name,
            "person": source.person,
            "kind": source.kind,
            "is_cut": source.is_head and source.protocol is not None,
            "fault": fault.name if fault else None,
            "outcome": UNREADABLE,
            "place": None,
        }
        start = time.process_time()
        try:
            row |= self._measured(source, fault.make(case) if fault else case, fault, place)
        except BrainAgeError as error:
            row["message"] = error.message
        return {**row, "seconds": round(time.process_time() - start, 2)}

    def _measured(
        self, source: Source, case: Case, fault: Fault | None, place: list[float] | None
    ) -> dict[str, Any]:
        # Once through SimpleITK, as any scan goes.
        options = Options(device="cpu", model=self.model, brain_extracted=not source.is_head)
        tools = pipeline.prepare(options)
        scan = read(sitk_from_volume(case.volume), options)
        mask = case.mask
        if mask is None:
            mask = self._mask(scan.volume, source, fault, place is not None)
        if not mask.any():
            return {"outcome": NO_BRAIN}
        try:
            found = _registration(
                place,
                lambda: pipeline.place(scan, mask, tools, lambda _fraction: None).registration,
            )
        except RegistrationError:
            return {"outcome": NOT_REGISTERED}
        registration = found
        if case.move is not None:
            moved = found.template_to_scan @ np.linalg.inv(case.move)
            registration = Registration(moved, found.similarity)
        placed = PlacedScan(scan.volume, mask, registration)
        measured = pipeline.answer_of(scan, placed, tools).measured or {}
        facts = {
            name: asdict(record) if record is not None else None
            for name, record in measured.items()
        }
        numbers = [*found.template_to_scan.ravel().tolist(), found.similarity]
        return {"outcome": MEASURED, "facts": facts, "place": numbers}

    def _mask(
        self, volume: Volume, source: Source, fault: Fault | None, is_known: bool
    ) -> np.ndarray:
        if not source.is_head:
            return mask_of_extracted(torch.as_tensor(volume.voxels)).bool().numpy()
        name = f"{source.name} {fault.name if fault else ''}"
        path = self.masks / f"{zlib.crc32(name.encode()):08x}.npy"
        if is_known and path.is_file():
            bits = np.unpackbits(np.load(path), count=volume.voxels.size)
            return bits.reshape(volume.voxels.shape).astype(bool)
        mask = extract_brain(volume)
        np.save(path, np.packbits(mask))
        return mask


def _registration(place: list[float] | None, find: Callable[[], Registration]) -> Registration:
    if place is None:
        return find()
    return Registration(np.array(place[:16]).reshape(4, 4), place[16])
