"""The maps of everybody's simulated scans, worked out once and kept on disk.

A person's scans come in one order: those of the evaluation protocols, then the random ones.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.model.brain_maps import (
    alignments,
    covers_the_brain,
    network_maps,
    regional_maps,
)
from BrainAgeLib.model.novelty import Typical, typical_of
from BrainAgeLib.template.intensity import HIGHEST_LEVEL
from BrainAgeLib.template.volume import TemplateVolume, volume_of_slices
from BrainAgeLib.training.simulated_scans import EVALUATION_PROTOCOLS, StoredScan, as_slices
from BrainAgeLib.whole_file import written_atomically

ALIGNED_RANDOM_SCANS = 4
ALIGNED_SCANS = len(EVALUATION_PROTOCOLS) + ALIGNED_RANDOM_SCANS
LEVEL_STEP = HIGHEST_LEVEL / 254.0


def write_maps(path: Path, scans: list[StoredScan]) -> None:
    """Write the maps of one person's scans; a run that is killed leaves no file.

    ``volumes``: uint8 (scan, z, y, x), see ``packed``. ``regional``: float16 (scan, channel, cell)
    of the first ``ALIGNED_SCANS``. ``covered``: bool (scan,) of these, whether the slices cover the
    brain.
    """
    slices = [as_slices(scan, "cpu") for scan in scans]
    volumes = [volume_of_slices(one) for one in slices]
    aligned = volumes[:ALIGNED_SCANS]
    regional = regional_maps(torch.stack([v.images for v in aligned]), alignments(aligned))
    with written_atomically(path) as unfinished:
        np.savez(
            unfinished,
            allow_pickle=False,
            volumes=torch.stack([packed(volume) for volume in volumes]).numpy(),
            regional=regional.half().numpy(),
            covered=np.array([covers_the_brain(one) for one in slices[:ALIGNED_SCANS]]),
        )


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
    judged = slice(0, len(EVALUATION_PROTOCOLS))
    means = []
    for path in paths:
        covered = read_maps([path], "covered")[0, judged]
        means.append(read_maps([path], "regional")[0, judged][covered].float().mean(-1))
    return typical_of(torch.cat(means))
