"""One scan stored, turned, moved and cut in other ways: how far its age moves.

    make study NAME=gate/invariance ARGS="SCAN"

The 48 ways to store its axes are written to files and read again; they must become one and the
same volume, and some of them (``--all``: all) go through the whole pipeline. The head is turned by
15 degrees about each axis and pitched by 30, in the header and by moving its voxels; a 3D scan is
also cut into thick slices at these angles. Slices are packed by JPEG, as some archives keep them.
``moved mm`` is how far registration then puts points of the brain from where they should be: root
mean square, in the scan.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.options import Options
from BrainAgeLib.pipeline import run
from BrainAgeLib.records import Result
from BrainAgeLib.scan.geometry import Volume, apply_affine, to_canonical, volume_from_sitk
from BrainAgeLib.scan.geometry import sitk_from_volume as to_image
from BrainAgeLib.scan.read import read_scan
from BrainAgeLib.template.template import load_template
from BrainAgeLib.whole_file import write_atomically
from Testing.studies.gate._changed_scans import (
    Changed,
    all_orientations,
    moved_and_cut,
    packed_lossily,
    tilted_acquisitions,
    turned_heads,
)
from Testing.studies.gate.registration_error import template_brain_points

MOST_SPREAD_YEARS = 0.1  # between the ways to store one scan
MOST_CHANGE_YEARS = 1.5  # of a head turned by 15 degrees
ORIENTATIONS_TO_RUN = 8
SEED = 48


@dataclass(frozen=True)
class Row:
    """What came of one changed scan."""

    group: str
    name: str
    age_years: float | None
    change_years: float | None
    moved_mm: float | None
    verdict: str
    findings: tuple[str, ...]

    @property
    def missed(self) -> bool:
        """Whether a turn of 15 degrees changes the age by too much."""
        if not self.name.endswith("15"):
            return False
        return self.change_years is None or abs(self.change_years) > MOST_CHANGE_YEARS


def orientations(volume: Volume, options: Options, count: int) -> dict[str, Any]:
    """Return what the ways to store one scan come to."""
    chosen = set(np.random.default_rng(SEED).permutation(48)[:count].tolist())
    different, ages = 0, []
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "scan.nii"
        for number, image in enumerate(all_orientations(volume)):
            sitk.WriteImage(image, str(path))
            read = volume_from_sitk(to_canonical(read_scan(path).image))
            same = np.array_equal(read.voxels, volume.voxels)
            different += not (same and np.allclose(read.affine, volume.affine, atol=1e-3))
            if number in chosen:
                age = run(path, options).prediction.brain_age_years
                ages.append(float("nan") if age is None else age)
                print(f"orientation {number}: {ages[-1]:.3f}", file=sys.stderr)
    return {"different_volumes": different, "run": len(ages), "spread_years": float(np.ptp(ages))}


def place_of_points(result: Result, world: np.ndarray, points: np.ndarray) -> np.ndarray | None:
    """Return where registration puts template points in the scan before it was changed."""
    if result.to_template is None:
        return None
    found = np.array([result.to_template.TransformPoint(point) for point in points.tolist()])
    return apply_affine(np.linalg.inv(world), found)


class Study:
    """Changed scans against the scan that they were made of."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.points = template_brain_points(load_template())
        self.age_years: float | None = None
        self.places: np.ndarray | None = None

    def compare_with(self, result: Result) -> None:
        """Take a result as what the others are compared with."""
        self.age_years = result.prediction.brain_age_years
        self.places = place_of_points(result, np.eye(4), self.points)

    def row(self, changed: Changed) -> Row:
        """Run one changed scan."""
        try:
            result = run(to_image(changed.volume), self.options)
        except BrainAgeError as error:
            return Row(changed.group, changed.name, None, None, None, "error", (error.message,))
        if changed.name == "straight":
            self.compare_with(result)
        age = result.prediction.brain_age_years
        change = None if age is None or self.age_years is None else age - self.age_years
        places = place_of_points(result, changed.world, self.points)
        moved = None
        if places is not None and self.places is not None:
            moved = float(np.sqrt(((places - self.places) ** 2).sum(-1).mean()))
        quality = result.prediction.quality
        codes = tuple(finding.code for finding in quality.findings)
        return Row(changed.group, changed.name, age, change, moved, quality.verdict, codes)


def text_of(row: Row) -> str:
    """Return one line of the table."""
    cells = [
        f"{'-':>9}" if value is None else f"{value:9.2f}"
        for value in (row.age_years, row.change_years, row.moved_mm)
    ]
    end = "  MISSED" if row.missed else ""
    codes = ", ".join(row.findings)
    return f"{row.group:22} {row.name:32} {''.join(cells)} {row.verdict:7}{end} {codes}".rstrip()


def changed_scans(volume: Volume, mask: np.ndarray) -> list[Changed]:
    """Return all changed scans; those after a straight cut are compared with that cut."""
    middle = apply_affine(volume.affine, np.argwhere(mask).mean(0)[::-1])
    return [
        *turned_heads(volume, middle),
        *moved_and_cut(volume, mask),
        *packed_lossily(volume),
        *tilted_acquisitions(volume),
    ]


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scan", metavar="SCAN")
    parser.add_argument("--model", metavar="NAME_OR_FOLDER", help="default: the bundled model")
    parser.add_argument("--device", default="cpu", help="default cpu")
    parser.add_argument("--threads", type=int, help="default all")
    parser.add_argument("--all", action="store_true", help="run all 48 orientations")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser.parse_args()


def main() -> int:
    """Run, print, write; exit 1 when a bar is missed."""
    given = parse()
    options = Options(
        device=given.device, threads=given.threads, model=given.model, saliency=False, force=True
    )
    scan = to_canonical(read_scan(given.scan).image)
    volume, study = volume_from_sitk(scan), Study(options)
    result = run(scan, options)
    if result.brain_mask is None or result.prediction.brain_age_years is None:
        print("there is no brain age to compare with", file=sys.stderr)
        return 1
    study.compare_with(result)
    stored = orientations(volume, options, 48 if given.all else ORIENTATIONS_TO_RUN)
    print(f"as it is: {study.age_years:.2f} years")
    print(
        f"48 orientations: {stored['different_volumes']} become another volume; {stored['run']} "
        f"run, ages within {stored['spread_years']:.4f} years (at most {MOST_SPREAD_YEARS})"
    )
    print(f"{'':55} {'age':>9}{'change':>9}{'moved mm':>9}")
    rows = []
    for changed in changed_scans(volume, sitk.GetArrayFromImage(result.brain_mask) > 0):
        rows.append(study.row(changed))
        print(text_of(rows[-1]), flush=True)
    if given.json:
        text = {"age_years": result.prediction.brain_age_years, "orientations": stored}
        text["changed"] = [asdict(row) for row in rows]
        write_atomically(given.json, (json.dumps(text, indent=1) + "\n").encode())
    good = stored["different_volumes"] == 0 and stored["spread_years"] <= MOST_SPREAD_YEARS
    return 0 if good and not any(row.missed for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
