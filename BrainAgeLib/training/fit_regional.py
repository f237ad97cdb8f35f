"""Training of one fold's regional model: closed forms, some minutes on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load, save

from BrainAgeLib.model.regional_model import Expert, RegionalModel, experts
from BrainAgeLib.training.damped_ridge import DampedRidge, Solution, inner_folds
from BrainAgeLib.training.non_negative import non_negative_least_squares
from BrainAgeLib.whole_file import write_atomically

RIDGE = 0.01  # of the kernel's diagonal
LEAST_SHARE = 1e-4


def fit_regional_model(
    maps: torch.Tensor,
    covered: torch.Tensor,
    ages_years: torch.Tensor,
    unwanted: torch.Tensor | None = None,
    on_expert: Callable[[int, int], None] | None = None,
) -> RegionalModel:
    """Return a model fitted on maps (person, scan, channel, cell) and ages (person,).

    ``covered``: bool (person, scan), which scans count. ``unwanted``: (difference, channel, cell),
    see ``unwanted_differences``. Each expert is fitted by kernel ridge regression. The experts'
    weights are the non-negative least squares of the age on what each says of people whom it has
    not seen (stacking, Wolpert 1992, doi 10.1016/S0893-6080(05)80023-1;
    Breiman 1996, doi 10.1007/BF00117832), in folds inside of these people.
    """
    people, scans = covered.shape
    rows = torch.nonzero(covered.flatten())[:, 0]
    person = rows // scans
    ages = ages_years.double()[person]
    inner = inner_folds(ages_years)[person]
    flat = maps.flatten(0, 1)
    center = _mean(flat, rows)
    everyone = experts()
    fitted: list[_Fitted] = []
    for number, expert in enumerate(everyone):
        values = _values_of(flat, rows, expert, center)
        ignored = None if unwanted is None else _place(unwanted, expert).float().flatten(1)
        fit = DampedRidge(values, ages, RIDGE, unwanted=ignored)
        fitted.append(_Fitted(fit.solution(), fit.inverse_size, fit.says_of_unseen(inner)))
        if on_expert is not None:
            on_expert(number + 1, len(everyone))
    return _stacked(fitted, ages, center)


@dataclass(frozen=True)
class _Fitted:
    """One expert, and what it says (row,) of people whom it has not seen."""

    solution: Solution
    inverse_size: float
    said: torch.Tensor


def _stacked(fitted: list[_Fitted], ages: torch.Tensor, center: torch.Tensor) -> RegionalModel:
    """Return the model of the experts that get a share."""
    mean_age = float(ages.mean())
    said = torch.stack([one.said for one in fitted], 1)
    shares = non_negative_least_squares(said.numpy() - mean_age, ages.numpy() - mean_age)
    kept = [n for n, share in enumerate(shares) if share > LEAST_SHARE]
    model = RegionalModel(len(kept))
    model.center.copy_(center)
    model.mean_age_years.fill_(mean_age)
    for place, number in enumerate(kept):
        solution = fitted[number].solution
        model.weights[place, : len(solution.weights)] = solution.weights
        model.offsets[place] = solution.offset
        model.inverse_size[place] = fitted[number].inverse_size
        model.shares[place] = float(shares[number])
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


def unwanted_differences(
    maps: torch.Tensor, covered: torch.Tensor, judged: Sequence[int], random: Sequence[int]
) -> torch.Tensor | None:
    """Return how random scans differ from the mean of a person's judged ones.

    ``maps``: (person, scan, channel, cell). ``covered``: (person, scan). The result is (difference,
    channel, cell) in half precision, or None; scans that do not cover the brain are left out.
    """
    differences = []
    for one, whole in zip(maps, covered, strict=True):
        if bool(whole[list(judged)].all()):
            mean = one[list(judged)].float().mean(0)
            differences += [(one[n].float() - mean).half() for n in random if whole[n]]
    return torch.stack(differences) if differences else None


def _mean(flat: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(flat.shape[1:], dtype=torch.float64)
    for start in range(0, len(rows), 128):
        total += flat[rows[start : start + 128]].double().sum(0)
    return (total / len(rows)).float()


def write_regional_model(model: RegionalModel, path: Path) -> None:
    """Write a model through a temporary file, so that a run that is killed can go on."""
    write_atomically(path, save({k: v.contiguous() for k, v in model.state_dict().items()}))


def read_regional_model(path: Path) -> RegionalModel:
    """Return the model that :func:`write_regional_model` wrote."""
    tensors = load(path.read_bytes())
    model = RegionalModel(len(tensors["shares"]))
    model.load_state_dict(tensors)
    return model.eval()
