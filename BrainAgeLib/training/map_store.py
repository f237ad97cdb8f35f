"""The maps of everybody's simulated scans, worked out once and kept on disk.

A person's scans come in one order: those of the evaluation protocols, then the random ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.model.blend import KINDS
from BrainAgeLib.model.brain_maps import (
    ScanMaps,
    alignment_of,
    alignments,
    maps_of_scan,
    network_maps,
)
from BrainAgeLib.model.novelty import Typical, typical_of
from BrainAgeLib.template.intensity import HIGHEST_LEVEL
from BrainAgeLib.template.volume import TemplateVolume
from BrainAgeLib.training.simulated_scans import EVALUATION_PROTOCOLS, StoredScan, as_slices
from BrainAgeLib.whole_file import written_atomically

ALIGNED_RANDOM_SCANS = 4
ALIGNED_SCANS = len(EVALUATION_PROTOCOLS) + ALIGNED_RANDOM_SCANS
LEVEL_STEP = HIGHEST_LEVEL / 254.0
# What the kinds of models read in a scan and is kept, by the name of its array.
KEPT = {
    make.__name__.removesuffix("_features"): make
    for kind in KINDS.values()
    for make in kind.kept_features
}


def write_maps(path: Path, scans: list[StoredScan]) -> None:
    """Write the maps of one person's scans; a run that is killed leaves no file.

    ``volumes``: uint8 (scan, z, y, x), see ``packed``. Of the first ``ALIGNED_SCANS``: ``covered``,
    bool (scan,), whether the slices cover the brain; and what the kinds of models read in a scan,
    float16 (scan, ...), see ``KEPT``.
    """
    maps = [maps_of_scan(as_slices(scan, "cpu")) for scan in scans]
    aligned = maps[:ALIGNED_SCANS]
    if KEPT:
        fields = alignments([one.volume for one in aligned])
        for one, field in zip(aligned, fields, strict=True):
            one.known[alignment_of] = field[None]
    kept = {
        name: torch.cat([one.features(make) for one in aligned]).half().numpy()
        for name, make in KEPT.items()
    }
    with written_atomically(path) as unfinished:
        np.savez(
            unfinished,
            allow_pickle=False,
            volumes=torch.stack([packed(one.volume) for one in maps]).numpy(),
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
            {make: values[number : number + 1].float() for make, values in kept.items()},
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


def read_maps(
    paths: list[Path], name: str, on_file: Callable[[], None] | None = None
) -> torch.Tensor:
    """Return one of the arrays of :func:`write_maps` of several people (person, scan, ...)."""
    result: torch.Tensor | None = None
    for number, path in enumerate(paths):
        with np.load(path, allow_pickle=False) as arrays:
            one = torch.from_numpy(arrays[name])
        if result is None:
            result = torch.empty((len(paths), *one.shape), dtype=one.dtype)
        result[number] = one
        if on_file is not None:
            on_file()
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
        means.append(read_maps([path], "regional")[0, usual][covered].float().mean(-1))
    return typical_of(torch.cat(means))
