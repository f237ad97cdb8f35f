"""A scan on its way to the gate, as the study changes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from BrainAgeLib.scan.geometry import Volume


@dataclass(frozen=True)
class Case:
    """A scan on its way to the gate.

    ``white``: brightness of white matter. ``mask``: the brain (k, j, i), bool; a fault that changes
    the picture sets it to None, to be found anew. ``move``: 4 x 4, put after the registration, mm.
    """

    volume: Volume
    white: float
    mask: Any = None
    move: np.ndarray | None = None


def with_voxels(case: Case, voxels: np.ndarray) -> Case:
    changed = case.volume.with_voxels(voxels.astype(np.float32))
    return replace(case, volume=changed, mask=None)
