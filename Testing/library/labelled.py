"""Somebody with tissue labels, for tests of what is simulated from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.records import SequenceName
from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.template.sequences import SequenceNetwork
from BrainAgeLib.training.people import Person
from Testing.library.phantoms import coarse_brain, coarse_labels, write_volume


def labelled_person(folder: Path, name: str = "sub-01") -> Person:
    """Return somebody of 50 whose brain is the template's, at 4 mm, placed already."""
    for part in ("scans", "registrations"):
        (folder / part).mkdir(exist_ok=True)
    np.save(folder / "registrations" / f"{name}.npy", np.eye(4))
    scan = write_volume(coarse_brain(), folder / f"{name}_T1w.nii.gz")
    labels = write_volume(coarse_labels(), folder / f"{name}_dseg.nii.gz")
    return Person(name, 50.0, "F", scan, labels=labels)


def with_other(labels: Volume, number: int) -> Volume:
    """Return labels with one voxel of another number."""
    voxels = labels.voxels.astype(np.float32)
    voxels[tuple(np.argwhere(voxels == 1)[0])] = number
    return Volume(voxels, labels.affine)


def untaught_network(_device: str, _sequence: SequenceName = "T2w") -> SequenceNetwork:
    """Return what stands for the bundled network: it changes nothing but the order of a T2."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return SequenceNetwork().eval().requires_grad_(False)
