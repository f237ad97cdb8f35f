"""How much nearer do slices come to what they were made of, and strips of one head to each other?

    make study NAME=network/harmonisation ARGS="--data BIDS --work FOLDER [--others FOLDER...]"

Of held-out people, whom the harmonisation was not taught on: slices of scans of random protocol,
contrast, shading, sharpness, noise and strip (simulated), before and after, against the same slices
of the volume that they were cut from. With ``--others``, folders as ``network/other_scanners``
reads them, of real heads as well: how far the network's input of a head and of its stripped
brain are apart, of how far people are. FOLDER of ``--work`` keeps the registrations, such as
``RUN/work`` of ``brainage train``. Writes its part of docs/model.md.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib import pipeline
from BrainAgeLib.case import read
from BrainAgeLib.model.brain_maps import network_maps
from BrainAgeLib.options import Options
from BrainAgeLib.template.grid import smooth
from BrainAgeLib.template.harmonisation import LEAST_LEVEL, harmonised, harmonising_network
from BrainAgeLib.template.intensity import HIGHEST_LEVEL
from BrainAgeLib.template.scan_maps import TemplateVolume, volume_of_slices
from BrainAgeLib.training.harmonisation import IMAGE, TEMPLATE, WANTED, pairs_of, tissues_off
from BrainAgeLib.training.people import is_held_out, read_people
from BrainAgeLib.training.simulate import IMAGE_STEP, TEMPLATE_STEP
from Testing.studies._pages import PAGES, table, write_part
from Testing.studies.network.other_scanners import listed, versions

CUT = "5+1 mm"
SIGMAS = (2.0, 1.6, 1.6)  # about 8 mm along z, y and x of the network's input


def off(levels: torch.Tensor, wanted: torch.Tensor, images: torch.Tensor) -> tuple[float, float]:
    """Return how far levels (slice, y, x) and tissues are off where the brain is, mean size."""
    brain = torch.maximum(wanted, images) > LEAST_LEVEL
    tissues = tissues_off(levels, wanted).abs().sum(1)
    return float((levels - wanted).abs()[brain].mean()), float(tissues[brain].mean())


@torch.inference_mode()
def of_people(data: Path, work: Path, count: int) -> str:
    """Return a table of the simulated scans of so many held-out people."""
    people = [p for p in read_people(data) if is_held_out(p.participant_id)][:count]
    found = []
    for person in people:
        pairs = torch.from_numpy(pairs_of(person, work)).float()
        images, wanted = pairs[:, IMAGE] * IMAGE_STEP, pairs[:, WANTED] * IMAGE_STEP
        shown = harmonising_network("cpu")(images, pairs[:, TEMPLATE] * TEMPLATE_STEP)
        shown = shown.clamp(0, HIGHEST_LEVEL)
        found.append([off(images, wanted, images), off(shown, wanted, images)])
    before, after = np.mean(found, 0)
    head = [f"mean error, {len(people)} held-out people", "as acquired", "harmonised"]
    rows = [
        ["brightness, of white matter's", f"{before[0]:.3f}", f"{after[0]:.3f}"],
        ["shares of fluid, grey and white matter", f"{before[1]:.2f}", f"{after[1]:.2f}"],
    ]
    return table(head, rows)


def _maps(volume: TemplateVolume) -> torch.Tensor:
    return smooth(network_maps(volume)[None, :3], list(SIGMAS))[0]


@torch.inference_mode()
def of_heads(folders: list[str]) -> str:
    """Return a table of real heads: how far the strips of one are apart."""
    tools = {
        stripped: pipeline.prepare(Options(brain_extracted=stripped, force=True))
        for stripped in (False, True)
    }
    seen: dict[str, dict[str, list[torch.Tensor]]] = {}
    scans = [scan for folder in folders for scan in listed(folder) if scan.session == "1"]
    with_head = {scan.participant_id for scan in scans if scan.strip == "head"}
    for scan in (scan for scan in scans if scan.participant_id in with_head):
        for strip, cut, image in versions(scan):
            if cut != CUT:
                continue
            using = tools[strip != "head"]
            case, mask = pipeline.find_brain_in_view(read(image, using.options), using)
            slices = pipeline.place(case, mask, using, lambda *_: None).slices(
                using.template, "cpu"
            )
            both = [_maps(volume_of_slices(slices)), _maps(volume_of_slices(harmonised(slices)))]
            seen.setdefault(scan.participant_id, {})[strip] = both
    if not seen:
        raise SystemExit("there is nobody with a head and a stripped brain")
    whole = {name: strips for name, strips in seen.items() if len(strips) > 2}
    between = [_spread([strips["head"][n] for strips in whole.values()]) for n in (0, 1)]
    rows = []
    for one, other in itertools.combinations(next(iter(whole.values())), 2):
        apart = [
            np.mean([_spread([s[one][n], s[other][n]]) for s in whole.values()]) / between[n]
            for n in (0, 1)
        ]
        rows.append([f"{one} and {other}", *(f"{value:.2f}" for value in apart)])
    head = [f"variance, 1 being between {len(whole)} people", "as acquired", "harmonised"]
    return table(head, rows)


def _spread(maps: list[torch.Tensor]) -> float:
    return float(torch.stack(maps).var(0).sum())


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--others", nargs="*", default=[])
    options = parser.parse_args()
    torch.set_num_threads(1)
    text = of_people(options.data, options.work, options.people)
    if options.others:
        text += "\n\n" + of_heads(options.others)
    print(text)
    write_part(PAGES / "model.md", "harmonisation", text)


if __name__ == "__main__":
    main()
