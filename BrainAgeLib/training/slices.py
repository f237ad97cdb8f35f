"""Training of one fold's slice model: closed forms, some minutes on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from BrainAgeLib.model.slices import (
    FARTHEST_MM,
    HEIGHT_SCALE_MM,
    HEIGHTS,
    SliceModel,
    expert_heights_mm,
)
from BrainAgeLib.training.damped_ridge import (
    DampedRidge,
    TallDampedRidge,
    damped_ridge,
    inner_folds,
)
from BrainAgeLib.training.fold import Fold
from BrainAgeLib.training.store import maps_file
from BrainAgeLib.training.stored_maps import ShownSlices, read_slices

# Set by hand.
SLICES_PER_SCAN = 3  # of each scan, nearest to an expert's height
RIDGE = 0.01  # of the kernel's diagonal
LEAST_VARIANCE = 1.0  # years squared, added to each expert's variance


def fit(fold: Fold) -> SliceModel:
    """Return the slice model of a fold."""
    shown = [read_slices(maps_file(fold.folder, person)) for person in fold.others]
    return fit_slice_model(
        shown, fold.ages_years, lambda done, count: fold.say("heights of", done, count)
    )


def fit_slice_model(
    people: Sequence[ShownSlices],
    ages_years: np.ndarray,
    on_height: Callable[[int, int], None] | None = None,
) -> SliceModel:
    """Return a model fitted on the slices of each person and their ages (person,).

    The first scan of each person is the one that tells how the experts at different heights go
    together.
    """
    ages = torch.from_numpy(ages_years).double()
    inner = inner_folds(ages)
    model = SliceModel()
    model.mean_age_years.fill_(float(ages.mean()))
    said = torch.full((len(people), HEIGHTS), torch.nan, dtype=torch.float64)
    for height in range(HEIGHTS):
        person, values, above = _slices_at(expert_heights_mm(height), people)
        if len(person.unique()) < len(people) // 2:
            continue
        center = values.mean(0)
        fit = damped_ridge(values - center, ages[person], RIDGE, above[:, None])
        unseen = fit.says_of_unseen(inner[person]) - ages.mean()
        first = _first_of_each(person)
        said[person[first], height] = unseen[first]
        _take_over(model, height, center, fit)
        if on_height is not None:
            on_height(height + 1, HEIGHTS)
    _relate(model, said, ages)
    return model.eval()


def _slices_at(
    height_mm: float, people: Sequence[ShownSlices]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return person (row,), values (row, value) and how far above (row,) the slices lie."""
    persons, values, above = [], [], []
    for number, mine in enumerate(people):
        away_mm = mine.heights_mm - height_mm
        for scan in mine.scans.unique():
            rows = torch.nonzero(mine.scans == scan)[:, 0]
            near = rows[away_mm[rows].abs().argsort(stable=True)[:SLICES_PER_SCAN]]
            near = near[away_mm[near].abs() <= FARTHEST_MM]
            values.append(mine.values[near])
            above.append(away_mm[near] / HEIGHT_SCALE_MM)
            persons.append(torch.full_like(near, number))
    return torch.cat(persons), torch.cat(values), torch.cat(above)


def _first_of_each(person: torch.Tensor) -> torch.Tensor:
    """Return the first row of each person; rows are in the order of people."""
    start = torch.ones(len(person), dtype=torch.bool)
    start[1:] = person[1:] != person[:-1]
    return torch.nonzero(start)[:, 0]


def _take_over(
    model: SliceModel, height: int, center: torch.Tensor, fit: DampedRidge | TallDampedRidge
) -> None:
    solution = fit.solution()
    model.base[height] = float(fit.ages.mean()) - float(model.mean_age_years)
    model.center[height] = center
    model.weights[height] = solution.weights
    model.slopes[height] = solution.extra[0]
    model.offsets[height] = solution.offset
    model.inverse_size[height] = fit.inverse_size


def _relate(model: SliceModel, said: torch.Tensor, ages: torch.Tensor) -> None:
    """Work out how what the experts say goes together, and with the age."""
    known = ~said.isnan()
    mean = torch.where(known, said, torch.zeros_like(said)).sum(0) / known.sum(0).clamp(min=1)
    centered = torch.where(known, said - mean, torch.zeros_like(said))
    counts = (known.double().T @ known.double()).clamp(min=1)
    covariance = centered.T @ centered / counts
    unknown = known.sum(0) == 0  # an expert that was never fitted says nothing
    covariance += torch.diag(LEAST_VARIANCE + 1e6 * unknown.double())
    model.covariance.copy_(covariance)
    model.mean_said.copy_(mean)
    model.with_age.copy_(centered.T @ (ages - ages.mean()) / known.sum(0).clamp(min=1))
