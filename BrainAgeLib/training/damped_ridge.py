"""Kernel ridge regression of one expert: linear, and damped for what is unlike anybody."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from BrainAgeLib.model.regional_model import DAMPING

INNER_FOLDS = 5
SMALLEST_SIZE = 1e-12  # of values that do not differ between people
EXTRA_WEIGHT = 0.04  # of extra values' products beside those of values of mean square 1/2


@dataclass(frozen=True)
class Solution:
    """An expert says damping * (offset + weights @ values + extra @ extra values)."""

    weights: torch.Tensor
    extra: torch.Tensor
    offset: float


class DampedRidge:
    """The regression on centered values (row, value) of ages (row,) in years.

    ``extra``: (row, few), further values that do not count for the damping. ``ridge``: of the
    kernel's diagonal.
    """

    def __init__(
        self,
        values: torch.Tensor,
        ages: torch.Tensor,
        ridge: float,
        extra: torch.Tensor | None = None,
    ) -> None:
        self.values, self.ages, self.ridge = values, ages, ridge
        self.extra = values.new_zeros((len(values), 0)) if extra is None else extra
        products = (values @ values.T).double()
        self.inverse_size = 0.5 / max(float(products.diagonal().mean()), SMALLEST_SIZE)
        products *= self.inverse_size
        self.damping = torch.exp(-DAMPING * products.diagonal())
        products += EXTRA_WEIGHT * (self.extra @ self.extra.T).double()
        self.kernel = self.damping[:, None] * self.damping * (1 + 2 * DAMPING * products)

    def _solve(self, rows: torch.Tensor) -> tuple[torch.Tensor, float]:
        mean = float(self.ages[rows].mean())
        kernel = self.kernel[rows][:, rows]
        kernel = kernel + self.ridge * torch.eye(len(rows), dtype=kernel.dtype)
        triangle = torch.linalg.cholesky(kernel)
        solution = torch.cholesky_solve((self.ages[rows] - mean)[:, None], triangle)
        return solution[:, 0], mean

    def says_of_unseen(self, inner: torch.Tensor) -> torch.Tensor:
        """Return the ages (row,) that fits without each row's inner fold give."""
        result = torch.zeros_like(self.ages)
        for fold in range(INNER_FOLDS):
            rows = torch.nonzero(inner != fold)[:, 0]
            others = torch.nonzero(inner == fold)[:, 0]
            solution, mean = self._solve(rows)
            result[others] = mean + self.kernel[others][:, rows] @ solution
        return result

    def solution(self) -> Solution:
        """Return the fit on all rows."""
        solution, _ = self._solve(torch.arange(len(self.ages)))
        weighted = solution * self.damping
        slope = 2 * DAMPING * self.inverse_size
        weights = slope * (weighted.float() @ self.values)
        extra = 2 * DAMPING * EXTRA_WEIGHT * (weighted.float() @ self.extra)
        return Solution(weights, extra, float(weighted.sum()))


def inner_folds(ages_years: torch.Tensor) -> torch.Tensor:
    """Return the inner fold (person,): neighbours in age are dealt out in turn."""
    rank = torch.argsort(torch.argsort(ages_years, stable=True))
    return (rank * 7919) % INNER_FOLDS  # a prime, so that folds do not follow the order of names
