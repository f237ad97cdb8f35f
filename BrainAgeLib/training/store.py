"""Everybody's simulated scans and the maps of them, made once and kept: the slow part of training.

A person's scans come in one order: those of the evaluation protocols, then the random ones. Those
of other sequences, of people who have labels, lie in a file of their own, in that of
``sequence_scans.SEQUENCE_SCANS``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from BrainAgeLib.errors import BrainAgeError, FullDiskError, InputError
from BrainAgeLib.orphans import as_ended, interruptions_held, worker_pool
from BrainAgeLib.records import SequenceName
from BrainAgeLib.scan.geometry import to_canonical, volume_from_sitk
from BrainAgeLib.scan.read import read_scan
from BrainAgeLib.template.registration import register_to_template
from BrainAgeLib.template.scan_maps import volume_of_slices
from BrainAgeLib.template.target import template_maps
from BrainAgeLib.template.template import load_template
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.sequence_scans import (
    EXPERT_SCANS,
    MEASURED_SCANS,
    USUAL,
    cut_person,
    protocols_of,
    shown_scans,
)
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.simulate import (
    Simulator,
    StoredScan,
    evaluation_scans,
    random_scans,
    stored,
)
from BrainAgeLib.training.stored_maps import (
    SLICE_ARRAYS,
    aligned_scans,
    arrays_of,
    has_maps,
    read_maps,
    write_maps,
)
from BrainAgeLib.training.t1_check import check_contrast
from BrainAgeLib.whole_file import written_atomically

logger = logging.getLogger(__name__)

# Of 133 brain-extracted scans of five scanners none had more than 1930 ml, of whole heads none less
# than 3700.
MOST_NOT_ZERO_ML = 2700.0
MOST_TOLD = 20  # people, by name


def training_file(folder: Path, person: Person) -> Path:
    """Return where a person's random scans are kept."""
    return folder / "scans" / f"{person.participant_id}_training.npz"


def evaluation_file(folder: Path, person: Person) -> Path:
    """Return where a person's evaluation scans are kept."""
    return folder / "scans" / f"{person.participant_id}_evaluation.npz"


def maps_file(folder: Path, person: Person) -> Path:
    """Return where the maps of a person's scans are kept."""
    return folder / "scans" / f"{person.participant_id}_maps.npz"


def sequences_file(folder: Path, person: Person) -> Path:
    """Return where a person's scans of other sequences and their maps are kept."""
    return folder / "scans" / f"{person.participant_id}_sequences.npz"


def registration_file(folder: Path, person: Person) -> Path:
    """Return where a person's place in the template is kept."""
    return folder / "registrations" / f"{person.participant_id}.npy"


def prepare(
    people: list[Person],
    folder: Path,
    settings: TrainingSettings,
    workers: int,
    on_progress: Callable[[int, int], None],
) -> None:
    """Register and simulate everybody who is not on disk yet.

    Each person's files appear whole or not at all, so a killed run goes on where it stopped. Raises
    BrainAgeError for people who cannot be learnt from, once all others are done: they are named
    together, not one after each hour of work. Who looks scanned after a contrast agent, or not
    clearly by a T1, is learnt from, and named in a warning.
    """
    (folder / "scans").mkdir(parents=True, exist_ok=True)
    waiting = [p for p in people if not (_has_scans(p, folder) and has_sequences(p, folder))]
    done = len(people) - len(waiting)
    on_progress(done, len(people))
    wrong: list[BrainAgeError] = []
    seen: dict[SequenceName | None, list[str]] = {}
    with worker_pool(workers, _one_thread) as pool:
        with interruptions_held():
            futures = {pool.submit(prepare_person, p, folder, settings): p for p in waiting}
        for future in as_ended(futures):
            try:
                seen.setdefault(future.result(), []).append(futures[future].participant_id)
            except FullDiskError:
                raise
            except BrainAgeError as error:
                wrong.append(error)
            done += 1
            on_progress(done, len(people))
    _tell_of(seen)
    if len(wrong) > 1:
        each = tuple(sorted(map(str, wrong)))[:MOST_TOLD]
        raise InputError(f"{len(wrong)} people cannot be learnt from", "mend their files", each)
    if wrong:
        raise wrong[0]


def _tell_of(seen: Mapping[SequenceName | None, list[str]]) -> None:
    """Warn of people whose scans show this instead of a plain T1."""
    words: dict[SequenceName | None, str] = {
        "T1w after contrast": "scans that look made after a contrast agent (people: %d) are learnt "
        "from as any other T1: %s; take out those that are",
        "other": "scans that do not show clearly that they are a T1 (people: %d) are learnt from: "
        "%s; look at them, and take out those that are none",
    }
    for sequence, told in words.items():
        if people := seen.get(sequence):
            logger.warning(told, len(people), ", ".join(sorted(people)[:MOST_TOLD]))


def _has_scans(person: Person, folder: Path) -> bool:
    return has_maps(maps_file(folder, person), "sides", *SLICE_ARRAYS)


def has_sequences(person: Person, folder: Path) -> bool:
    """Say whether there is all of other sequences that there can be; older files have less."""
    path = sequences_file(folder, person)
    if person.labels is None:
        return True
    return has_maps(path, "counts") and read_maps([path], "covered").shape[1] == EXPERT_SCANS


def _one_thread() -> None:
    torch.set_num_threads(1)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


def prepare_person(person: Person, folder: Path, settings: TrainingSettings) -> SequenceName | None:
    """Simulate one person's scans and work out their maps; each file is made once.

    Returns the sequence that the scan shows, if it was looked at. Raises BrainAgeError for what
    cannot be learnt from, see ``check_contrast``.
    """
    sequence = None
    if not evaluation_file(folder, person).exists():
        sequence = _simulate(person, folder, settings)
    if not _has_scans(person, folder):
        usual, drawn = evaluation_file(folder, person), training_file(folder, person)
        write_maps(maps_file(folder, person), read_scans(usual) + read_scans(drawn))
    if not has_sequences(person, folder):
        write_sequences(person, folder, settings.seed)
    return sequence


def _simulate(person: Person, folder: Path, settings: TrainingSettings) -> SequenceName | None:
    """Write the scans that are simulated from a brain-extracted one; return what it shows."""
    simulator = simulator_of(person, folder)
    sequence = check_contrast(person, simulator)
    scans = random_scans(simulator, person.participant_id, settings.scans_per_person, settings.seed)
    write_scans(training_file(folder, person), scans)
    judged = evaluation_scans(simulator, person.participant_id, settings.seed)
    write_scans(evaluation_file(folder, person), list(judged.values()))
    return sequence


def write_sequences(person: Person, folder: Path, seed: int) -> None:
    """Write a person's scans of other sequences as a T1 shows them, see ``SEQUENCE_SCANS``.

    ``volumes``: uint8 (scan, z, y, x), see ``packed``. Of the first ``EXPERT_SCANS``: what
    ``write_maps`` keeps but their sides. Of the first ``MEASURED_SCANS``: the slices, as
    ``write_scans`` does.
    """
    name = person.participant_id
    cuts = cut_person(person, simulator_of(person, folder), seed)
    shown = shown_scans(cuts, name, seed)
    volumes = [volume_of_slices(slices) for slices in shown]
    aligned = aligned_scans(shown[:EXPERT_SCANS], volumes[:EXPERT_SCANS])
    protocol = protocols_of(name, seed)[USUAL]
    scans = _arrays_of_scans([stored(slices, protocol) for slices in shown[:MEASURED_SCANS]])
    with written_atomically(sequences_file(folder, person)) as unfinished:
        np.savez(unfinished, allow_pickle=False, **scans, **arrays_of(volumes, aligned))


def simulator_of(person: Person, folder: Path) -> Simulator:
    """Return what simulates scans of a person; the registration is kept in the folder.

    Raises InputError for a scan with more in it than a brain, which would be learnt from as one.
    """
    brain = volume_from_sitk(to_canonical(read_scan(person.path).image))
    not_zero_ml = np.count_nonzero(brain.voxels > 0) * float(np.prod(brain.spacing_mm)) / 1000
    if not_zero_ml > MOST_NOT_ZERO_ML:
        raise InputError(
            f"{person.participant_id}: {not_zero_ml:.0f} ml of {person.path} are not 0, more than "
            "any brain has",
            "models are trained on brain-extracted scans, which are 0 around the brain",
        )
    known = registration_file(folder, person)
    if known.exists():
        template_to_scan = np.load(known, allow_pickle=False)
    else:
        try:
            template_to_scan = register_to_template(brain, load_template()).template_to_scan
        except BrainAgeError as error:
            raise BrainAgeError(f"{person.participant_id}: {error.message}", error.hint) from error
        known.parent.mkdir(parents=True, exist_ok=True)
        with written_atomically(known) as unfinished:
            np.save(unfinished, template_to_scan)
    return Simulator(brain, np.linalg.inv(template_to_scan), template_maps("cpu"))


def write_scans(path: Path, scans: list[StoredScan]) -> None:
    """Write scans to one file; a run that is killed leaves the old file or none."""
    with written_atomically(path) as unfinished:
        np.savez(unfinished, allow_pickle=False, **_arrays_of_scans(scans))


def _arrays_of_scans(scans: list[StoredScan]) -> dict[str, np.ndarray]:
    return {
        "images": np.concatenate([scan.images for scan in scans]),
        "template": np.concatenate([scan.template for scan in scans]),
        "planes": np.concatenate([scan.planes for scan in scans]),
        "counts": np.array([len(scan) for scan in scans]),
        "spacing_mm": np.array([scan.spacing_mm for scan in scans]),
        "plane": np.array([scan.plane for scan in scans]),
        "tilt_degrees": np.array([scan.tilt_degrees for scan in scans]),
    }


def read_scans(path: Path) -> list[StoredScan]:
    """Return the scans that :func:`write_scans` wrote, or ``write_sequences``."""
    with np.load(path, allow_pickle=False) as arrays:
        content = {name: arrays[name] for name in arrays.files}
    ends = np.cumsum(content["counts"])
    return [
        StoredScan(
            content["images"][start:end],
            content["template"][start:end],
            content["planes"][start:end],
            float(content["spacing_mm"][n]),
            str(content["plane"][n]),
            float(content["tilt_degrees"][n]),
        )
        for n, (start, end) in enumerate(zip(ends - content["counts"], ends, strict=True))
    ]
