"""Does the saliency map survive scrutiny? Randomised and shuffled models, curves, cuts, a plant.

    make study NAME=saliency/sanity ARGS="RUN --data BIDS --work DIR [--people 12] [--workers 2]"

RUN is the output folder of a finished ``brainage train --data BIDS``; all scans are simulated. Each
person is judged by the member that has not seen that person, where it does not say otherwise.
Started again, it goes on where it stopped: what is measured lies in DIR. Writes
Testing/studies/results/saliency_sanity.json and the tables in docs/saliency.md.

randomised  the map and that of the same models with weights drawn anew: the network from its last
            layer down, the experts' shares and weights, everything (Adebayo et al. 2018,
            arXiv 1810.03292); rank correlations of values and of sizes within the brain
shuffled    the map and that of models trained on other people's ages
curves      the age while places are replaced in the order of the map, and of random maps
members     the maps of every two members
cuts        the maps of one person cut into slices in other ways
planted     brains whose lateral ventricles are enlarged by a known warp
cost        seconds of the map beside those of brain extraction, on the bundled sample
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache, partial
from pathlib import Path

import SimpleITK as sitk
import torch

from BrainAgeLib.options import Options
from BrainAgeLib.orphans import end_with_parent
from BrainAgeLib.pipeline import run as run_pipeline
from BrainAgeLib.resources import sample_scan
from BrainAgeLib.whole_file import write_atomically
from Testing.studies._pages import FIGURES
from Testing.studies.saliency._curves import curves
from Testing.studies.saliency._cuts import cuts, members
from Testing.studies.saliency._planted import planted
from Testing.studies.saliency._randomised import randomised
from Testing.studies.saliency._run import Run
from Testing.studies.saliency._shuffled import FOLD, shuffled, train_shuffled
from Testing.studies.saliency._tables import figures_of, write_document

RESULTS = FIGURES / "saliency_sanity.json"
COST_RUNS = 3

Rows = dict[str, dict[str, dict]]


def measure_cost(threads: int, model: Path) -> dict[str, float]:
    """Return the least seconds of brain extraction and of the map over a few runs."""
    runs = [
        run_pipeline(sample_scan(), Options(threads=threads, model=str(model))).prediction
        for _ in range(COST_RUNS)
    ]
    times = [one.timings_seconds for one in runs]
    return {
        "threads": threads,
        "brain_extraction": min(one.brain_extraction for one in times),
        "saliency": min(one.saliency for one in times),
    }


def parts_of(work: Path) -> dict[str, Callable[[Run, int], dict]]:
    """Return what is measured of each person."""
    return {
        "randomised": randomised,
        "shuffled": partial(shuffled, work=work),
        "curves": curves,
        "members": members,
        "cuts": cuts,
        "planted": planted,
    }


@cache
def _run_here(folder: Path, data: Path) -> Run:
    """Return the run, read once in each process."""
    torch.set_num_threads(1)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    return Run(folder, data)


def measure(part: str, folder: Path, data: Path, work: Path, number: int) -> dict:
    """Return one part of the study for one person."""
    with torch.no_grad():
        return parts_of(work)[part](_run_here(folder, data), number)


class Measured:
    """What was measured, kept in one file that grows by a line a person."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: Rows = {}
        for line in path.read_text("utf-8").splitlines() if path.exists() else []:
            self._keep(*json.loads(line))

    def _keep(self, part: str, number: str, figures: dict) -> None:
        self.rows.setdefault(part, {})[number] = figures

    def has(self, part: str, number: int) -> bool:
        return str(number) in self.rows.get(part, {})

    def add(self, part: str, number: int, figures: dict) -> None:
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps([part, str(number), figures]) + "\n")
        self._keep(part, str(number), figures)


def same_settings(given: argparse.Namespace) -> None:
    """Stop when the folder holds models of shuffled ages that were trained otherwise."""
    path = given.work / "shuffled-settings.json"
    settings = {"people": given.shuffled_people, "steps": given.network_steps}
    if path.exists() and json.loads(path.read_text("utf-8")) != settings:
        raise SystemExit(f"{path} tells of other settings: choose another --work")
    path.write_text(json.dumps(settings), "utf-8")


def measure_all(given: argparse.Namespace, run: Run, measured: Measured) -> None:
    """Measure what is not measured yet, several people at a time."""
    wanted = [
        (part, number)
        for part in given.parts
        for number in run.over_ages(given.people, FOLD if part == "shuffled" else None)
        if not measured.has(part, number)
    ]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.workers, context, end_with_parent) as pool:
        futures = {
            pool.submit(measure, part, given.run, given.data, given.work, number): (part, number)
            for part, number in wanted
        }
        for done, future in enumerate(as_completed(futures)):
            measured.add(*futures[future], future.result())
            print(f"{done + 1} of {len(wanted)}: {futures[future][0]}", flush=True)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    everything = list(parts_of(Path()))
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--data", type=Path, required=True, metavar="BIDS")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR")
    parser.add_argument("--people", type=int, default=12, help="of each part, default 12")
    parser.add_argument("--parts", nargs="*", choices=everything, default=everything)
    parser.add_argument("--workers", type=int, default=2, help="processes, default 2")
    parser.add_argument(
        "--shuffled-people", type=int, default=1000, help="at most so many learnt from shuffled"
    )
    parser.add_argument(
        "--network-steps", type=int, default=300, help="of the shuffled network, 0 for none"
    )
    parser.add_argument("--no-cost", action="store_true", help="do not time the map")
    return parser.parse_args()


def main() -> None:
    """Measure and write."""
    given = parse()
    run = Run(given.run, given.data)
    given.work /= run.card.sha256[:12]  # another model begins anew
    given.work.mkdir(parents=True, exist_ok=True)
    measured = Measured(given.work / "measured.jsonl")
    if "shuffled" in given.parts:
        same_settings(given)
        train_shuffled(run, given.work, given.shuffled_people, given.network_steps)
    measure_all(given, run, measured)
    if not given.no_cost and not measured.has("cost", 0):
        measured.add("cost", 0, measure_cost(2, run.model))
    figures = figures_of(measured.rows) | {
        "model": f"{run.card.name} {run.card.sha256[:12]}",
        "network_steps": given.network_steps,
    }
    write_atomically(RESULTS, (json.dumps(figures, indent=1) + "\n").encode())
    write_document(figures)
    print(json.dumps(figures["bars"], indent=1))


if __name__ == "__main__":
    main()
