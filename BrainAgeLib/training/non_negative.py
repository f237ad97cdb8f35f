"""Non-negative least squares for the few dozen experts of a stack."""

from __future__ import annotations

import numpy as np

TOLERANCE = 1e-10


def non_negative_least_squares(design: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the weights (column,) >= 0 that minimise |design @ weights - target|.

    ``design``: (row, column). The active-set method of Lawson and Hanson (1974, Solving Least
    Squares Problems, chapter 23).
    """
    gram, right = design.T @ design, design.T @ target
    weights = np.zeros(design.shape[1])
    free = np.zeros(design.shape[1], bool)
    limit = TOLERANCE * float(np.abs(right).max(initial=0.0))
    for _ in range(3 * design.shape[1]):
        pull = np.where(free, -np.inf, right - gram @ weights)
        if free.all() or pull.max() <= limit:
            break
        free[int(np.argmax(pull))] = True
        weights = _retreat(gram, right, weights, free)
    return weights


def _retreat(
    gram: np.ndarray, right: np.ndarray, weights: np.ndarray, free: np.ndarray
) -> np.ndarray:
    """Solve for the free columns; fix those that would turn negative, until none does."""
    while True:
        wanted = np.zeros_like(weights)
        wanted[free] = np.linalg.solve(gram[np.ix_(free, free)], right[free])
        negative = free & (wanted <= 0)
        if not negative.any():
            return wanted
        step = float(np.min(weights[negative] / (weights[negative] - wanted[negative])))
        weights = weights + step * (wanted - weights)
        free &= weights > TOLERANCE
        weights[~free] = 0.0
