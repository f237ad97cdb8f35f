"""Training of one fold's regional model: closed forms, some minutes on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from BrainAgeLib.model.regional import Expert, RegionalModel, experts
from BrainAgeLib.records import SequenceName
from BrainAgeLib.training.damped_ridge import DampedRidge, Solution, inner_folds
from BrainAgeLib.training.fold import Fold
from BrainAgeLib.training.people import site_weights
from BrainAgeLib.training.sequence_scans import EXPERT_SCANS, MEASURED_SCANS, SEQUENCE_SCANS
from BrainAgeLib.training.simulate import AXIAL_SCANS, EVALUATION_PROTOCOLS, TIGHT_PROTOCOL

# Set by hand.
RIDGE = 0.01  # of the kernel's diagonal
# Of a sequence's own experts, whose scans are shown as a T1 with some error: of 0.01, 0.03 and 0.1
# it was the best in three folds, by 0.1 years, before the nuisance differences counted.
OWN_RIDGE = 0.03
LEAST_WEIGHT = 1e-4  # of an expert that is kept
ROUNDS_PER_EXPERT = 100  # to settle who gets a weight: experts that say nearly the same take long
# Of the store: the main protocol, loose and tight, and the first random scan are fitted. How the
# tight one and the random ones differ from the usual ones is what the age should not depend on.
# Time grows with the square of both.
TIGHT_SCAN = list(EVALUATION_PROTOCOLS).index(TIGHT_PROTOCOL)
RANDOM_SCAN = len(EVALUATION_PROTOCOLS)
FITTED_SCANS = (0, TIGHT_SCAN, RANDOM_SCAN)
NUISANCE_SCANS = (TIGHT_SCAN, RANDOM_SCAN, RANDOM_SCAN + 1)


def fit(fold: Fold) -> RegionalModel:
    """Return the regional model of a fold."""
    maps, covered = fold.maps("regional"), fold.maps("covered")
    fitted = list(FITTED_SCANS)
    return fit_regional_model(
        maps[:, fitted],
        covered[:, fitted],
        torch.tensor([person.age_years for person in fold.others]),
        nuisance_differences(maps, covered, AXIAL_SCANS, NUISANCE_SCANS),
        torch.from_numpy(fold.weights),
        lambda done, count: fold.say("regions of", done, count),
    )


def fit_own(fold: Fold, sequence: SequenceName) -> RegionalModel:
    """Return the experts that are fitted on a fold's scans of another sequence, shown as a T1.

    How a person's scans of it differ from what the usual scans of all sequences show on average,
    their age should not depend on; whoever has one of these that does not cover the brain counts
    for the ages alone.
    """
    people = fold.with_sequences
    mine = [n for n, (name, *_) in enumerate(SEQUENCE_SCANS[:EXPERT_SCANS]) if name == sequence]
    maps, covered = fold.maps_of_sequences("regional"), fold.maps_of_sequences("covered")
    nuisance = nuisance_differences(maps, covered, range(MEASURED_SCANS), mine)
    maps, covered = maps[:, mine], covered[:, mine]  # the others need not be kept in memory
    return fit_regional_model(
        maps,
        covered,
        torch.tensor([person.age_years for person in people]),
        nuisance,
        torch.from_numpy(site_weights(people)),
        lambda done, count: fold.say(f"{sequence} regions of", done, count),
        OWN_RIDGE,
    )


def fit_regional_model(
    maps: torch.Tensor,
    covered: torch.Tensor,
    ages_years: torch.Tensor,
    nuisance: torch.Tensor | None = None,
    weights: torch.Tensor | None = None,
    on_expert: Callable[[int, int], None] | None = None,
    ridge: float = RIDGE,
) -> RegionalModel:
    """Return a model fitted on maps (person, scan, channel, cell) and ages (person,).

    ``covered``: bool (person, scan), which scans count. ``nuisance``: (difference, channel, cell),
    see ``nuisance_differences``. ``weights``: (person,), how many times each counts. Each expert is
    fitted by kernel ridge regression. The experts' weights are the non-negative least squares of
    the age on what each says of people whom it has not seen (stacking, Wolpert 1992, doi
    10.1016/S0893-6080(05)80023-1; Breiman 1996, doi 10.1007/BF00117832), in folds inside of these
    people.
    """
    people, scans = covered.shape
    rows = torch.nonzero(covered.flatten())[:, 0]
    person = rows // scans
    ages = ages_years.double()[person]
    counts = (torch.ones(people) if weights is None else weights).double()[person]
    inner = inner_folds(ages_years)[person]
    flat = maps.flatten(0, 1)
    center = _mean(flat, rows)
    everyone = experts()
    fitted: list[_Fitted] = []
    for number, expert in enumerate(everyone):
        values = _values_of(flat, rows, expert, center)
        ignored = None if nuisance is None else _place(nuisance, expert).float().flatten(1)
        fit = DampedRidge(values, ages, ridge, nuisance=ignored, weights=counts)
        fitted.append(_Fitted(fit.solution(), fit.inverse_size, fit.says_of_unseen(inner)))
        if on_expert is not None:
            on_expert(number + 1, len(everyone))
    return _stacked(fitted, ages, counts, center)


@dataclass(frozen=True)
class _Fitted:
    """One expert, and what it says (row,) of people whom it has not seen."""

    solution: Solution
    inverse_size: float
    said: torch.Tensor


def _stacked(
    fitted: list[_Fitted], ages: torch.Tensor, counts: torch.Tensor, center: torch.Tensor
) -> RegionalModel:
    """Return the model of the experts that get a weight."""
    mean_age = float(ages.mean())
    said = torch.stack([one.said for one in fitted], 1)
    from scipy.optimize import nnls

    root = counts.sqrt().numpy()
    design, target = (said.numpy() - mean_age) * root[:, None], (ages.numpy() - mean_age) * root
    weights, _ = nnls(design, target, maxiter=ROUNDS_PER_EXPERT * len(fitted))
    kept = [n for n, weight in enumerate(weights) if weight > LEAST_WEIGHT]
    model = RegionalModel(len(kept))
    model.center.copy_(center)
    model.mean_age_years.fill_(mean_age)
    for place, number in enumerate(kept):
        solution = fitted[number].solution
        model.weights[place, : len(solution.weights)] = solution.weights
        model.offsets[place] = solution.offset
        model.inverse_size[place] = fitted[number].inverse_size
        model.shares[place] = float(weights[number])
        model.numbers[place] = number
    return model.eval()


def _values_of(
    flat: torch.Tensor, rows: torch.Tensor, expert: Expert, center: torch.Tensor
) -> torch.Tensor:
    """Return what an expert sees (row, value), centered."""
    one = _place(flat, expert)[rows].float()
    return (one - center[expert.channels][:, expert.cells]).flatten(1)


def _place(maps: torch.Tensor, expert: Expert) -> torch.Tensor:
    """Return the part (row, channel, cell) of maps that an expert sees."""
    return maps[:, expert.channels][:, :, expert.cells]


def nuisance_differences(
    maps: torch.Tensor, covered: torch.Tensor, usual: Sequence[int], random: Sequence[int]
) -> torch.Tensor | None:
    """Return how random scans differ from the mean of a person's usual ones.

    ``maps``: (person, scan, channel, cell). ``covered``: (person, scan). The result is (difference,
    channel, cell) in half precision, or None; scans that do not cover the brain are left out.
    """
    differences = []
    for one, whole in zip(maps, covered, strict=True):
        if bool(whole[list(usual)].all()):
            mean = one[list(usual)].float().mean(0)
            differences += [(one[n].float() - mean).half() for n in random if whole[n]]
    return torch.stack(differences) if differences else None


def _mean(flat: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(flat.shape[1:], dtype=torch.float64)
    for start in range(0, len(rows), 128):
        total += flat[rows[start : start + 128]].double().sum(0)
    return (total / len(rows)).float()
