"""Re-slice the same people many times: how much does the age change?

    make study NAME=network/reliability ARGS="RUN --data BIDS [--people 60]"
    make study NAME=network/reliability ARGS="--stored [--write]"

RUN is the output folder of a finished ``brainage train``. Each person is cut ten times into axial
slices of 3 to 7 mm with gaps of up to a fifth, at another phase and tilted by up to 15 degrees
about each axis, with everyday noise and another error of registration, all simulated, and
predicted by the member that has not seen that person. Writes
Testing/studies/results/reliability.json, and what follows from it into docs/model.md and
docs/cohort_statistics.md; ``--stored`` writes the documents alone. ``--write`` puts the SD into the
bundled model's card as well, from where ``brainage follow`` takes it.

SD: root mean square over people of the standard deviation within a person. ICC: one-way random, of
the gap (Shrout and Fleiss 1979, doi 10.1037/0033-2909.86.2.420). The smallest change that means
anything is 1.96 x sqrt(2) x SD.
"""

from __future__ import annotations

import argparse
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.model.calibration import ScanError
from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.ensemble import DEFAULT_MODEL, predict_age
from BrainAgeLib.model.weights import load_weights
from BrainAgeLib.resources import models_folder
from BrainAgeLib.scan.geometry import to_canonical, volume_from_sitk
from BrainAgeLib.scan.read import read_scan
from BrainAgeLib.template.scan_maps import maps_of_scan
from BrainAgeLib.template.slices import TemplateMaps
from BrainAgeLib.template.template import load_template
from BrainAgeLib.training.appearance import EVALUATION
from BrainAgeLib.training.people import Person, assign_folds, read_people
from BrainAgeLib.training.simulate import Simulator, as_slices
from BrainAgeLib.training.thick_slices import Protocol
from BrainAgeLib.whole_file import write_atomically
from Testing.studies._pages import FIGURES
from Testing.studies.network._smallest_change import write_documents

RESULTS = FIGURES / "reliability.json"
REPETITIONS = 10
LARGEST_TILT_DEGREES = 15.0


def protocol_of(generator: np.random.Generator) -> Protocol:
    """Draw one re-slicing."""
    thickness_mm = float(generator.uniform(3.0, 7.0))
    x, y, z = generator.uniform(-LARGEST_TILT_DEGREES, LARGEST_TILT_DEGREES, 3)
    return Protocol(
        thickness_mm=thickness_mm,
        gap_mm=thickness_mm * float(generator.uniform(0.0, 0.2)),
        tilt_degrees=(float(x), float(y), float(z)),
        phase=float(generator.random()),
    )


def ages_of(person: Person, run: Path, maps: TemplateMaps, predict: object) -> list[float]:
    """Return the ages of a person's re-slicings."""
    brain = volume_from_sitk(to_canonical(read_scan(person.path).image))
    registration = np.load(run / "work" / "registrations" / f"{person.participant_id}.npy")
    simulator = Simulator(brain, np.linalg.inv(registration), maps)
    ages = []
    for number in range(REPETITIONS):
        entropy = [31, number, zlib.crc32(person.participant_id.encode())]
        protocol = protocol_of(np.random.default_rng([*entropy, 1]))
        scan = simulator.simulate(protocol, EVALUATION, entropy)
        ages.append(predict(maps_of_scan(as_slices(scan, "cpu"))))
    return ages


def reliability(gaps: np.ndarray) -> dict[str, float]:
    """Return the figures of gaps (person, repetition) in years."""
    people, repetitions = gaps.shape
    within = float(gaps.var(1, ddof=1).mean())
    between = float(repetitions * gaps.mean(1).var(ddof=1))
    sd = math.sqrt(within)
    return {
        "people": people,
        "repetitions": repetitions,
        "sd_within_years": round(sd, 2),
        "icc_of_the_gap": round((between - within) / (between + (repetitions - 1) * within), 3),
        "smallest_meaningful_change_years": round(1.96 * math.sqrt(2) * sd, 2),
    }


def write_into_card(path: Path, figures: Mapping[str, float]) -> None:
    """Write into a model's card how large the error of scanning one person again is."""
    error = ScanError(
        figures["sd_within_years"],
        int(figures["people"]),
        int(figures["repetitions"]),
        "healthy people cut again into other thick slices, simulated, each by a model that had "
        "not seen them",
    )
    card = json.loads(path.read_text("utf-8"))
    card["calibration"]["scan_error"] = asdict(error)
    write_atomically(path, (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--stored", action="store_true", help="measure nothing")
    parser.add_argument("--write", action="store_true", help="into the bundled model's card, too")
    options = parser.parse_args()
    if not options.stored:
        if options.run is None or options.data is None:
            parser.error("name RUN and --data BIDS, or --stored")
        write_atomically(RESULTS, (json.dumps(measured(options), indent=1) + "\n").encode())
    figures = json.loads(RESULTS.read_text("utf-8"))
    write_documents(figures)
    if options.write:
        write_into_card(models_folder() / DEFAULT_MODEL / "card.json", figures)
    print(json.dumps(figures, indent=1))


def measured(options: argparse.Namespace) -> dict[str, float]:
    """Return the figures of so many people."""
    folder = next(path.parent for path in sorted(options.run.glob("*/card.json")))
    card = read_card(folder)
    members = load_weights(folder, card, "cpu").members
    everyone = read_people(options.data)
    settings = card.training.settings
    folds = assign_folds(everyone, settings["folds"], settings["seed"])
    order = np.random.default_rng(11).permutation(len(everyone))[: options.people]
    maps = TemplateMaps(load_template())
    gaps = []
    with torch.inference_mode():
        for done, number in enumerate(order):
            person, member = everyone[number], members[folds[number]]
            ages = ages_of(
                person,
                options.run,
                maps,
                lambda seen, own=member: predict_age([own], seen, card.blend).age_years,
            )
            gaps.append([age - person.age_years for age in ages])
            print(f"{done + 1} of {len(order)}", flush=True)
    return reliability(np.array(gaps))


if __name__ == "__main__":
    main()
