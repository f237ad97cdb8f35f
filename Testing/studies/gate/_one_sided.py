"""The scans of the study of lesions, sound ones and such with a lesion, and their sides."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from BrainAgeLib import pipeline
from BrainAgeLib.case import read
from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.model.sides import TypicalSides, sides_of
from BrainAgeLib.options import Options
from BrainAgeLib.scan.geometry import Volume, sitk_from_volume, to_canonical, volume_from_sitk
from BrainAgeLib.scan.read import read_scan
from BrainAgeLib.template.scan_maps import TemplateVolume, maps_of_scan, volume_of_slices
from BrainAgeLib.template.slices import SliceSet, TemplateMaps
from BrainAgeLib.template.template import load_template
from BrainAgeLib.training.appearance import EVALUATION
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.simulate import (
    EVALUATION_PROTOCOLS,
    Simulator,
    as_slices,
    tilted,
)
from BrainAgeLib.training.store import maps_file
from BrainAgeLib.training.stored_maps import read_maps
from BrainAgeLib.training.strips import LOOSE, TIGHT
from BrainAgeLib.training.thick_slices import Protocol, cut_thick_slices
from Testing.studies.gate._lesions import LESIONS, site_of

SEED = 41
ROUTINE = "axial 5+1 mm"
HOME, RANDOM = "held-out people", "held-out people, random protocol, contrast and strip"
OTHERS, HEADS = "other scanners, stripped", "other scanners, whole heads"
AGED = 3  # of so many lesions one is predicted: that takes most of the time
Row = dict[str, Any]


def _seed(person: str, number: int) -> list[int]:
    return [SEED, number, zlib.crc32(person.encode())]


def _sides(volume: TemplateVolume) -> Row:
    return {"sides": sides_of(volume).half()}


def judged(row: Row, typical: TypicalSides) -> Row:
    """Return a row with what is said of its sides instead of them."""
    found = typical.most_one_sided(row["sides"])
    told = {"distance": found.distance, "side": found.side, "region": found.region}
    return {name: value for name, value in row.items() if name != "sides"} | told


def sound_at_home(person: Person, run: Path) -> Iterator[Row]:
    """Yield the sides of a person's simulated scans: usual ones and random ones."""
    path = maps_file(run / "work", person)
    covered, sides = read_maps([path], "covered")[0], read_maps([path], "sides")[0]
    protocols = list(EVALUATION_PROTOCOLS)
    for number in torch.nonzero(covered)[:, 0].tolist():
        is_usual = number < len(protocols)
        yield {
            "group": HOME if is_usual else RANDOM,
            "person": person.participant_id,
            "age_years": person.age_years,
            "protocol": protocols[number] if is_usual else "random",
            "sides": sides[number],
        }


class Bench:
    """Says what the program says of scans, with the bundled model."""

    def __init__(self) -> None:
        self.ensemble = load_ensemble()
        self.template = load_template()
        self.maps = TemplateMaps(self.template)
        self.tools = pipeline.prepare(Options(device="cpu"))

    def told(self, slices: SliceSet, with_age: bool = True) -> Row:
        """Return age, novelty and sides."""
        if not with_age:
            return _sides(volume_of_slices(slices))
        maps = maps_of_scan(slices)
        raw = self.ensemble.raw_age(maps, "cpu")
        return {
            "brain_age_years": raw.age_years,
            "novelty": raw.novelty,
            **_sides(volume_of_slices(slices)),
        }

    def planted(self, person: Person, run: Path, turn: int) -> Iterator[Row]:
        """Yield a person's routine scan and the same with lesions; the sizes go by ``turn``.

        The place in the template is that of the sound scan, with an error as thick slices have.
        """
        volume = volume_from_sitk(to_canonical(read_scan(person.path).image))
        known = np.load(run / "work" / "registrations" / f"{person.participant_id}.npy")
        to_template = np.linalg.inv(known)
        simulator = Simulator(volume, to_template, self.maps)
        strip = TIGHT if turn % 3 == 0 else LOOSE
        protocol = tilted(EVALUATION_PROTOCOLS[ROUTINE], _seed(person.participant_id, 0))
        one = {"person": person.participant_id, "age_years": person.age_years}
        seed = _seed(person.participant_id, 1)

        def told(with_age: bool) -> Row:
            scan = simulator.simulate(protocol, EVALUATION, seed, strip)
            return self.told(as_slices(scan, "cpu"), with_age)

        sound = told(with_age=True)
        for number, lesion in enumerate(LESIONS):
            size = lesion.sizes[(turn + number) % len(lesion.sizes)]
            site = site_of(
                volume, volume.voxels > 0, to_template, _seed(person.participant_id, number + 2)
            )
            simulator.volume = lesion.make(site, size)
            changed = (simulator.volume - site.voxels).abs() > 0.1 * site.white
            middle = site.points_mm[changed].mean(0) if changed.any() else site.points_mm[0, 0, 0]
            yield {
                **one,
                "group": HOME,
                "lesion": lesion.kind,
                "size": size,
                "is_left": bool(middle[0] > 0),
                "sound_years": sound["brain_age_years"],
                **told(with_age=(number + turn) % AGED == 0),
            }

    def stripped(self, listed: Row) -> Iterator[Row]:
        """Yield what is said of a stripped scan of another scanner, registered anew."""
        brain = volume_from_sitk(to_canonical(read_scan(listed["path"]).image))
        scan = _cut(brain, listed["person"])
        case = read(sitk_from_volume(scan), Options())
        placed = pipeline.place(case, case.volume.voxels > 0, self.tools, lambda _fraction: None)
        slices = placed.slices(self.template, "cpu")
        sides = _sides(volume_of_slices(slices))
        yield {"group": OTHERS, **_named(listed), "protocol": ROUTINE, **sides}

    def head(self, listed: Row, turn: int) -> Iterator[Row]:
        """Yield a whole head cut thick, and the same with a lesion, through the whole program."""
        head = read(str(listed["path"]), Options())
        brain = pipeline.find_brain(head, self.tools)
        placed = pipeline.place(head, brain, self.tools, lambda _fraction: None)
        sound = self._through(_cut(head.volume, listed["person"]))
        yield {"group": HEADS, **_named(listed), "protocol": ROUTINE, **sound}
        lesion = LESIONS[turn % len(LESIONS)]
        size = lesion.sizes[-1 - turn % 2]
        seed = _seed(listed["person"], turn)
        site = site_of(head.volume, brain, placed.registration.scan_to_template, seed)
        with_it = head.volume.with_voxels(lesion.make(site, size).numpy())
        yield {
            "group": HEADS,
            **_named(listed),
            "lesion": lesion.kind,
            "size": size,
            "sound_years": sound["brain_age_years"],
            **self._through(_cut(with_it, listed["person"])),
        }

    def _through(self, scan: Volume) -> Row:
        case = read(sitk_from_volume(scan), Options())
        case, mask = pipeline.find_brain_in_view(case, self.tools)
        placed = pipeline.place(case, mask, self.tools, lambda _fraction: None)
        answer = pipeline.answer_of(case, placed, self.tools)
        codes = [finding.code for finding in answer.findings if finding.severity != "note"]
        return {**self.told(placed.slices(self.template, "cpu")), "codes": [str(c) for c in codes]}


def _cut(volume: Volume, person: str) -> Volume:
    protocol = tilted(EVALUATION_PROTOCOLS[ROUTINE], _seed(person, 0)) or Protocol()
    voxels, affine = cut_thick_slices(torch.as_tensor(volume.voxels), volume.affine, protocol)
    return Volume(voxels.numpy(), affine)


def _named(listed: Row) -> Row:
    return {name: listed[name] for name in ("person", "age_years")}


def listed_scans(folder: Path) -> Iterator[Row]:
    """Yield the scans that a folder's participants.tsv names, one a person and skull."""
    seen = set()
    with (folder / "participants.tsv").open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines, delimiter="\t"):
            is_head = not line.get("skull", "").startswith("stripped")
            key = (line["participant_id"], is_head)
            if key not in seen and line["file"].endswith((".nii", ".nii.gz")):
                seen.add(key)
                yield {
                    "path": folder / line["file"],
                    "person": line["participant_id"],
                    "age_years": float(line["age"]),
                    "is_head": is_head,
                }
