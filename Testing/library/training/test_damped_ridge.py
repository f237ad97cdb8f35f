"""A damped ridge regression: judged on the unseen, and the same when it is written out."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.training import damped_ridge as damped_ridge_module
from BrainAgeLib.training.damped_ridge import (
    INNER_FOLDS,
    DampedRidge,
    TallDampedRidge,
    damped_ridge,
    inner_folds,
)

PEOPLE, VALUES = 60, 40


def people(seed=1):
    """Return centered values (person, value), two extra values of each, and ages that follow."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(PEOPLE, VALUES, generator=generator)
    extra = torch.randn(PEOPLE, 2, generator=generator)
    values, extra = values - values.mean(0), extra - extra.mean(0)
    ages = 50.0 + 3.0 * values[:, 0] + 4.0 * extra[:, 1]
    return values, extra, ages.double()


def test_what_it_says_of_the_unseen_does_not_depend_on_their_ages():
    values, extra, ages = people()
    inner = torch.arange(PEOPLE) % INNER_FOLDS
    first = inner == 0
    changed = torch.where(first, ages + 30.0, ages)

    one, other = (
        DampedRidge(values, a, 0.01, extra).says_of_unseen(inner) for a in (ages, changed)
    )

    assert torch.equal(one[first], other[first])
    assert not torch.allclose(one[~first], other[~first])


@pytest.mark.parametrize("with_nuisance", [False, True])
@pytest.mark.parametrize("with_extra", [False, True])
def test_weights_and_offset_are_the_kernels_regression_written_out(with_extra, with_nuisance):
    values, extra, ages = people()
    nuisance = torch.randn(7, VALUES, generator=torch.Generator().manual_seed(3))
    fit = DampedRidge(
        values, ages, 0.01, extra if with_extra else None, nuisance if with_nuisance else None
    )
    solved, mean = fit._solve(torch.arange(PEOPLE))

    found = fit.solution()

    written_out = fit.damping * (found.offset + values @ found.weights + fit.extra @ found.extra)
    assert torch.allclose(written_out, fit.kernel @ solved, atol=1e-3)
    assert found.extra.shape == (2 if with_extra else 0,)
    assert mean == pytest.approx(float(ages.mean()))


def test_by_its_values_it_is_the_same_regression():
    values, extra, ages = people()
    inner = inner_folds(ages)
    by_rows = DampedRidge(values, ages, 0.01, extra)
    by_values = TallDampedRidge(values, ages, 0.01, extra)

    one, other = by_rows.solution(), by_values.solution()

    assert by_values.inverse_size == pytest.approx(by_rows.inverse_size, rel=1e-5)
    assert torch.allclose(other.weights, one.weights, atol=1e-3)
    assert torch.allclose(other.extra, one.extra, atol=1e-3)
    assert other.offset == pytest.approx(one.offset, abs=1e-3)
    unseen = by_rows.says_of_unseen(inner), by_values.says_of_unseen(inner)
    assert torch.allclose(*unseen, atol=1e-2)


@pytest.mark.parametrize(("rows", "kind"), [(VALUES, DampedRidge), (PEOPLE, TallDampedRidge)])
def test_the_regression_goes_the_shorter_way(rows, kind):
    values, extra, ages = people()

    fit = damped_ridge(values[:rows], ages[:rows], 0.01, extra[:rows])

    assert isinstance(fit, kind)


def test_by_its_values_rows_are_summed_up_in_blocks(monkeypatch):
    values, extra, ages = people()
    whole = TallDampedRidge(values, ages, 0.01, extra).solution()

    monkeypatch.setattr(damped_ridge_module, "ROWS_AT_ONCE", 7)

    blocks = TallDampedRidge(values, ages, 0.01, extra).solution()
    assert torch.allclose(blocks.weights, whole.weights, atol=1e-4)


def test_it_learns_from_values_and_extra_values():
    values, extra, ages = people()
    inner = inner_folds(ages)
    error = [
        float((DampedRidge(values, ages, 0.01, more).says_of_unseen(inner) - ages).abs().mean())
        for more in (None, extra)
    ]

    assert error[1] < 0.8 * error[0]
    assert error[1] < 0.8 * float((ages - ages.mean()).abs().mean())


def test_extra_values_do_not_damp():
    values, extra, ages = people()

    far = DampedRidge(values, ages, 0.01, 100 * extra)

    assert torch.equal(far.damping, DampedRidge(values, ages, 0.01).damping)


def test_the_more_unlike_the_others_the_more_damped():
    values, _, ages = people()
    values[0] *= 5.0

    damping = DampedRidge(values, ages, 0.01).damping

    assert damping.argmin() == 0
    assert ((damping > 0) & (damping < 1)).all()


def test_values_that_are_the_same_for_everybody_say_the_mean_age():
    _, _, ages = people()

    fit = DampedRidge(torch.zeros(PEOPLE, VALUES), ages, 0.01)

    assert torch.allclose(fit.says_of_unseen(inner_folds(ages)), ages.mean(), atol=1.0)
    assert fit.solution().weights.abs().max() == 0


def test_inner_folds_deal_neighbours_in_age_out_in_turn():
    ages = torch.rand(PEOPLE, generator=torch.Generator().manual_seed(1)) * 60

    folds = inner_folds(ages)

    by_age = folds[torch.argsort(ages)]
    assert torch.bincount(folds).tolist() == [PEOPLE // INNER_FOLDS] * INNER_FOLDS
    for start in range(PEOPLE - INNER_FOLDS):
        assert len(by_age[start : start + INNER_FOLDS].unique()) == INNER_FOLDS
    order = torch.randperm(PEOPLE, generator=torch.Generator().manual_seed(2))
    assert torch.equal(inner_folds(ages[order]), folds[order])


def test_weights_look_away_from_nuisance_differences():
    values, _, ages = people()
    nuisance = torch.zeros(9, VALUES)
    nuisance[:, 0] = torch.linspace(-30.0, 30.0, 9)  # along the only value that tells of age

    seen = DampedRidge(values, ages, 0.01).solution().weights
    looked_away = DampedRidge(values, ages, 0.01, nuisance=nuisance).solution().weights

    assert abs(float(looked_away[0])) < 0.5 * abs(float(seen[0]))
