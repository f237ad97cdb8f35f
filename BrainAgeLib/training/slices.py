"""Training of one fold's slice model: closed forms, some minutes on a CPU."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from BrainAgeLib.model.slices import (
    FARTHEST_MM,
    HEIGHT_SCALE_MM,
    HEIGHTS,
    SliceModel,
    expert_heights_mm,
    slice_values,
)
from BrainAgeLib.training.damped_ridge import (
    DampedRidge,
    TallDampedRidge,
    damped_ridge,
    inner_folds,
)
from BrainAgeLib.training.fold import Fold
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.simulate import AXIAL_SCANS, StoredScan, as_slices
from BrainAgeLib.training.store import evaluation_file, read_scans, training_file

# Set by hand.
SLICES_PER_SCAN = 2  # of each scan, nearest to an expert's height
RIDGE = 0.03  # of the kernel's diagonal
LEAST_VARIANCE = 1.0  # years squared, added to each expert's variance

RANDOM_SCANS = 2  # beside the axial ones: set by hand

Scans = list[list[StoredScan]]


def fit(fold: Fold) -> SliceModel:
    """Return the slice model of a fold."""
    scans = [_axial_scans(fold, person) for person in fold.others]
    return fit_slice_model(
        scans, fold.ages_years, lambda done, count: fold.say("heights of", done, count)
    )


def _axial_scans(fold: Fold, person: Person) -> list[StoredScan]:
    usual = read_scans(evaluation_file(fold.folder, person))
    random = read_scans(training_file(fold.folder, person))
    return [usual[n] for n in AXIAL_SCANS] + random[:RANDOM_SCANS]


def fit_slice_model(
    scans: Scans, ages_years: np.ndarray, on_height: Callable[[int, int], None] | None = None
) -> SliceModel:
    """Return a model fitted on the scans of each person and their ages (person,).

    The first scan of each person is the one that tells how the experts at different heights go
    together.
    """
    ages = torch.from_numpy(ages_years).double()
    inner = inner_folds(ages)
    model = SliceModel()
    model.mean_age_years.fill_(float(ages.mean()))
    said = torch.full((len(scans), HEIGHTS), torch.nan, dtype=torch.float64)
    for height in range(HEIGHTS):
        person, values, above = _slices_at(expert_heights_mm(height), scans)
        if len(person.unique()) < len(scans) // 2:
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


def _slices_at(height_mm: float, scans: Scans) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return person (row,), values (row, value) and how far above (row,) the slices lie."""
    people, values, above = [], [], []
    for number, mine in enumerate(scans):
        for scan in mine:
            distance = scan.mid_brain_heights_mm - height_mm
            near = np.argsort(np.abs(distance), kind="stable")[:SLICES_PER_SCAN]
            near = near[np.abs(distance[near]) <= FARTHEST_MM]
            if len(near) == 0:
                continue
            values.append(slice_values(as_slices(scan, "cpu").images[torch.from_numpy(near)]))
            above.append(torch.from_numpy(distance[near] / HEIGHT_SCALE_MM).float())
            people += [number] * len(near)
    if not people:
        return torch.zeros(0, dtype=torch.long), torch.zeros(0, 0), torch.zeros(0)
    return torch.tensor(people), torch.cat(values), torch.cat(above)


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
