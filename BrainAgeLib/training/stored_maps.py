"""The maps of everybody's simulated scans, as the models see them: made once and kept.

A person's scans come in the order of ``training.store``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.model.brain_maps import network_maps
from BrainAgeLib.model.novelty import Typical, channel_means, typical_of
from BrainAgeLib.model.sides import TypicalSides, sides_of, typical_sides
from BrainAgeLib.model.slices import slice_values
from BrainAgeLib.model.weights import KINDS
from BrainAgeLib.template.harmonisation import harmonised
from BrainAgeLib.template.intensity import HIGHEST_LEVEL
from BrainAgeLib.template.scan_maps import (
    ScanMaps,
    TemplateVolume,
    aligned_volumes,
    covers_the_brain,
    volume_of_slices,
)
from BrainAgeLib.template.slice_alignment import aligned_slices
from BrainAgeLib.template.slices import SliceSet
from BrainAgeLib.training.simulate import (
    EVALUATION_PROTOCOLS,
    TIGHT_PROTOCOL,
    StoredScan,
    as_slices,
)
from BrainAgeLib.whole_file import written_atomically

ALIGNED_RANDOM_SCANS = 4  # set by hand: alignment takes most of the time
ALIGNED_SCANS = len(EVALUATION_PROTOCOLS) + ALIGNED_RANDOM_SCANS
LEVEL_STEP = HIGHEST_LEVEL / 254.0  # in eight bits, 0 being what was not seen
# Whose single slices are learnt from: set by hand. The first tells how neighbours go together.
SLICE_PROTOCOLS = ("axial 5+1 mm", "axial 7+2 mm", TIGHT_PROTOCOL)
SLICE_RANDOM_SCANS = 3
SLICE_SCANS = (
    *map(list(EVALUATION_PROTOCOLS).index, SLICE_PROTOCOLS),
    *range(len(EVALUATION_PROTOCOLS), len(EVALUATION_PROTOCOLS) + SLICE_RANDOM_SCANS),
)
SLICE_ARRAYS = ("slice_values", "slice_heights_mm", "slice_scans")
# What the kinds of models read in a scan and is kept, by the name of its array.
KEPT = {
    make.__name__.removesuffix("_features"): make
    for kind in KINDS.values()
    for make in kind.kept_features
}


@dataclass(frozen=True)
class ShownSlices:
    """What the experts for few slices see in each slice of one person's scans.

    ``values``: (slice, value), see ``slice_values``. ``heights_mm``: (slice,), at mid-brain.
    ``scans``: (slice,), the number of each slice's scan.
    """

    values: torch.Tensor
    heights_mm: torch.Tensor
    scans: torch.Tensor


def write_maps(path: Path, scans: list[StoredScan]) -> None:
    """Write the maps of one person's scans; a run that is killed leaves no file.

    ``volumes``: uint8 (scan, z, y, x) of the harmonised slices, see ``packed``. Of the first
    ``ALIGNED_SCANS``: ``covered``, bool (scan,), whether the slices cover the brain; ``sides``,
    float16, see ``sides_of``, as they were acquired; and what the kinds of models read in a scan,
    float16 (scan, ...), see ``KEPT``. Of ``SLICE_SCANS``: ``SLICE_ARRAYS``, see ``ShownSlices``.
    """
    slices = [as_slices(scan, "cpu") for scan in scans]
    shown = [harmonised(one) for one in slices]
    volumes = [volume_of_slices(one) for one in shown]
    aligned = aligned_scans(slices[:ALIGNED_SCANS], volumes[:ALIGNED_SCANS])
    sides = torch.stack([sides_of(one.acquired).half() for one in aligned]).numpy()
    with written_atomically(path) as unfinished:
        arrays = arrays_of(volumes, aligned) | _arrays_of_slices(slices, shown)
        np.savez(unfinished, allow_pickle=False, sides=sides, **arrays)


def _arrays_of_slices(slices: list[SliceSet], shown: list[SliceSet]) -> dict[str, np.ndarray]:
    parts = []
    for number in SLICE_SCANS:
        if number < len(slices):
            values = slice_values(aligned_slices(slices[number], shown[number])).half()
            heights = slices[number].mid_brain_heights_mm
            parts.append((values, heights, torch.full_like(heights, number).int()))
    together = (torch.cat(one).numpy() for one in zip(*parts, strict=True))
    return dict(zip(SLICE_ARRAYS, together, strict=True))


def read_slices(path: Path) -> ShownSlices:
    """Return one person's single slices from a file of :func:`write_maps`."""
    with np.load(path, allow_pickle=False) as arrays:
        values, heights_mm, scans = (torch.from_numpy(arrays[name]) for name in SLICE_ARRAYS)
    return ShownSlices(values.float(), heights_mm, scans)


def aligned_scans(slices: list[SliceSet], volumes: list[TemplateVolume]) -> list[ScanMaps]:
    """Return what the models see of scans and the volumes that they are shown as."""
    together = aligned_volumes(volumes)  # many at once take less time
    return [
        ScanMaps(one, volume, volume_of_slices(one), covers_the_brain(one), together.of_scan(n))
        for n, (one, volume) in enumerate(zip(slices, volumes, strict=True))
    ]


def arrays_of(volumes: list[TemplateVolume], aligned: list[ScanMaps]) -> dict[str, np.ndarray]:
    """Return ``volumes`` of all scans, ``covered`` and ``KEPT`` of the aligned ones, to be kept."""
    kept = {
        name: torch.cat([one.features(make) for one in aligned]).half().numpy()
        for name, make in KEPT.items()
    }
    return {
        "volumes": torch.stack([packed(volume) for volume in volumes]).numpy(),
        "covered": np.array([one.covers_brain for one in aligned]),
        **kept,
    }


def has_maps(path: Path, *others: str) -> bool:
    """Say whether a file holds all that the kinds of models read; it may be older than a kind.

    ``others``: arrays that are kept there as well.
    """
    if not path.exists():
        return False
    with np.load(path, allow_pickle=False) as arrays:
        return set(arrays.files) >= {"volumes", "covered", *others, *KEPT}


def stored_maps(path: Path, scans: Sequence[StoredScan]) -> list[ScanMaps]:
    """Return what the models see of the first scans of a file of :func:`write_maps`."""
    volumes, covered = read_maps([path], "volumes")[0], read_maps([path], "covered")[0]
    kept = {make: read_maps([path], name)[0] for name, make in KEPT.items()}
    return [
        ScanMaps(
            as_slices(scan, "cpu"),
            unpacked(volumes[number]),
            volume_of_slices(as_slices(scan, "cpu")),
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
        sides.append(read_maps([path], "sides")[0, covered])
        is_usual.append(covered < len(EVALUATION_PROTOCOLS))
    return typical_sides(torch.cat(sides), torch.cat(is_usual))
