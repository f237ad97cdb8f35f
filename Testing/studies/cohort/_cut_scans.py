"""A list of thick-slice scans cut from people's 3D scans, some of them broken on purpose."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from BrainAgeLib.scan.geometry import Volume, sitk_from_volume, to_canonical, volume_from_sitk
from BrainAgeLib.training.people import Person, read_people
from BrainAgeLib.training.thick_slices import Protocol, cut_thick_slices
from BrainAgeLib.whole_file import written_atomically

ONE_BROKEN_IN = 8
PROTOCOLS = ((3.0, 0.0), (5.0, 1.0), (7.0, 2.0))


def write_scans(data: Path, folder: Path, count: int) -> Path:
    """Write ``count`` scans and the list that names them; return the list.

    ``data``: a BIDS dataset of brain-extracted 3D scans. More scans than people are cut from the
    same people in other ways. What is there is not written again.
    """
    table = folder / "scans.csv"
    if table.is_file():
        return table
    folder.mkdir(parents=True, exist_ok=True)
    people = read_people(data)
    generator = np.random.default_rng(0)
    lines = [["path", "id", "age", "sex", "session", "thickness"]]
    for number in range(count):
        person = people[number % len(people)]
        thickness, gap = PROTOCOLS[number % len(PROTOCOLS)]
        tilts = generator.normal(0, (8.0, 3.0, 3.0)).tolist()
        protocol = Protocol(
            thickness_mm=thickness, gap_mm=gap, tilt_degrees=tuple(tilts), phase=generator.random()
        )
        path = folder / f"scan-{number:04}.nii.gz"
        _cut(person, protocol, path, generator)
        if number % ONE_BROKEN_IN == ONE_BROKEN_IN - 1:
            way = WAYS_TO_BREAK[number // ONE_BROKEN_IN % len(WAYS_TO_BREAK)]
            way(path)
        age = f"{person.age_years:g}"
        session = f"cut-{number // len(people)}"
        lines.append([path.name, person.participant_id, age, person.sex, session, f"{thickness:g}"])
    with written_atomically(table) as unfinished, unfinished.open("w", newline="") as stream:
        csv.writer(stream).writerows(lines)
    return table


def _cut(person: Person, protocol: Protocol, path: Path, generator: np.random.Generator) -> None:
    head = volume_from_sitk(to_canonical(sitk.ReadImage(str(person.path))))
    scan, affine = cut_thick_slices(torch.from_numpy(head.voxels), head.affine, protocol)
    clean = scan.numpy()
    noise = generator.normal(0, 0.02 * float(clean.max()), (2, *clean.shape))
    values = np.where(clean > 0, np.hypot(clean + noise[0], noise[1]), 0.0).astype(np.float32)
    sitk.WriteImage(sitk_from_volume(Volume(values, affine)), str(path))


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _remove(path: Path) -> None:
    path.unlink()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _noise(path: Path) -> None:
    image = sitk.ReadImage(str(path))
    shape = sitk.GetArrayFromImage(image).shape
    voxels = np.random.default_rng(1).uniform(0, 100, shape).astype(np.float32)
    made = sitk.GetImageFromArray(voxels)
    made.CopyInformation(image)
    sitk.WriteImage(made, str(path))


def _few_slices(path: Path) -> None:
    image = sitk.ReadImage(str(path))
    middle = image.GetSize()[2] // 2
    sitk.WriteImage(image[:, :, middle : middle + 4], str(path))


def _two_volumes(path: Path) -> None:
    image = sitk.ReadImage(str(path))
    sitk.WriteImage(sitk.JoinSeries(image, image), str(path))


WAYS_TO_BREAK: tuple[Callable[[Path], None], ...] = (
    _cut_off,
    _noise,
    _remove,
    _few_slices,
    _empty,
    _two_volumes,
)
