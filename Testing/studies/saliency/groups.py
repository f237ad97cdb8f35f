"""Where the age comes from in groups of people: mean saliency maps by decade, in template space.

    make study NAME=saliency/groups ARGS="RUN --data BIDS --work DIR [--people N] [--workers 2]"

RUN is the output folder of a finished ``brainage train --data BIDS``. Each person's simulated scan
of the main protocol is looked at by the member that has not seen that person. Started again, it
goes on where it stopped: each person's map lies in DIR. Writes the table of regions in
docs/saliency.md, docs/pictures/saliency_groups.png (the template with the groups' means; no person
is shown) and Testing/studies/results/saliency_groups.json. The regions are those of
``BrainAgeLib.template.regions``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path

import torch

from BrainAgeLib.template.regions import NAMES
from BrainAgeLib.whole_file import write_atomically
from Testing.studies._pages import FIGURES, PAGES, table, write_part
from Testing.studies.saliency._group_maps import (
    GroupMap,
    file_of,
    group_maps,
    likeness_of_neighbours,
    one_thread,
    write_map,
)
from Testing.studies.saliency._group_picture import draw_groups
from Testing.studies.saliency._run import Run

RESULTS = FIGURES / "saliency_groups.json"
PICTURE = PAGES / "pictures" / "saliency_groups.png"


@cache
def _run_here(folder: Path, data: Path) -> Run:
    return Run(folder, data)


def write_one(folder: Path, data: Path, work: Path, number: int) -> None:
    """Write one person's map, in a process of its own."""
    with torch.no_grad():
        write_map(_run_here(folder, data), work, number)


def write_maps(given: argparse.Namespace, run: Run, numbers: list[int]) -> None:
    """Write the maps that are not there yet."""
    waiting = [n for n in numbers if not file_of(run, given.work, n).exists()]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.workers, context, one_thread) as pool:
        futures = [
            pool.submit(write_one, given.run, given.data, given.work, number) for number in waiting
        ]
        for done, future in enumerate(as_completed(futures)):
            future.result()
            if done % 20 == 19 or done + 1 == len(waiting):
                print(f"{done + 1} of {len(waiting)}", flush=True)


def figures_of(groups: dict[str, GroupMap]) -> dict[str, dict]:
    """Return each group's figures by region."""
    return {
        name: {
            "people": group.people,
            "regions": {
                region: {
                    "times_average": round(group.mean_of(region)[0], 3),
                    "mean_years": round(group.mean_of(region)[1], 3),
                    "first_in": round(group.first_of(region), 3),
                }
                for region in NAMES
            },
        }
        for name, group in groups.items()
    }


def text_of(figures: dict[str, dict], alike: float, scale_years: float, model: str) -> str:
    """Return the section of the document."""
    everybody = figures["everybody"]
    names = sorted(NAMES, key=lambda name: -everybody["regions"][name]["times_average"])
    strength = [
        [
            name,
            f"{everybody['regions'][name]['times_average']:.2f}",
            f"{100 * everybody['regions'][name]['first_in']:.0f} %",
            *(
                f"{group['regions'][name]['mean_years']:+.2f}"
                for decade, group in figures.items()
                if decade != "everybody"
            ),
        ]
        for name in names
    ]
    decades = [f"{name} ({group['people']})" for name, group in figures.items()][:-1]
    return (
        f"Model {model}, {everybody['people']} people, each by the member that has not seen that "
        "person, simulated axial 5+1 mm scans.\n\n"
        + table(["region", "times the brain's average", "first in", *decades], strength)
        + "\n\nThe last columns are the map's mean in years by decade (people). The maps of two "
        f"people next to each other in age have a rank correlation of {alike:.2f} on average; "
        "those of one person cut in two ways stand above, with the model that they are of.\n\n"
        f"![Mean maps by decade over the template, and the regions](pictures/{PICTURE.name})\n"
        "*Mean maps over the template; orange makes the brain look older, blue younger; the "
        f"scale ends at {scale_years:g} (years). Everybody is the mean size, whatever the sign. "
        "The patient's left is on the right.*"
    )


def main() -> None:
    """Measure, draw and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--data", type=Path, required=True, metavar="BIDS")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR")
    parser.add_argument("--people", type=int, default=100_000, help="so many; default everybody")
    parser.add_argument("--workers", type=int, default=2, help="processes, default 2")
    given = parser.parse_args()
    run = Run(given.run, given.data)
    given.work /= run.card.sha256[:12]  # another model begins anew
    given.work.mkdir(parents=True, exist_ok=True)
    numbers = run.over_ages(given.people)
    write_maps(given, run, numbers)
    groups = group_maps(run, given.work, numbers)
    figures = figures_of(groups)
    model = f"{run.card.name} {run.card.sha256[:12]}"
    means = {name: group.mean_years for name, group in groups.items()}
    means["everybody"] = groups["everybody"].mean_size_years  # their signs cancel out
    scale = draw_groups(means, PICTURE)
    alike = likeness_of_neighbours(run, given.work, numbers)
    content = {"model": model, "neighbours_alike": round(alike, 3), "groups": figures}
    write_atomically(RESULTS, (json.dumps(content, indent=1) + "\n").encode())
    write_part(PAGES / "saliency.md", "groups", text_of(figures, alike, scale, model))
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
