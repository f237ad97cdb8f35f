"""How often a difference of the brain's sides is found where a lesion is, and where none is.

    make study NAME=gate/lesions ARGS="DATA --run RUN --others FOLDER... --work DIR [--docs FILE]"

DATA is a BIDS dataset of brain-extracted 3D T1 scans of healthy adults, RUN a training run on it
(``brainage train``), each FOLDER holds scans of other scanners and a participants.tsv with the
columns file, participant_id, age and, for stripped ones, skull. What is typical is taken from the
people of RUN whom no choice may leave out; everything is measured on the held-out fifth and on the
other scanners. Lesions are simulated. What is measured is kept in DIR, so that a run that was
stopped goes on; ``--judge-only`` measures nothing. Writes Testing/studies/results/lesions.json and
with ``--docs`` the tables of docs/quality.md.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.training.people import Person, is_held_out, read_people
from BrainAgeLib.training.store import maps_file
from BrainAgeLib.training.stored_maps import typical_sides_of
from BrainAgeLib.whole_file import write_atomically
from Testing.studies._pages import FIGURES, write_part
from Testing.studies.gate._lesion_tables import markdown, summary
from Testing.studies.gate._one_sided import Bench, judged, listed_scans, sound_at_home

RESULTS = FIGURES / "lesions.json"
MARK = "lesions"
PEOPLE_WITH_LESIONS = 55
Job = tuple[str, Callable[[], Iterator[dict[str, Any]]]]


def jobs(held_out: list[Person], run: Path, others: list[Path], ill: int) -> Iterator[Job]:
    """Yield what there is to measure, each with its name; ``ill``: how many people get lesions."""
    bench = Bench()
    for person in held_out:
        yield f"sound-{person.participant_id}", _call(sound_at_home, person, run)
    chosen = held_out[:: max(1, len(held_out) // ill)][:ill]
    for turn, person in enumerate(chosen):
        yield f"lesions-{person.participant_id}", _call(bench.planted, person, run, turn)
    listed = [scan for folder in others for scan in listed_scans(folder)]
    stripped = [scan for scan in listed if not scan["is_head"]]
    heads = [scan for scan in listed if scan["is_head"]]
    for turn in range(max(len(stripped), len(heads))):  # in turn: a run may be stopped early
        for scan in stripped[turn : turn + 1]:
            yield scan["path"].name, _call(bench.stripped, scan)
        for scan in heads[turn : turn + 1]:
            yield scan["path"].name, _call(bench.head, scan, turn)


def _call(make: Callable[..., Iterator[dict[str, Any]]], *given: Any) -> Any:
    return lambda: make(*given)


def measure(folder: Path, waiting: Iterator[Job]) -> None:
    """Measure what is not in the folder yet."""
    for name, make in waiting:
        path = folder / f"{name}.pt"
        if not path.exists():
            content = io.BytesIO()  # of a full disk torch itself only says that something failed
            torch.save(list(make()), content)
            write_atomically(path, content.getvalue())
            print(name, flush=True)


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
    people = [p for p in read_people(options.data) if maps_file(options.run / "work", p).exists()]
    held_out = [person for person in people if is_held_out(person.participant_id)]
    if not options.judge_only:
        measure(options.work, jobs(held_out, options.run, options.others, options.people))
    known = [person for person in people if not is_held_out(person.participant_id)]
    typical = typical_sides_of([maps_file(options.run / "work", person) for person in known])
    kept = [row for path in sorted(options.work.glob("*.pt")) for row in torch.load(path)]
    card = load_ensemble().card
    figures = {"typical of": len(known), **summary([judged(row, typical) for row in kept], card)}
    write_atomically(RESULTS, (json.dumps(figures, indent=1) + "\n").encode())
    text = "\n".join(markdown(figures))
    print(text)
    if options.docs:
        write_part(options.docs, MARK, text)


if __name__ == "__main__":
    main()
