"""Kernel ridge regression of one expert: linear, and damped for what is unlike anybody."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from BrainAgeLib.model.regional import DAMPING

# Set by hand.
INNER_FOLDS = 5
SMALLEST_SIZE = 1e-12  # of values that do not differ between people
NUISANCE_SIZE = 1.0  # what nuisance differences are weighed against, of their mean square
ROWS_AT_ONCE = 4096
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
    kernel's diagonal. ``nuisance``: (difference, value), how scans of one person differ that
    should have one age; weights that see such differences cost more (in the manner of tangent
    propagation, Simard et al. 1992): the prior of the weights w is exp(-(|w|^2 + |U w|^2) / 2),
    U being the nuisance differences over their root mean square. ``weights``: (row,), how many
    times each row counts.
    """

    def __init__(
        self,
        values: torch.Tensor,
        ages: torch.Tensor,
        ridge: float,
        extra: torch.Tensor | None = None,
        nuisance: torch.Tensor | None = None,
        weights: torch.Tensor | None = None,
    ) -> None:
        weights = ages.new_ones(len(ages)) if weights is None else weights
        self.ridges = ridge / weights.double()
        self.values, self.ages = values, ages
        self.extra = values.new_zeros((len(values), 0)) if extra is None else extra
        products = (values @ values.T).double()
        self.inverse_size = _inverse_size(products)
        self.damping = torch.exp(-DAMPING * self.inverse_size * products.diagonal())
        self.ignored = None if nuisance is None else _Ignored(values, nuisance)
        if self.ignored is not None:
            products -= self.ignored.products()
        self.slope = 2 * DAMPING * _inverse_size(products)
        linear = self.slope * products
        linear += 2 * DAMPING * EXTRA_WEIGHT * (self.extra @ self.extra.T).double()
        self.kernel = self.damping[:, None] * self.damping * (1 + linear)

    def _solve(self, rows: torch.Tensor) -> tuple[torch.Tensor, float]:
        mean = float(self.ages[rows].mean())
        kernel = self.kernel[rows][:, rows]
        kernel = kernel + torch.diag(self.ridges[rows])
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
        weights = weighted.float() @ self.values
        if self.ignored is not None:
            weights -= self.ignored.weights(weighted)
        weights *= self.slope
        extra = 2 * DAMPING * EXTRA_WEIGHT * (weighted.float() @ self.extra)
        return Solution(weights, extra, float(weighted.sum()))


class TallDampedRidge:
    """The regression of :class:`DampedRidge` by its values, for many more rows than values.

    Without nuisance and weights of rows. Time and memory grow with the rows, not with their square.
    """

    def __init__(
        self, values: torch.Tensor, ages: torch.Tensor, ridge: float, extra: torch.Tensor
    ) -> None:
        self.ages, self.ridge, self.extra_count = ages, ridge, extra.shape[1]
        sizes = values.square().sum(1).double()
        self.inverse_size = 0.5 / max(float(sizes.mean()), SMALLEST_SIZE)
        self.slope = 2 * DAMPING * self.inverse_size
        parts = [values.new_ones((len(values), 1)), values * self.slope**0.5]
        parts.append(extra * (2 * DAMPING * EXTRA_WEIGHT) ** 0.5)
        self.damped = torch.cat(parts, 1)
        self.damped *= torch.exp(-DAMPING * self.inverse_size * sizes).to(values)[:, None]

    def says_of_unseen(self, inner: torch.Tensor) -> torch.Tensor:
        """Return the ages (row,) that fits without each row's inner fold give."""
        result = torch.zeros_like(self.ages)
        products = self._products(torch.arange(len(inner)))
        for fold in range(INNER_FOLDS):
            rows = torch.nonzero(inner != fold)[:, 0]
            others = torch.nonzero(inner == fold)[:, 0]
            if len(others):
                solution, mean = self._solve(products - self._products(others), rows)
                result[others] = mean + self.damped[others].double() @ solution
        return result

    def solution(self) -> Solution:
        """Return the fit on all rows."""
        rows = torch.arange(len(self.ages))
        solution, _ = self._solve(self._products(rows), rows)
        weights, extra = solution[1:].split(
            [len(solution) - 1 - self.extra_count, self.extra_count]
        )
        return Solution(
            (weights * self.slope**0.5).float(),
            (extra * (2 * DAMPING * EXTRA_WEIGHT) ** 0.5).float(),
            float(solution[0]),
        )

    def _products(self, rows: torch.Tensor) -> torch.Tensor:
        # In blocks: summed up in 32 bits, many people's would be known no better than the ridge.
        blocks = (self.damped[some] for some in rows.split(ROWS_AT_ONCE))
        return torch.stack([(block.T @ block).double() for block in blocks]).sum(0)

    def _solve(self, products: torch.Tensor, rows: torch.Tensor) -> tuple[torch.Tensor, float]:
        mean = float(self.ages[rows].mean())
        wanted = self.damped[rows].T.double() @ (self.ages[rows] - mean)
        ridge = self.ridge * torch.eye(len(products), dtype=products.dtype)
        triangle = torch.linalg.cholesky(products + ridge)
        return torch.cholesky_solve(wanted[:, None], triangle)[:, 0], mean


def damped_ridge(
    values: torch.Tensor, ages: torch.Tensor, ridge: float, extra: torch.Tensor
) -> DampedRidge | TallDampedRidge:
    """Return the regression the way that takes less time: by its rows or by its values."""
    make = DampedRidge if len(values) <= values.shape[1] else TallDampedRidge
    return make(values, ages, ridge, extra)


class _Ignored:
    """What nuisance differences take from the products of values, and from weights."""

    def __init__(self, values: torch.Tensor, nuisance: torch.Tensor) -> None:
        self.nuisance = nuisance
        among = (nuisance @ nuisance.T).double()
        size = max(float(among.diagonal().mean()), SMALLEST_SIZE)
        among += NUISANCE_SIZE * size * torch.eye(len(among), dtype=among.dtype)
        self.triangle = torch.linalg.cholesky(among)
        seen = (nuisance @ values.T).double()
        self.seen = torch.linalg.solve_triangular(self.triangle, seen, upper=False)

    def products(self) -> torch.Tensor:
        """Return what the products (row, row) of the values lose."""
        return self.seen.T @ self.seen

    def weights(self, weighted: torch.Tensor) -> torch.Tensor:
        """Return what the sum (value,) of the rows with these weights loses."""
        solved = torch.linalg.solve_triangular(
            self.triangle.T, (self.seen @ weighted)[:, None], upper=True
        )
        return solved[:, 0].float() @ self.nuisance


def _inverse_size(products: torch.Tensor) -> float:
    return 0.5 / max(float(products.diagonal().mean()), SMALLEST_SIZE)


def inner_folds(ages_years: torch.Tensor) -> torch.Tensor:
    """Return the inner fold (person,): neighbours in age are dealt out in turn."""
    rank = torch.argsort(torch.argsort(ages_years, stable=True))
    return (rank * 7919) % INNER_FOLDS  # a prime, so that folds do not follow the order of names
