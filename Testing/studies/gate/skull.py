"""How often a hole in the skull is found where one is, and where none is.

    make study NAME=gate/skull ARGS="FOLDER... --work DIR [--docs FILE]"

Each FOLDER holds whole heads without a hole, 3D T1 scans or slices, and a participants.tsv with
the columns file, participant_id, age and, where some are stripped, skull. 3D scans are cut into
thick slices; holes are simulated. Every scan goes through the whole program: its brain is extracted
and registered anew, with the hole. What is measured is kept in DIR, so that a run that was stopped
goes on. The first heads get holes. Writes Testing/studies/results/skull.json and with ``--docs``
the tables of docs/quality.md.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from BrainAgeLib import pipeline
from BrainAgeLib.case import read
from BrainAgeLib.gate import skull
from BrainAgeLib.gate.evidence import Evidence
from BrainAgeLib.options import Options
from BrainAgeLib.scan.geometry import Volume, sitk_from_volume
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.slices import SliceSet
from BrainAgeLib.training.thick_slices import Protocol, cut_thick_slices
from BrainAgeLib.whole_file import write_atomically, written_atomically
from Testing.studies._pages import FIGURES, table, write_part
from Testing.studies.gate._holes import HOLES, KINDS, SIZES_MM, with_hole
from Testing.studies.gate._one_sided import listed_scans

RESULTS = FIGURES / "skull.json"
MARK = "skull"
SEED = 41
SAME_PERSON = {"sub-ixi04": "sub-ixi1mm01"}  # in two of the folders, by the README of the data
PEOPLE_WITH_HOLES = 4
# Pixels as in routine slices: the training's own are as wide as bone is thick.
PROTOCOLS = {
    "5+1 mm": Protocol(in_plane_mm=0.9, tilt_degrees=(-8.0, 2.0, -3.0)),
    "4+1 mm": Protocol(
        thickness_mm=4.0, in_plane_mm=1.2, tilt_degrees=(-15.0, -4.0, 5.0), phase=0.8
    ),
}
AS_IT_IS = "as it is"
Row = dict[str, Any]


class Bench:
    """Extracts, registers and measures."""

    def __init__(self) -> None:
        self.tools = pipeline.prepare(Options(device="cpu"))

    def placed(self, volume: Volume) -> tuple[PlacedScan, Row]:
        """Return a scan in its place, and what is measured of its skull."""
        case = read(sitk_from_volume(volume), Options())
        case, mask = pipeline.find_brain_in_view(case, self.tools)
        placed = pipeline.place(case, mask, self.tools, lambda _fraction: None)
        none = torch.zeros(0, 1, 1)
        slices = SliceSet(none, none, torch.zeros(0, 3))
        measured = skull.measure(Evidence(placed, self.tools.template, case.acquisition, slices))
        return placed, asdict(measured) if measured else {"difference": None}

    def rows(self, listed: Row, with_holes: bool) -> Iterator[Row]:
        """Yield a person's scans: slices as they are, a 3D scan cut, and that with each hole."""
        head = read(str(listed["path"]), Options())
        person = {"person": listed["person"]}
        if head.acquisition.plane != "3d":
            yield {**person, "cut": AS_IT_IS, **self.placed(head.volume)[1]}
            return
        for name, protocol in PROTOCOLS.items():
            yield {**person, "cut": name, **self.placed(_cut(head.volume, protocol))[1]}
        if not with_holes:
            return
        placed, whole = self.placed(head.volume)
        yield {**person, "cut": AS_IT_IS, **whole}
        for number, (kind, size_mm) in enumerate(HOLES):
            seed = [SEED, number, zlib.crc32(listed["person"].encode())]
            hole = with_hole(placed, kind, size_mm, np.random.default_rng(seed))
            cut = _cut(placed.volume.with_voxels(hole.voxels), PROTOCOLS["5+1 mm"])
            what = {"hole": kind, "size_mm": size_mm, "is_left": hole.place_mm[0] > 0}
            yield {**person, "cut": "5+1 mm", **what, **self.placed(cut)[1]}


def _cut(volume: Volume, protocol: Protocol) -> Volume:
    voxels, affine = cut_thick_slices(torch.as_tensor(volume.voxels), volume.affine, protocol)
    return Volume(voxels.numpy(), affine)


def measure(heads: list[Row], folder: Path, people_with_holes: int) -> list[Row]:
    """Return all rows; what is in the folder is not measured again."""
    bench, rows = Bench(), []
    for turn, listed in enumerate(heads):
        path = folder / f"{listed['path'].name}.json"
        if not path.exists():
            measured = list(bench.rows(listed, turn < people_with_holes))
            with written_atomically(path) as unfinished:
                unfinished.write_text(json.dumps(measured), "utf-8")
            print(listed["path"].name, flush=True)
        rows += json.loads(path.read_text("utf-8"))
    return rows


def summary(rows: list[Row]) -> dict[str, Any]:
    """Return all figures of the study; nothing of single people."""
    judged = [row for row in rows if row["difference"] is not None]
    sound = [row for row in judged if "hole" not in row]
    holes = [row for row in judged if "hole" in row]
    large = [row for row in holes if row["hole"] != "thinned" and row["size_mm"] >= 50.0]
    told = [row for row in holes if _is_told(row)]
    right = [row for row in told if (row["side"] == "left") == row["is_left"]]
    return {
        "limit": skull.MOST_DIFFERENCE,
        "sound": {
            name: _sound([row for row in sound if row["cut"] == name])
            for name in dict.fromkeys(row["cut"] for row in sound)
        },
        "holes": {
            kind: {
                f"{size:.0f}": _found(
                    [r for r in holes if (r["hole"], r["size_mm"]) == (kind, size)]
                )
                for size in SIZES_MM
            }
            for kind in KINDS
        },
        "found of 50 mm and more": _found(large),
        "right side": [len(right), len(told)],
    }


def _is_told(row: Row) -> bool:
    return bool(row["difference"] > skull.MOST_DIFFERENCE)


def _sound(rows: list[Row]) -> Row:
    differences = [row["difference"] for row in rows]
    return {
        "scans": len(rows),
        "people": len({SAME_PERSON.get(row["person"], row["person"]) for row in rows}),
        "warned": sum(map(_is_told, rows)),
        "middle": round(float(np.median(differences)), 3),
        "highest": round(max(differences), 3),
    }


def _found(rows: list[Row]) -> list[int]:
    return [sum(map(_is_told, rows)), len(rows)]


def markdown(figures: dict[str, Any]) -> str:
    """Return the tables."""
    sound = [
        [name, f"{of['scans']} ({of['people']})", str(of["warned"]), f"{of['middle']:.2f}"]
        + [f"{of['highest']:.2f}"]
        for name, of in figures["sound"].items()
    ]
    holes = [
        [kind, *("{} of {}".format(*of) if of[1] else "" for of in by_size.values())]
        for kind, by_size in figures["holes"].items()
    ]
    found, right = figures["found of 50 mm and more"], figures["right side"]
    sizes = [f"{size:.0f} mm" for size in SIZES_MM]
    return "\n".join(
        [
            table(["sound heads", "scans (people)", "warned of", "middle", "highest"], sound),
            "",
            table(["simulated hole, found", *sizes], holes),
            "",
            f"Of filled and sunken holes of 50 mm and more it finds {found[0]} of {found[1]}; the "
            f"side is right in {right[0]} of {right[1]}.",
        ]
    )


def main() -> None:
    """Measure, judge and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--docs", type=Path)
    parser.add_argument("--people", type=int, default=PEOPLE_WITH_HOLES, help="with holes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    listed = [scan for folder in options.folders for scan in listed_scans(folder)]
    heads = [scan for scan in listed if scan["is_head"]]
    figures = summary(measure(heads, options.work, options.people))
    write_atomically(RESULTS, (json.dumps(figures, indent=1) + "\n").encode())
    text = markdown(figures)
    print(text)
    if options.docs:
        write_part(options.docs, MARK, text)


if __name__ == "__main__":
    main()
