"""How often the gate is wrong: sound scans that it refuses, and faulty ones that it lets pass.

    python Testing/studies/gate_limits.py DATA --heads FOLDER... --work DIR --json FILE --docs FILE

DATA is a BIDS dataset of brain-extracted 3D T1 scans of healthy people; each FOLDER holds scans of
whole heads and a participants.tsv with a column file; the bundled sample is always among the heads.
Sound scans are cut from the volumes by the simulator of the training. Faults of graded strength are
put into routine thick-slice scans of fewer people, and into a few heads. Every row is kept in
DIR/facts.jsonl, so that a run that was stopped goes on, and new limits are tried without measuring
anew (--judge-only). The files that are kept of it are Testing/studies/results/gate_limits.json and
the tables in docs/quality.md.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from _gate_facts import CUT, OTHERS, ROUTINE, Bench, Rows, Source, head_sources, simulated_sources
from _gate_faults import Fault, all_faults
from _gate_figures import summary
from _gate_tables import markdown, write_between_marks
from registration_error import people_of_all_ages

from BrainAgeLib.imaging.geometry import to_canonical, volume_from_sitk
from BrainAgeLib.imaging.read import read_scan
from BrainAgeLib.resources import sample_scan
from BrainAgeLib.training.people import Person

PROTOCOLS = [ROUTINE, "random", "axial 7+2 mm", "axial 3+0 mm", "coronal 5+1 mm", "sagittal 5+1 mm"]


MOST_PEOPLE = 10_000
# What every head gets: other contrasts, a wrong spacing, half a brain.
KEY_FAULTS = tuple(
    fault
    for fault in all_faults()
    if fault.kind == "contrast"
    or (fault.kind == "slice spacing" and fault.grade in (0.75, 1.25))
    or (fault.kind in ("top cut", "bottom cut") and fault.grade == 0.5)
)


def sources_of(person: Person, protocols: int) -> list[Source]:
    """Return a person's sound scans; which protocols come first is the same for everybody."""
    brain = volume_from_sitk(to_canonical(read_scan(person.path).image))
    return list(simulated_sources(person.participant_id, brain, PROTOCOLS[:protocols]))


def others(data: Path, people: list[Person], count: int) -> list[Person]:
    """Return so many people, of all ages, that the limits were not chosen with."""
    known = {person.participant_id for person in people}
    rest = [
        person
        for person in people_of_all_ages(data, MOST_PEOPLE)
        if person.participant_id not in known
    ]
    chosen = np.unique(np.linspace(0, len(rest) - 1, min(count, len(rest))).round().astype(int))
    return [rest[n] for n in chosen]


def heads_of(folders: list[Path]) -> Iterator[Source]:
    """Yield the whole heads: the bundled sample, and those that the folders name."""
    yield from head_sources("colin27", sample_scan(), "whole head, bundled sample")
    for folder in folders:
        with (folder / "participants.tsv").open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                name = row["file"].split(".")[0]
                yield from head_sources(name, folder / row["file"], f"whole head, {folder.name}")


def measure(rows: Rows, bench: Bench, options: argparse.Namespace) -> None:
    """Measure what is not there yet."""
    people = people_of_all_ages(options.data, options.people)
    with_faults = {
        people[n].participant_id
        for n in np.linspace(0, len(people) - 1, options.fault_people).round().astype(int)
    }
    for number, person in enumerate(people, start=1):
        for source in sources_of(person, options.protocols):
            is_chosen = person.participant_id in with_faults and source.name.endswith(ROUTINE)
            measure_source(rows, bench, source, all_faults() if is_chosen else ())
        print(f"{number} of {len(people)} people", file=sys.stderr)
    for person in others(options.data, people, options.other_people):
        for source in sources_of(person, min(2, options.protocols)):
            measure_source(rows, bench, replace(source, kind=OTHERS), ())
        print(f"{person.participant_id}, another", file=sys.stderr)
    for number, source in enumerate(heads_of(options.heads)):
        key = KEY_FAULTS if not source.kind.endswith(CUT) else ()
        chosen = all_faults() if number < options.fault_heads else key
        measure_source(rows, bench, source, chosen)
        print(source.name, file=sys.stderr)


def measure_source(rows: Rows, bench: Bench, source: Source, chosen: Sequence[Fault]) -> None:
    """Measure one scan, and its faulty versions."""
    faults = [None, *chosen]
    wanted = [
        fault
        for fault in faults
        if not (fault and fault.needs_head and not source.is_head)
        and not rows.has(source.name, fault.name if fault else None)
    ]
    if not wanted:
        return
    case = bench.sound_case(source)
    for fault in wanted:
        rows.add(bench.row(source, case, fault))


def main() -> None:
    """Measure, judge, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--heads", type=Path, nargs="*", default=[], metavar="FOLDER")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR")
    parser.add_argument("--people", type=int, default=36, help="default 36")
    parser.add_argument("--protocols", type=int, default=3, help="of each person, 1-6; default 3")
    parser.add_argument("--other-people", type=int, default=12, help="not used for the limits")
    parser.add_argument("--fault-people", type=int, default=4, help="default 4")
    parser.add_argument("--fault-heads", type=int, default=1, help="with all faults; default 1")
    parser.add_argument("--model", metavar="NAME_OR_FOLDER", help="default: the bundled model")
    parser.add_argument("--threads", type=int, default=1, help="default 1")
    parser.add_argument("--judge-only", action="store_true", help="measure nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="write the tables into that page")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    rows = Rows(options.work / "facts.jsonl")
    if not options.judge_only:
        measure(rows, Bench(options.model), options)
    found = summary(rows.rows)
    print(markdown(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if options.docs:
        write_between_marks(options.docs, markdown(found))


if __name__ == "__main__":
    main()
