"""How often a difference of the brain's sides is found where a lesion is, and where none is.

    make study NAME=gate/lesions ARGS="DATA --run RUN --others FOLDER... --work DIR [--docs FILE]"

DATA is a BIDS dataset of brain-extracted 3D T1 scans of healthy adults, RUN a training run on it
(``brainage train``), each FOLDER holds scans of other scanners and a participants.tsv with the
columns file, participant_id, age and, for stripped ones, skull. What is typical is taken from the
people of RUN whom no choice may leave out; everything is measured on the held-out fifth and on the
other scanners. Lesions are simulated. Every row is kept in DIR/rows.jsonl, so that a run that was
stopped goes on; ``--judge-only`` measures nothing. Writes Testing/studies/results/lesions.json and
with ``--docs`` the tables of docs/quality.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.training.people import Person, is_held_out, read_people
from BrainAgeLib.training.store import has_maps, maps_file, typical_sides_of
from Testing.studies._pages import FIGURES, write_part
from Testing.studies.gate._lesion_tables import markdown, summary
from Testing.studies.gate._one_sided import Bench, listed_scans, sound_at_home

RESULTS = FIGURES / "lesions.json"
MARK = "lesions"
PEOPLE_WITH_LESIONS = 55
Job = tuple[str, Callable[[], Iterator[dict[str, Any]]]]


def jobs(data: Path, run: Path, others: list[Path], people_with_lesions: int) -> Iterator[Job]:
    """Yield what there is to measure, each with its name."""
    people = [p for p in read_people(data) if has_maps(maps_file(run / "work", p))]
    held_out = [person for person in people if is_held_out(person.participant_id)]
    known = [maps_file(run / "work", p) for p in people if p not in held_out]
    print(f"typical of {len(known)} people; {len(held_out)} held out", flush=True)
    typical = typical_sides_of(known)
    bench = Bench(load_ensemble(), typical)
    for person in held_out:
        yield f"sound {person.participant_id}", _call(sound_at_home, person, run, typical)
    listed = [scan for folder in others for scan in listed_scans(folder)]
    for turn, scan in enumerate(listed):
        name = scan["path"].name
        if scan["is_head"]:
            yield name, _call(bench.head, scan, turn)
        else:
            yield name, _call(bench.stripped, scan)
    chosen: list[Person] = held_out[:: max(1, len(held_out) // people_with_lesions)]
    for turn, person in enumerate(chosen[:people_with_lesions]):
        yield f"lesions {person.participant_id}", _call(bench.planted, person, run, turn)


def _call(make: Callable[..., Iterator[dict[str, Any]]], *given: Any) -> Any:
    return lambda: make(*given)


def measured(path: Path, waiting: Iterator[Job]) -> None:
    """Measure what is not among the rows of a file yet."""
    done = {row["job"] for row in _rows(path)}
    with path.open("a", encoding="utf-8") as lines:
        for name, make in waiting:
            if name in done:
                continue
            rows = [json.dumps({"job": name, **row}) for row in make()]
            lines.write("".join(f"{row}\n" for row in rows))
            lines.flush()
            print(name, flush=True)


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def main() -> None:
    """Measure, judge and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--others", type=Path, nargs="*", default=[])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--people", type=int, default=PEOPLE_WITH_LESIONS, help="with lesions")
    parser.add_argument("--judge-only", action="store_true")
    parser.add_argument("--docs", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    path = options.work / "rows.jsonl"
    if not options.judge_only:
        measured(path, jobs(options.data, options.run, options.others, options.people))
    figures = summary(_rows(path))
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    text = "\n".join(markdown(figures))
    print(text)
    if options.docs:
        write_part(options.docs, MARK, text)


if __name__ == "__main__":
    main()
