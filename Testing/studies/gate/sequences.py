"""Which sequence the gate tells by the picture: real scans, and scans simulated from tissue labels.

    make study NAME=gate/sequences ARGS="--work FILE [--data BIDS --labels FOLDER] [SCAN...]"

Each SCAN is a NIfTI file whose name ends with what it is, as in BIDS: ``_T1w``, ``_T2w``,
``_FLAIR``, ``_PDw``, with ``ce-`` before that after a contrast agent and ``desc-brain`` where it
has no skull. FOLDER holds the tissue labels of the people of BIDS, ``sub-*_dseg.nii.gz``: 1 fluid,
2 grey, 3 white matter. Of ``--people`` of them each sequence is simulated once as thick axial
slices with a random tilt, seen with an everyday error of registration; held-out people are left
out. Every row is kept in FILE, so that a run goes on where it stopped. ``--write`` puts the table
into docs/quality.md and the figures into Testing/studies/results/gate_sequences.json.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from BrainAgeLib import pipeline
from BrainAgeLib.case import read
from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.gate import contrast
from BrainAgeLib.gate.evidence import Evidence
from BrainAgeLib.gate.sequence import read_as, told
from BrainAgeLib.options import Options
from BrainAgeLib.records import SequenceTags
from BrainAgeLib.scan.geometry import (
    Volume,
    describe_acquisition,
    to_canonical,
    volume_from_sitk,
)
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import Registration, register_to_template
from BrainAgeLib.template.sequences import READ
from BrainAgeLib.template.template import load_template
from BrainAgeLib.training.appearance import registration_error
from BrainAgeLib.training.people import is_held_out, read_people
from BrainAgeLib.training.sequences import RANGES, simulate
from BrainAgeLib.training.simulate import EVALUATION_PROTOCOLS, tilted
from BrainAgeLib.training.tissue_parts import cut_parts, parts_of
from BrainAgeLib.whole_file import write_atomically
from Testing.studies._pages import FIGURES, PAGES, table, write_part

PROTOCOLS = ("axial 5+1 mm", "axial 7+2 mm", "axial 3+0 mm")
MEASURES = ("grey_to_white", "csf_to_white", "bright_white_log_odds", "bright_fraction")
SEED = 19


def measured(placed: PlacedScan) -> dict[str, Any]:
    """Return what is told of a scan in its place, and by what.

    It is read as by a model that knows all sequences that any can.
    """
    template = load_template()
    sequence = read_as(contrast.look(placed, template, SequenceTags()), None, READ)
    evidence = Evidence(
        placed,
        template,
        describe_acquisition(placed.volume, None),
        placed.slices(template, "cpu", sequence),
        sequence=sequence,
    )
    seen = contrast.measure(evidence)
    refused = any(each.severity == "refuse" for each in contrast.FAMILY.judge(seen))
    return {"told": told(seen), "refused": refused, **{m: getattr(seen, m) for m in MEASURES}}


def real(path: Path) -> dict[str, Any]:
    """Return the row of a real scan. Raises BrainAgeError."""
    suffix = path.name.split(".")[0].rsplit("_", 1)[-1]
    shown = "T1w after contrast" if suffix == "T1w" and "_ce-" in path.name else suffix
    options = Options(device="cpu", brain_extracted="desc-brain" in path.name)
    tools, case = pipeline.prepare(options), read(path, options)
    case, mask = pipeline.find_brain_in_view(case, tools)
    placed = pipeline.place(case, mask, tools, lambda _fraction: None)
    return {"source": "real", "shown": shown, **measured(placed)}


def labels_of(folder: Path, participant_id: str) -> np.ndarray | None:
    """Return the labels (k, j, i) of a person, in canonical axes, if there are any."""
    path = next(iter(folder.rglob(f"{participant_id}*_dseg.nii.gz")), None)
    if path is None:
        return None
    image = to_canonical(sitk.ReadImage(str(path), sitk.sitkUInt8))
    return np.asarray(sitk.GetArrayFromImage(image))


def simulated(brain: Volume, labels: np.ndarray, number: int) -> Iterator[dict[str, Any]]:
    """Yield the row of each sequence of one person."""
    parts = parts_of(brain, labels)
    scan_to_template = register_to_template(brain, load_template()).scan_to_template
    protocol = tilted(EVALUATION_PROTOCOLS[PROTOCOLS[number % 3]], [SEED, number])
    assert protocol is not None  # only the 3D volume has none
    cut, affine = cut_parts(parts, brain.affine, protocol)
    for sequence in RANGES:
        generator = np.random.default_rng([SEED, number, zlib.crc32(sequence.encode())])
        image, mask = simulate(cut, sequence, generator)
        place = np.linalg.inv(registration_error(generator) @ scan_to_template)
        placed = PlacedScan(
            Volume(image.numpy(), affine), mask.bool().numpy(), Registration(place, 1.0)
        )
        yield {"source": "simulated", "shown": sequence, **measured(placed)}


def rows_of(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return all rows; those of earlier runs are not made again."""
    rows = []
    if options.work.exists():
        rows = [json.loads(line) for line in options.work.read_text("utf-8").splitlines()]
    done = {row["scan"] for row in rows}

    def keep(scan: str, row: dict[str, Any]) -> None:
        rows.append({"scan": scan, **row})
        with options.work.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(rows[-1]) + "\n")

    for path in options.scans:
        if path.name not in done:
            try:
                keep(path.name, real(path))
            except BrainAgeError as error:
                print(f"{path.name}: {error}")
    everyone = read_people(options.data) if options.data else []
    open_people = [person for person in everyone if not is_held_out(person.participant_id)]
    order = np.random.default_rng(SEED).permutation(len(open_people))[: options.people]
    for number, person in enumerate(open_people[n] for n in order):
        labels = labels_of(options.labels, person.participant_id)
        if labels is None or f"{person.participant_id} FLAIR" in done:
            continue
        image = to_canonical(sitk.ReadImage(str(person.path), sitk.sitkFloat32))
        for row in list(simulated(volume_from_sitk(image), labels, number)):
            keep(f"{person.participant_id} {row['shown']}", row)
        print(f"{number + 1} people", flush=True)
    return rows


def figures_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a summary of each source and sequence: counts, and lowest, middle, highest values."""
    result = []
    for source, shown in sorted({(row["source"], row["shown"]) for row in rows}):
        those = [row for row in rows if (row["source"], row["shown"]) == (source, shown)]
        one = {"source": source, "shown": shown, "scans": len(those)}
        one["told"] = dict(Counter(str(row["told"]) for row in those).most_common())
        one["refused"] = sum(row["refused"] for row in those)
        for measure in MEASURES:
            known = [row[measure] for row in those if row[measure] is not None]
            values = np.quantile(known, [0, 0.05, 0.5, 0.95, 1]) if known else []
            one[measure] = [round(float(value), 4) for value in values]
        result.append(one)
    return result


def markdown(figures: list[dict[str, Any]]) -> str:
    """Return the table."""
    head = ["scans", "number", "told as", "refused", "grey / white", "fluid / white"]
    head += ["brightest is white, log odds", "far brighter than white, %"]
    lines = []
    for one in figures:
        told = ", ".join(f"{name} {count}" for name, count in one["told"].items())
        spans = [
            " / ".join(
                f"{(100 if m == 'bright_fraction' else 1) * one[m][n]:.2f}" for n in (0, 2, 4)
            )
            for m in MEASURES
        ]
        lines.append(
            [
                f"{one['source']} {one['shown']}",
                str(one["scans"]),
                told,
                str(one["refused"]),
                *spans,
            ]
        )
    return "Lowest / middle / highest.\n\n" + table(head, lines)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", nargs="*", type=Path, metavar="SCAN")
    parser.add_argument("--work", type=Path, required=True, metavar="FILE")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if (options.data is None) != (options.labels is None):
        parser.error("--data and --labels go together")
    figures = figures_of(rows_of(options))
    text = markdown(figures)
    print(text)
    if options.write:
        write_part(PAGES / "quality.md", "gate sequences", text)
        path = FIGURES / "gate_sequences.json"
        write_atomically(path, (json.dumps(figures, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
