"""Everybody's simulated scans and the maps of them, made once and kept: the slow part of training.

A person's scans come in one order: those of the evaluation protocols, then the random ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.model.brain_maps import network_maps
from BrainAgeLib.model.novelty import Typical, channel_means, typical_of
from BrainAgeLib.model.sides import TypicalSides, sides_of, typical_sides
from BrainAgeLib.model.weights import KINDS
from BrainAgeLib.orphans import interruptions_held, worker_pool
from BrainAgeLib.scan.geometry import to_canonical, volume_from_sitk
from BrainAgeLib.scan.read import read_scan
from BrainAgeLib.template.intensity import HIGHEST_LEVEL
from BrainAgeLib.template.registration import register_to_template
from BrainAgeLib.template.scan_maps import (
    ScanMaps,
    TemplateVolume,
    aligned_volumes,
    covers_the_brain,
    volume_of_slices,
)
from BrainAgeLib.template.slices import TemplateMaps
from BrainAgeLib.template.template import load_template
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.simulate import (
    EVALUATION_PROTOCOLS,
    Simulator,
    StoredScan,
    as_slices,
    evaluation_scans,
    random_scans,
)
from BrainAgeLib.whole_file import written_atomically

ALIGNED_RANDOM_SCANS = 4  # set by hand: alignment takes most of the time
ALIGNED_SCANS = len(EVALUATION_PROTOCOLS) + ALIGNED_RANDOM_SCANS
LEVEL_STEP = HIGHEST_LEVEL / 254.0  # in eight bits, 0 being what was not seen
# What the kinds of models read in a scan and is kept, by the name of its array.
KEPT = {
    make.__name__.removesuffix("_features"): make
    for kind in KINDS.values()
    for make in kind.kept_features
}


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
    with worker_pool(workers, _one_thread) as pool:
        with interruptions_held():
            futures = [pool.submit(prepare_person, person, folder, settings) for person in waiting]
        for future in as_completed(futures):
            future.result()
            done += 1
            on_progress(done, len(people))


def _one_thread() -> None:
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


def write_scans(path: Path, scans: list[StoredScan]) -> None:
    """Write scans to one file; a run that is killed leaves the old file or none."""
    arrays = {
        "images": np.concatenate([scan.images for scan in scans]),
        "template": np.concatenate([scan.template for scan in scans]),
        "planes": np.concatenate([scan.planes for scan in scans]),
        "counts": np.array([len(scan) for scan in scans]),
        "spacing_mm": np.array([scan.spacing_mm for scan in scans]),
        "plane": np.array([scan.plane for scan in scans]),
        "tilt_degrees": np.array([scan.tilt_degrees for scan in scans]),
    }
    with written_atomically(path) as unfinished:
        np.savez(unfinished, allow_pickle=False, **arrays)


def read_scans(path: Path) -> list[StoredScan]:
    """Return the scans that :func:`write_scans` wrote."""
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


def write_maps(path: Path, scans: list[StoredScan]) -> None:
    """Write the maps of one person's scans; a run that is killed leaves no file.

    ``volumes``: uint8 (scan, z, y, x), see ``packed``. Of the first ``ALIGNED_SCANS``: ``covered``,
    bool (scan,), whether the slices cover the brain; and what the kinds of models read in a scan,
    float16 (scan, ...), see ``KEPT``.
    """
    slices = [as_slices(scan, "cpu") for scan in scans]
    volumes = [volume_of_slices(one) for one in slices]
    together = aligned_volumes(volumes[:ALIGNED_SCANS])  # many at once take less time
    aligned = [
        ScanMaps(slices[n], volumes[n], covers_the_brain(slices[n]), together.of_scan(n))
        for n in range(len(together.levels))
    ]
    kept = {
        name: torch.cat([one.features(make) for one in aligned]).half().numpy()
        for name, make in KEPT.items()
    }
    with written_atomically(path) as unfinished:
        np.savez(
            unfinished,
            allow_pickle=False,
            volumes=torch.stack([packed(volume) for volume in volumes]).numpy(),
            covered=np.array([one.covers_brain for one in aligned]),
            **kept,
        )


def has_maps(path: Path) -> bool:
    """Say whether a file holds all that the kinds of models read; it may be older than a kind."""
    if not path.exists():
        return False
    with np.load(path, allow_pickle=False) as arrays:
        return set(arrays.files) >= {"volumes", "covered", *KEPT}


def stored_maps(path: Path, scans: Sequence[StoredScan]) -> list[ScanMaps]:
    """Return what the models see of the first scans of a file of :func:`write_maps`."""
    volumes, covered = read_maps([path], "volumes")[0], read_maps([path], "covered")[0]
    kept = {make: read_maps([path], name)[0] for name, make in KEPT.items()}
    return [
        ScanMaps(
            as_slices(scan, "cpu"),
            unpacked(volumes[number]),
            bool(covered[number]),
            known={make: values[number : number + 1].float() for make, values in kept.items()},
        )
        for number, scan in enumerate(scans)
    ]


def packed(volume: TemplateVolume) -> torch.Tensor:
    """Return a volume in uint8: 0 where nothing was seen, else 1 and the level in steps."""
    levels = 1 + (volume.images / LEVEL_STEP).round().clamp(0, 254)
    return (levels * volume.seen).byte()


def unpacked(volumes: torch.Tensor) -> TemplateVolume:
    """Return what :func:`packed` kept of one or several volumes (..., z, y, x)."""
    return TemplateVolume((volumes.float() - 1).clamp(min=0) * LEVEL_STEP, volumes > 0)


def read_maps(paths: list[Path], name: str) -> torch.Tensor:
    """Return one of the arrays of :func:`write_maps` of several people (person, scan, ...)."""
    result: torch.Tensor | None = None
    for number, path in enumerate(paths):
        with np.load(path, allow_pickle=False) as arrays:
            one = torch.from_numpy(arrays[name])
        if result is None:
            result = torch.empty((len(paths), *one.shape), dtype=one.dtype)
        result[number] = one
    if result is None:
        raise ValueError("there is nobody to read")
    return result


def mean_maps(paths: list[Path]) -> torch.Tensor:
    """Return the mean tissue maps (3, z, y, x) of everybody's scan of the main protocol."""
    total = torch.zeros(())
    for path in paths:
        total = total + network_maps(unpacked(read_maps([path], "volumes")[0, 0]))[:3]
    return total / len(paths)


def typical_maps(paths: list[Path]) -> Typical:
    """Return what is typical of the scans that the intervals are fitted on.

    These are the evaluation protocols; the random contrasts of training are not among them.
    """
    usual = slice(0, len(EVALUATION_PROTOCOLS))
    means = []
    for path in paths:
        covered = read_maps([path], "covered")[0, usual]
        means.append(channel_means(read_maps([path], "regional")[0, usual][covered]))
    return typical_of(torch.cat(means))


def typical_sides_of(paths: list[Path]) -> TypicalSides:
    """Return what is typical of the sides of the first scans; the evaluation protocols are usual.

    Contrasts and strips drawn at random show where sides differ once a scan is not as good.
    """
    sides, is_usual = [], []
    for path in paths:
        covered = torch.nonzero(read_maps([path], "covered")[0])[:, 0]
        volumes = read_maps([path], "volumes")[0, covered]
        sides += [sides_of(unpacked(volume)).half() for volume in volumes]
        is_usual.append(covered < len(EVALUATION_PROTOCOLS))
    return typical_sides(torch.stack(sides), torch.cat(is_usual))
