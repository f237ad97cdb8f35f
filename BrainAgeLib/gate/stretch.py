"""What a registration had to do to a head's shape, whichever way the head was turned.

The affine from scan to template is a rotation followed by a symmetric stretch along the template's
axes (left polar decomposition, A = V R). V tells of the head, and of a header whose spacing is
wrong, but nothing of how the head lay.
"""

from __future__ import annotations

import numpy as np

from BrainAgeLib.gate.measurements import Stretch
from BrainAgeLib.scan.geometry import slice_axis
from BrainAgeLib.template.registration import Registration

# Mean V of 48 registered healthy brains (camcan), template axes x, y, z; SD 0.04 along each. Heads
# are lower than the template's by more than they are narrower.
AVERAGE_STRETCH = np.diag([1.073, 1.068, 1.202])


def measure_stretch(
    registration: Registration, affine: np.ndarray, shape: tuple[int, ...]
) -> Stretch:
    """Return the stretch of a registered scan.

    ``affine``: 4 x 4, index (i, j, k) to LPS world mm. ``shape``: (k, j, i).
    """
    matrix = registration.scan_to_template[:3, :3]
    stretch, factors = stretch_of(matrix)
    directions = matrix @ (affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0))
    # Along each of the scan's axes: the stretch it got, against what the average head gets there.
    turned = np.linalg.solve(stretch, directions)
    relative = np.linalg.norm(directions, axis=0) / np.linalg.norm(AVERAGE_STRETCH @ turned, axis=0)
    axis = slice_axis(affine, shape)
    along = 2 if axis < 0 else axis
    first, second = (float(relative[n]) for n in range(3) if n != along)
    beyond = stretch - AVERAGE_STRETCH
    shear = np.abs(beyond[~np.eye(3, dtype=bool)]).max() / factors.mean()
    return Stretch(
        registration.similarity,
        (float(factors[2]), float(factors[1]), float(factors[0])),
        float(shear),
        float(relative[along]) / float(np.sqrt(first * second)),
        first / second,
    )


def stretch_of(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return V (3 x 3) of A = V R and its factors, largest first."""
    left, factors, _ = np.linalg.svd(matrix)
    return left @ np.diag(factors) @ left.T, factors
