"""The whole pipeline on folders of real scans: ages, masks, verdicts.

    make study NAME=gate/real_scans ARGS="FOLDER... [--contact-sheet DIR]"

Each FOLDER holds NIfTI files and a participants.tsv with the columns file, participant_id, age (in
years) and sex. A scan that the gate refuses is predicted all the same and shown as refused. The
contact sheets are pictures of people: they are for the eye and never go into the project.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import SimpleITK as sitk
from PIL import Image

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.options import Options
from BrainAgeLib.pipeline import run
from BrainAgeLib.records import Pictures, Result, Sex, SlicePicture
from BrainAgeLib.report.pictures import outlined
from BrainAgeLib.whole_file import write_atomically
from Testing.studies._pages import PROJECT

SIDE_PX = 220
COLUMNS = 8

LEAST_MASK_ML, MOST_MASK_ML = 1000.0, 1900.0
MOST_GAP_YEARS = 15.0  # more means that something is wrong
MOST_RETEST_YEARS = 4.0  # between two scans of one person within months


@dataclass(frozen=True)
class ListedScan:
    """One row of participants.tsv."""

    path: Path
    participant_id: str
    age_years: float | None
    sex: Sex | None


@dataclass(frozen=True)
class Row:
    """What came of one scan."""

    file: str
    participant_id: str
    age_years: float | None
    brain_age_years: float | None
    interval_years: tuple[float, float] | None
    gap_years: float | None
    inside_interval: bool | None
    mask_ml: float
    verdict: str
    findings: tuple[str, ...]
    seconds: float | None


def listed_scans(folder: Path) -> list[ListedScan]:
    """Return the scans that a folder's participants.tsv names."""
    with (folder / "participants.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return [
        ListedScan(
            folder / row["file"],
            row.get("participant_id", ""),
            _number(row.get("age", "")),
            _sex(row.get("sex", "")),
        )
        for row in rows
    ]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _sex(text: str) -> Sex | None:
    return "F" if text == "F" else "M" if text == "M" else None


def row_of(scan: ListedScan, result: Result) -> Row:
    """Return the row of the table for one result."""
    prediction = result.prediction
    interval, age = prediction.interval_years, scan.age_years
    inside = None
    if interval is not None and age is not None:
        inside = interval[0] <= age <= interval[1]
    return Row(
        scan.path.name,
        scan.participant_id,
        age,
        prediction.brain_age_years,
        interval,
        prediction.gap_years,
        inside,
        mask_volume_ml(result.brain_mask),
        prediction.quality.verdict,
        tuple(finding.code for finding in prediction.quality.findings),
        prediction.timings_seconds.total,
    )


def mask_volume_ml(mask: sitk.Image | None) -> float:
    """Return the volume of a mask in millilitres; 0 without one."""
    if mask is None:
        return 0.0
    x, y, z = mask.GetSpacing()
    return float(sitk.GetArrayViewFromImage(mask).sum()) * x * y * z / 1000.0


def text_of(row: Row) -> str:
    """Return one line of the table."""
    low, high = row.interval_years or (None, None)
    inside = {True: "yes", False: "no", None: "-"}[row.inside_interval]
    return (
        f"{row.file:32} {_one(row.age_years)} {_one(row.brain_age_years)} {_one(low)} "
        f"{_one(high)} {_one(row.gap_years)} {inside:>6} {row.mask_ml:7.0f} {row.verdict:7} "
        f"{_one(row.seconds)}  {', '.join(row.findings)}".rstrip()
    )


def _one(value: float | None) -> str:
    return f"{'-':>6}" if value is None else f"{value:6.1f}"


def complaints(rows: Sequence[Row]) -> list[str]:
    """Return what is not as it should be."""
    found = []
    for row in rows:
        if row.verdict == "refuse" or row.brain_age_years is None:
            found.append(f"{row.file}: refused")
        if row.gap_years is not None and abs(row.gap_years) > MOST_GAP_YEARS:
            found.append(f"{row.file}: a gap of {row.gap_years:.1f} years")
        if not LEAST_MASK_ML <= row.mask_ml <= MOST_MASK_ML:
            found.append(f"{row.file}: a brain of {row.mask_ml:.0f} ml")
    for name in dict.fromkeys(row.participant_id for row in rows):
        ages = [row.brain_age_years for row in rows if row.participant_id == name]
        known = [age for age in ages if age is not None]
        if len(known) > 1 and max(known) - min(known) > MOST_RETEST_YEARS:
            found.append(f"{name}: ages {max(known) - min(known):.1f} years apart")
    return found


def write_contact_sheet(pictures: Pictures, path: Path) -> None:
    """Write all slices with the brain's outline, then registered slices above the template's."""
    rows = [
        pictures.input_slices[start : start + COLUMNS]
        for start in range(0, len(pictures.input_slices), COLUMNS)
    ]
    rows += [pictures.registered_slices, pictures.template_slices]
    sheet = Image.new("RGB", (COLUMNS * SIDE_PX, len(rows) * SIDE_PX))
    for number, row in enumerate(rows):
        for column, picture in enumerate(row):
            sheet.paste(_drawn(picture), (column * SIDE_PX, number * SIDE_PX))
    sheet.save(path)


def _drawn(picture: SlicePicture) -> Image.Image:
    return outlined(picture, picture.mask, SIDE_PX).convert("RGB")


def outside_the_project(text: str) -> Path:
    """Return a folder for pictures; refuse one inside the project."""
    folder = Path(text).resolve()
    if folder.is_relative_to(PROJECT):
        raise argparse.ArgumentTypeError("pictures of people do not go into the project")
    return folder


def study(scans: Sequence[ListedScan], options: argparse.Namespace) -> list[Row]:
    """Run the pipeline on every scan and print a line for each."""
    rows = []
    for scan in scans:
        chosen = Options(
            age_years=scan.age_years,
            sex=scan.sex,
            device=options.device,
            threads=options.threads,
            model=options.model,
            saliency=False,
            force=True,
        )
        try:
            result = run(scan.path, chosen)
        except BrainAgeError as error:
            print(f"{scan.path.name:32} {error}", flush=True)
            continue
        rows.append(row_of(scan, result))
        print(text_of(rows[-1]), flush=True)
        if options.contact_sheet:
            name = f"{scan.path.name.partition('.')[0]}.png"
            write_contact_sheet(result.pictures, options.contact_sheet / name)
    return rows


def main() -> int:
    """Run, print, write; exit 1 when something is not as it should be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--model", metavar="NAME_OR_FOLDER", help="default: the bundled model")
    parser.add_argument("--device", default="cpu", help="default cpu")
    parser.add_argument("--threads", type=int, help="default all")
    parser.add_argument("--contact-sheet", type=outside_the_project, metavar="DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    options = parser.parse_args()
    if options.contact_sheet:
        options.contact_sheet.mkdir(parents=True, exist_ok=True)
    scans = [scan for folder in options.folders for scan in listed_scans(folder)]
    print(
        f"{'file':32} {'age':>6} {'brain':>6} {'low':>6} {'high':>6} {'gap':>6} {'inside':>6} "
        f"{'mask ml':>7} {'verdict':7} {'s':>6}  findings"
    )
    rows = study(scans, options)
    found = complaints(rows)
    if len(rows) < len(scans):
        found.append(f"{len(scans) - len(rows)} scans could not be read")
    print("\n" + ("\n".join(found) or "all as it should be"))
    if options.json:
        text = json.dumps([asdict(row) for row in rows], indent=1)
        write_atomically(options.json, (text + "\n").encode())
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
