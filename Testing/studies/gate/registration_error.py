"""How far registering thick slices, instead of the 3D volume, moves points of the brain.

    make study NAME=gate/registration_error ARGS="DATA --json FILE"

DATA is a BIDS dataset of brain-extracted 3D T1 scans. Each person's volume is registered, then cut
into thick slices with a random tilt of up to 15 degrees about each axis, given another scanner's
appearance and another mask, and registered again. Beside it stands the error that training adds on
purpose, ``BrainAgeLib.training.appearance.registration_error``, which should be of that size.
The file that is kept of it is ``Testing/studies/results/registration_error.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch

from BrainAgeLib.scan.brain_extraction import mask_of_extracted
from BrainAgeLib.scan.geometry import Volume, apply_affine, to_canonical, volume_from_sitk
from BrainAgeLib.scan.read import read_scan
from BrainAgeLib.template.registration import register_to_template
from BrainAgeLib.template.template import BRAIN_CENTER_MM, Template, load_template
from BrainAgeLib.training.appearance import (
    TRAINING,
    change_appearance,
    disturb_mask,
    registration_error,
)
from BrainAgeLib.training.people import Person, read_people
from BrainAgeLib.training.simulate import EVALUATION_PROTOCOLS, tilted
from BrainAgeLib.training.thick_slices import Protocol, cut_thick_slices
from BrainAgeLib.whole_file import write_atomically

PROTOCOLS = ("axial 5+1 mm", "axial 7+2 mm")
SEED = 7
SIMULATED_ERRORS = 2000


def template_brain_points(template: Template, step: int = 6) -> np.ndarray:
    """Return points (point, 3) in mm of every ``step``-th template voxel that is brain."""
    brain = template.t1.voxels[::step, ::step, ::step] > 50
    index = np.argwhere(brain)[:, ::-1] * step
    return apply_affine(template.t1.affine, index.astype(float))


def rms_movement_mm(error: np.ndarray, points: np.ndarray) -> float:
    """Return the root mean square of how far an affine (4 x 4) moves points."""
    movement = apply_affine(error, points) - points
    return float(np.sqrt((movement**2).sum(-1).mean()))


def people_of_all_ages(data: Path, count: int) -> list[Person]:
    """Return so many people, evenly from the youngest to the oldest."""
    people = sorted(read_people(data), key=lambda person: (person.age_years, person.participant_id))
    chosen = np.unique(np.linspace(0, len(people) - 1, count).round().astype(int))
    return [people[n] for n in chosen]


def thick_slices(brain: Volume, protocol: Protocol, seed: list[int]) -> Volume:
    """Return the brain as a scan of another scanner, cut into thick slices."""
    generator = np.random.default_rng(seed)
    torch_generator = torch.Generator().manual_seed(int(generator.integers(2**62)))
    scan, affine = cut_thick_slices(torch.as_tensor(brain.voxels), brain.affine, protocol)
    mask = mask_of_extracted(scan)
    mask = disturb_mask(mask, protocol.in_plane_mm, TRAINING.mask_wander, generator)
    scan = change_appearance(scan, TRAINING, generator, torch_generator) * mask
    return Volume(scan.numpy(), affine)


def errors_of(person: Person, template: Template) -> dict[str, np.ndarray]:
    """Return for each protocol the affine from the 3D scan's place to the thick slices' place."""
    brain = volume_from_sitk(to_canonical(read_scan(person.path).image))
    to_scan = register_to_template(brain, template).template_to_scan
    errors = {}
    for number, name in enumerate(PROTOCOLS):
        seed = [SEED, number, zlib.crc32(person.participant_id.encode())]
        protocol = tilted(EVALUATION_PROTOCOLS[name], seed)
        if protocol is not None:
            thick = thick_slices(brain, protocol, seed)
            errors[name] = register_to_template(thick, template).scan_to_template @ to_scan
    return errors


def describe(errors: list[np.ndarray], points: np.ndarray) -> dict[str, Any]:
    """Return what a list of error affines does to the brain."""
    movements = [rms_movement_mm(error, points) for error in errors]
    middle = np.array(BRAIN_CENTER_MM)
    shifts = np.array([apply_affine(error, middle) - middle for error in errors])
    matrices = np.array([error[:3, :3] for error in errors])
    return {
        "scans": len(errors),
        "rms_mm_median": round(float(np.median(movements)), 3),
        "rms_mm_95th_percentile": round(float(np.quantile(movements, 0.95)), 3),
        "matrix_sd": matrices.std(0).round(5).tolist(),
        "matrix_mean_minus_identity": (matrices.mean(0) - np.eye(3)).round(5).tolist(),
        "shift_sd_mm": shifts.std(0).round(3).tolist(),
        "shift_mean_mm": shifts.mean(0).round(3).tolist(),
    }


def simulated(points: np.ndarray) -> dict[str, Any]:
    """Return the same of the errors that training adds."""
    generator = np.random.default_rng(SEED)
    return describe([registration_error(generator) for _ in range(SIMULATED_ERRORS)], points)


def show(name: str, entry: dict[str, Any]) -> None:
    """Print one row of the table."""
    matrix = np.array(entry["matrix_sd"])
    off = matrix[~np.eye(3, dtype=bool)]
    diagonal = " ".join(f"{value:.4f}" for value in np.diag(matrix))
    shift = " ".join(f"{value:.2f}" for value in entry["shift_sd_mm"])
    print(
        f"{name:24} {entry['scans']:6} {entry['rms_mm_median']:8.2f} "
        f"{entry['rms_mm_95th_percentile']:8.2f}   {diagonal}   {np.sqrt((off**2).mean()):.4f}   "
        f"{shift}"
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--people", type=int, default=24, help="default 24")
    parser.add_argument("--threads", type=int, default=1, help="default 1")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(options.threads)
    template = load_template()
    points = template_brain_points(template)
    found: dict[str, list[np.ndarray]] = {name: [] for name in PROTOCOLS}
    people = people_of_all_ages(options.data, options.people)
    for number, person in enumerate(people, start=1):
        for name, error in errors_of(person, template).items():
            found[name].append(error)
        print(f"{number} of {len(people)}", file=sys.stderr)
    together = [error for errors in found.values() for error in errors]
    result: dict[str, Any] = {
        "people": len(people),
        "measured": describe(together, points),
        "by_protocol": {name: describe(errors, points) for name, errors in found.items()},
        "simulated": simulated(points),
    }
    print(f"{'':24} {'scans':>6} {'median':>8} {'95th':>8}   SD of the matrix       SD      SD of")
    print(f"{'':24} {'':6} {'rms mm':>8} {'rms mm':>8}   diagonal               off it  shift, mm")
    for name, entry in result["by_protocol"].items():
        show(name, entry)
    show("both", result["measured"])
    show("simulated for training", result["simulated"])
    if options.json:
        write_atomically(options.json, (json.dumps(result, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
