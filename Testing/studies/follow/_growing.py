"""People whose brains grow older by a known number of brain years, scanned again and again."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

import BrainAgeLib
from BrainAgeLib.records import ModelRecord
from BrainAgeLib.scan.geometry import Volume, sitk_from_volume, to_canonical, volume_from_sitk
from BrainAgeLib.template.registration import register_to_template
from BrainAgeLib.template.template import load_template
from BrainAgeLib.training.thick_slices import Protocol, cut_thick_slices
from Testing.studies.saliency._enlarged_ventricles import enlarge

GROWTHS_YEARS = (0.0, 2.0, 5.0)
CUTS = {0.0: 4, 2.0: 2, 5.0: 2}  # scans of each; those of no growth are the first scans of all
PAIRS = {0.0: ((0, 1), (2, 3)), 2.0: ((0, 0), (1, 1)), 5.0: ((2, 0), (3, 1))}  # first, later
LARGEST_TILT_DEGREES = 15.0
NOISE = 0.02  # of the brightest tissue
PIXEL_MM = 2.0  # of the brains and of their scans, as in the figure for re-slicing
LARGEST_WALL_MM = 4.0  # of the ventricles' walls; who does not grow enough by it is left out
TRIED_WALLS_MM = (0.0, 0.4, 0.8, 1.4, 2.2, 3.0, LARGEST_WALL_MM)
ROUTINE = Protocol(in_plane_mm=PIXEL_MM)


@dataclass(frozen=True)
class Row:
    """One scan of one person; years. ``wall_mm``: how far the ventricles' walls were moved.

    ``model`` and ``sha256``: of the whole model, whose member spoke.
    """

    person: str
    growth_years: float
    cut: int
    wall_mm: float
    brain_age_years: float
    model: str
    sha256: str


@dataclass(frozen=True)
class Unseen:
    """A person's brain, extracted and in 3D, and the folder of the member that has not seen it."""

    name: str
    path: Path
    member: Path


def scans_of(person: Unseen, model: ModelRecord) -> Iterator[Row]:
    """Yield every scan of a person by the model's member; of a growth that no wall reaches, none.

    The warp of a growth is the one by which the very same routine scan, same cut and no noise,
    comes out older by so much: what the other cuts say of it is then their own error.
    """
    name, member = person.name, str(person.member)
    brain = _in_coarse_voxels(sitk.ReadImage(str(person.path), sitk.sitkFloat32))
    placed = register_to_template(brain, load_template(), lambda _fraction: None)
    to_scan = np.linalg.inv(placed.scan_to_template)
    grown: list[float] = []
    for wall_mm in TRIED_WALLS_MM:
        grown.append(_age(_scanned(enlarge(brain, to_scan, wall_mm), ROUTINE, None), member))
        if grown[-1] - grown[0] > GROWTHS_YEARS[-1]:
            break
    walls = [_wall_for(growth, np.array(grown) - grown[0]) for growth in GROWTHS_YEARS]
    for growth, wall in zip(GROWTHS_YEARS, walls, strict=True):
        if wall is None:
            continue
        older = enlarge(brain, to_scan, wall) if wall else brain
        for cut in range(CUTS[growth]):
            generator = np.random.default_rng([cut, int(growth), zlib.crc32(name.encode())])
            age = _age(_scanned(older, _drawn(generator), generator), member)
            numbers = round(wall, 3), round(age, 3)
            yield Row(name, growth, cut, *numbers, name_of(model), model.sha256)


def _in_coarse_voxels(image: sitk.Image) -> Volume:
    factors = [max(1, round(PIXEL_MM / spacing)) for spacing in image.GetSpacing()]
    return volume_from_sitk(to_canonical(sitk.BinShrink(image, factors)))


def _wall_for(growth_years: float, grown_years: np.ndarray) -> float | None:
    """Return the first wall at which the growth is reached, or None when it never is."""
    above = np.flatnonzero(grown_years >= growth_years)
    if not len(above):
        return None
    after = int(above[0])
    if after == 0:
        return 0.0
    ends, walls = grown_years[after - 1 : after + 1], TRIED_WALLS_MM[after - 1 : after + 1]
    return float(np.interp(growth_years, ends, walls))


def _drawn(generator: np.random.Generator) -> Protocol:
    thickness_mm = float(generator.uniform(3.0, 7.0))
    x, y, z = generator.uniform(-LARGEST_TILT_DEGREES, LARGEST_TILT_DEGREES, 3)
    return Protocol(
        thickness_mm=thickness_mm,
        gap_mm=thickness_mm * float(generator.uniform(0.0, 0.2)),
        in_plane_mm=PIXEL_MM,
        tilt_degrees=(float(x), float(y), float(z)),
        phase=float(generator.random()),
    )


def _scanned(brain: Volume, protocol: Protocol, noise: np.random.Generator | None) -> sitk.Image:
    source = torch.as_tensor(brain.voxels, dtype=torch.float32)
    slices, affine = cut_thick_slices(source, brain.affine, protocol)
    voxels = slices.numpy()
    if noise is not None:
        level = NOISE * float(np.quantile(voxels[voxels > 0], 0.9))
        added = noise.normal(0, level, (2, *voxels.shape))
        voxels = np.where(voxels > 0, np.hypot(voxels + added[0], added[1]), 0)
    return sitk_from_volume(Volume(voxels.astype(np.float32), affine))


def _age(image: sitk.Image, member: str) -> float:
    """Return the age of a scan by the whole way that users go."""
    record = BrainAgeLib.predict(
        image, brain_extracted=True, saliency=False, force=True, model=member
    )
    if record.brain_age_years is None:
        raise SystemExit("a simulated scan has no age")
    return record.brain_age_years


def name_of(model: ModelRecord) -> str:
    """Return the name that rows and the page have of a model."""
    return f"{model.name} {model.version}"


def read_rows(path: Path, model: ModelRecord) -> list[Row]:
    """Return the rows of an earlier run; [] when there was none.

    Raises SystemExit for the rows of another model, or of none that they name.
    """
    if not path.is_file():
        return []
    kinds = {
        entry.name: {"float": float, "int": int, "str": str}[entry.type] for entry in fields(Row)
    }
    with path.open(encoding="utf-8", newline="") as stream:
        lines = csv.DictReader(stream)
        if list(lines.fieldnames or kinds) != list(kinds):
            raise SystemExit(
                f"{path} does not say which model made it: it has other columns than "
                f"{', '.join(kinds)}; give another --work"
            )
        rows = [Row(**{name: kinds[name](text) for name, text in line.items()}) for line in lines]
    for row in rows:
        if (row.model, row.sha256) != (name_of(model), model.sha256):
            raise SystemExit(
                f"{path} holds ages by {row.model} (sha256 {row.sha256[:12]}), not by "
                f"{name_of(model)} (sha256 {model.sha256[:12]}): give another --work"
            )
    return rows


def scan_everybody(people: Sequence[Unseen], table: Path, model: ModelRecord) -> list[Row]:
    """Return the rows of these people, each by a member of the model.

    Those that stand in ``table`` already are not repeated; it must be of the same model.
    """
    rows = read_rows(table, model)
    done = {row.person for row in rows}
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [entry.name for entry in fields(Row)])
        if not rows:
            writer.writeheader()
        for number, person in enumerate(people, start=1):
            if person.name in done:
                continue
            of_person = list(scans_of(person, model))
            writer.writerows(asdict(row) for row in of_person)
            stream.flush()
            rows += of_person
            print(f"{number} of {len(people)}: {len(of_person)} scans", flush=True)
    names = {person.name for person in people}
    return [row for row in rows if row.person in names]
