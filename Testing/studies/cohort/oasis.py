"""OASIS-1: the gap from one axial slice in CDR 0, 0.5 and 1, beside normalised brain volume.

    make study NAME=cohort/oasis ARGS="FOLDER OUTPUT [--limit N] [--common-level] [--write]"

FOLDER holds participants.tsv (file, participant_id, age, sex, cdr, mmse, nwbv) and the slices of
OASIS-1 (Marcus et al. 2007, doi 10.1162/jocn.2007.19.9.1498): one brain-extracted axial JPG a
person in an atlas space, front up, whose level is not recorded. The mean of all slices tells scale,
shift and pitch to the template; each slice then looks for its own level. The library predicts with
``--in-template-space``, and ``brainage cohort`` compares the groups. Five people are left out since
the shipped model learnt from 3D scans of them. OUTPUT is a folder outside the project: it gets
results.csv and the report. Started again, it goes on with the people who are missing. The group
figures go into docs/oasis.md with ``--write``.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from BrainAgeLib.cohort.cohort_data import Plan
from BrainAgeLib.cohort.page import Report, write_report_folder
from BrainAgeLib.cohort.report import cohort_report, headline
from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.options import Options
from BrainAgeLib.pipeline import run
from BrainAgeLib.records import NOTICE, Prediction
from Testing.studies._pages import PAGES, PROJECT, write_part
from Testing.studies.cohort._oasis_page import raw_errors, sections
from Testing.studies.cohort._slice_place import common_place, own_level, placed_image

COLUMNS = (
    *("path", "id", "session", "group", "age", "sex", "brain_age_years", "interval_low"),
    *("interval_high", "gap_years", "corrected_gap_years", "gap_percentile", "verdict"),
    *("findings", "slice_spacing_mm", "model", "exit_code", "nwbv", "mmse", "level_mm", "weights"),
)
MEASURE, REFERENCE = "nwbv", "CDR 0"
# These have a 3D scan in the shipped model's training.
LEARNT_FROM = ("sub-oas025", "sub-oas091", "sub-oas130", "sub-oas164", "sub-oas172")


@dataclass(frozen=True)
class Person:
    """A row of participants.tsv and its slice (row, column)."""

    row: dict[str, str]
    pixels: np.ndarray


def read_people(folder: Path) -> list[Person]:
    """Return the people of a folder."""
    with (folder / "participants.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return [
        Person(row, np.asarray(Image.open(folder / row["file"]).convert("L"), float))
        for row in rows
    ]


def result_row(person: Person, prediction: Prediction, level_mm: float) -> dict[str, Any]:
    """Return the row of results.csv."""
    low, high = prediction.interval_years or (None, None)
    row = person.row
    return {
        "path": row["file"],
        "id": row["participant_id"],
        "session": "1",
        "group": f"CDR {float(row['cdr']):g}",
        "age": row["age"],
        "sex": row["sex"],
        "brain_age_years": prediction.brain_age_years,
        "interval_low": low,
        "interval_high": high,
        "gap_years": prediction.gap_years,
        "corrected_gap_years": prediction.corrected_gap_years,
        "gap_percentile": prediction.gap_percentile,
        "verdict": prediction.quality.verdict,
        "findings": ";".join(finding.code for finding in prediction.quality.findings),
        "slice_spacing_mm": prediction.acquisition.slice_spacing_mm,
        "model": f"{prediction.model.name} {prediction.model.version}",
        "exit_code": 3 if prediction.brain_age_years is None else 0,
        "nwbv": row["nwbv"],
        "mmse": row["mmse"],
        "level_mm": round(level_mm, 1),
        "weights": prediction.model.sha256,
    }


def predict_people(people: Sequence[Person], table: Path, options: argparse.Namespace) -> None:
    """Append a row for everybody who has none yet."""
    done: set[str] = set()
    if table.is_file():
        with table.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        done = {row["id"] for row in rows}
        if {row["weights"] for row in rows} - {load_ensemble(options.model).record.sha256}:
            raise SystemExit(f"{table} is of other weights: name another OUTPUT")
    # The mean of everybody, whatever the limit: the place must not depend on it.
    common = common_place(np.mean([p.pixels / p.pixels[p.pixels > 0].mean() for p in people], 0))
    print(f"the mean slice lies at {common}")
    with table.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        if not done:
            writer.writeheader()
        for person in chosen(people, options.limit):
            if person.row["participant_id"] in done:
                continue
            place = common if options.common_level else own_level(person.pixels, common)
            sex = person.row["sex"]
            asked = Options(
                age_years=float(person.row["age"]),
                sex="F" if sex == "F" else "M",
                device="cpu",
                threads=options.threads,
                model=options.model,
                in_template_space=True,
                saliency=False,
            )
            result = run(placed_image(person.pixels, place), asked)
            writer.writerow(result_row(person, result.prediction, place.level_mm))
            stream.flush()


def chosen(people: Sequence[Person], limit: int | None) -> list[Person]:
    """Return so many people of each group whom the model has not seen."""
    people = [p for p in people if p.row["participant_id"] not in LEARNT_FROM]
    if limit is None:
        return people
    groups = sorted({person.row["cdr"] for person in people})
    return [p for cdr in groups for p in [q for q in people if q.row["cdr"] == cdr][:limit]]


def markdown(report: Report, table: Path) -> str:
    """Return the group figures for the documentation: no figure of a single person."""
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    refused = sum(row["verdict"] == "refuse" for row in rows)
    levels = np.array([float(row["level_mm"]) for row in rows])
    lines = [
        f"Model {rows[0]['model']}, weights `{rows[0]['weights'][:12]}`; {len(rows)} people, "
        f"{refused} refused by the gate. Level of the slices in the template: {levels.mean():.1f} "
        f"mm, SD {levels.std():.1f} mm.",
        "",
        "## How far raw ages are off",
        "",
        raw_errors(rows),
        "",
        sections(report.estimates, MEASURE),
    ]
    return "\n".join(lines)


def main() -> None:
    """Predict, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--limit", type=int, metavar="N", help="people a group, to try it")
    parser.add_argument("--common-level", action="store_true", help="one level for everybody")
    parser.add_argument("--model", metavar="NAME_OR_FOLDER", help="default: the bundled model")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="into docs/oasis.md")
    options = parser.parse_args()
    output = options.output.resolve()
    if output.is_relative_to(PROJECT):
        parser.error("figures of single people do not go into the project")
    output.mkdir(parents=True, exist_ok=True)
    table = output / "results.csv"
    predict_people(read_people(options.folder), table, options)
    report = cohort_report(table, Plan(REFERENCE, (MEASURE,)))
    files = write_report_folder(report, output / "report")
    print(f"{headline(report)}\n\n{files['report.html']}\n{NOTICE}")
    if options.write:
        write_part(PAGES / "oasis.md", "oasis", markdown(report, table))


if __name__ == "__main__":
    main()
