"""Registration and simulation for everybody, done once and kept: the slow part before training."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.orphans import end_with_parent
from BrainAgeLib.scan.geometry import to_canonical, volume_from_sitk
from BrainAgeLib.scan.read import read_scan
from BrainAgeLib.template.registration import register_to_template
from BrainAgeLib.template.slices import TemplateMaps
from BrainAgeLib.template.template import load_template
from BrainAgeLib.training.map_store import has_maps, write_maps
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.simulated_scans import (
    Simulator,
    evaluation_scans,
    random_scans,
    read_scans,
    write_scans,
)


def training_file(folder: Path, person: Person) -> Path:
    """Return where a person's random scans are kept."""
    return folder / "scans" / f"{person.participant_id}_training.npz"


def evaluation_file(folder: Path, person: Person) -> Path:
    """Return where a person's evaluation scans are kept."""
    return folder / "scans" / f"{person.participant_id}_evaluation.npz"


def maps_file(folder: Path, person: Person) -> Path:
    """Return where the maps of a person's scans are kept."""
    return folder / "scans" / f"{person.participant_id}_maps.npz"


def prepare(
    people: list[Person],
    folder: Path,
    settings: TrainingSettings,
    workers: int,
    on_progress: Callable[[int, int], None],
) -> None:
    """Register and simulate everybody who is not on disk yet.

    Each person's files appear whole or not at all, so a killed run goes on where it stopped.
    """
    (folder / "scans").mkdir(parents=True, exist_ok=True)
    (folder / "registrations").mkdir(exist_ok=True)
    waiting = [p for p in people if not has_maps(maps_file(folder, p))]
    done = len(people) - len(waiting)
    on_progress(done, len(people))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _begin_worker) as pool:
        futures = [pool.submit(prepare_person, person, folder, settings) for person in waiting]
        for future in as_completed(futures):
            future.result()
            done += 1
            on_progress(done, len(people))


def _begin_worker() -> None:
    end_with_parent()
    torch.set_num_threads(1)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


def prepare_person(person: Person, folder: Path, settings: TrainingSettings) -> None:
    """Simulate one person's scans and work out their maps; each file is made once."""
    if not evaluation_file(folder, person).exists():
        _simulate(person, folder, settings)
    scans = read_scans(evaluation_file(folder, person)) + read_scans(training_file(folder, person))
    write_maps(maps_file(folder, person), scans)


def _simulate(person: Person, folder: Path, settings: TrainingSettings) -> None:
    """Register one brain-extracted scan and write the scans that are simulated from it."""
    image = to_canonical(read_scan(person.path).image)
    brain = volume_from_sitk(image)
    template = load_template()
    known = folder / "registrations" / f"{person.participant_id}.npy"
    if known.exists():
        template_to_scan = np.load(known, allow_pickle=False)
    else:
        try:
            template_to_scan = register_to_template(brain, template).template_to_scan
        except BrainAgeError as error:
            raise BrainAgeError(f"{person.participant_id}: {error.message}", error.hint) from error
        np.save(known, template_to_scan)
    simulator = Simulator(brain, np.linalg.inv(template_to_scan), TemplateMaps(template))
    scans = random_scans(simulator, person.participant_id, settings.scans_per_person, settings.seed)
    write_scans(training_file(folder, person), scans)
    judged = evaluation_scans(simulator, person.participant_id, settings.seed)
    write_scans(evaluation_file(folder, person), list(judged.values()))
