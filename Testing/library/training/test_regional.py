"""A planted signal of one region is learnt, and noise is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BrainAgeLib.model.brain_maps import CHANNELS, GROUPS, region_cells
from BrainAgeLib.model.regional import RegionalModel, experts
from BrainAgeLib.training import regional as regional_module
from BrainAgeLib.training.damped_ridge import INNER_FOLDS
from BrainAgeLib.training.regional import fit_regional_model, nuisance_differences

PEOPLE = 60
NEW = 20
REGION = 26  # an expert of the first group, in one of the smaller boxes
CELLS = int(region_cells("cpu").sum())


def brains(signal=0.004, scans=1, seed=1):
    """Return maps (person, scan, channel, cell) and ages of which one region tells."""
    generator = torch.Generator().manual_seed(seed)
    ages = 20.0 + 60.0 * torch.rand(PEOPLE + NEW, generator=generator)
    maps = torch.randn(PEOPLE + NEW, scans, CHANNELS, CELLS, generator=generator) * 0.1 + 0.5
    planted = torch.zeros(CELLS)
    planted[experts()[REGION].cells] = signal
    maps[:, :, 1] += (ages - 50.0)[:, None, None] * planted
    return maps, ages


def covered_by(maps):
    """Say that all scans cover the brain."""
    return torch.ones(maps.shape[:2], dtype=torch.bool)


@pytest.fixture(scope="module")
def planted():
    """Return maps, ages, and the model of the first people."""
    maps, ages = brains()
    heard = []
    model = fit_regional_model(
        maps[:PEOPLE],
        covered_by(maps[:PEOPLE]),
        ages[:PEOPLE],
        on_expert=lambda *report: heard.append(report),
    )
    return maps, ages, model, heard


def test_people_whom_it_has_not_seen_are_told_their_age(planted):
    maps, ages, model, _ = planted

    predicted = model(maps[PEOPLE:, 0])

    errors = (predicted - ages[PEOPLE:]).abs().mean()
    assert errors < 0.3 * (ages[PEOPLE:] - ages[:PEOPLE].mean()).abs().mean()
    assert np.corrcoef(predicted, ages[PEOPLE:])[0, 1] > 0.95
    assert float(model.mean_age_years) == pytest.approx(float(ages[:PEOPLE].mean()), abs=1e-4)


def test_the_age_is_read_where_the_signal_lies(planted):
    maps, _, model, _ = planted
    years = (model.weights_of_scan(maps[0, 0]) ** 2).sum(1)

    assert years[1] > years.sum() - years[1]
    cells = experts()[REGION].cells
    inside = torch.zeros(CELLS, dtype=torch.bool)
    inside[cells] = True
    weights = model.weights_of_scan(maps[0, 0])[1]
    assert weights[inside].mean() > 10 * abs(weights[~inside].mean())
    assert (model.shares > 0).all()


def test_every_expert_is_reported(planted):
    heard = planted[3]

    assert heard == [(n + 1, len(experts())) for n in range(len(experts()))]


def test_the_center_is_the_mean_of_the_people(planted):
    maps, _, model, _ = planted

    assert torch.allclose(model.center, maps[:PEOPLE, 0].mean(0), atol=1e-5)


def test_noise_is_not_learnt(monkeypatch):
    """Few experts, since the more there are for so few people, the more of them are lucky."""
    monkeypatch.setattr(regional_module, "experts", lambda: experts()[:4])
    away = []
    for seed in (1, 2, 3):
        maps, ages = brains(signal=0.0, seed=seed)
        model = fit_regional_model(maps[:PEOPLE], covered_by(maps[:PEOPLE]), ages[:PEOPLE])
        away.append(float((model(maps[PEOPLE:, 0]) - ages[:PEOPLE].mean()).abs().mean()))

    # Shares come from people whom the experts have not seen, so that none of them shines.
    assert np.mean(away) < 4.0


def test_where_everybody_is_the_same_nobody_is_asked():
    maps, ages = brains()
    maps[:, :, GROUPS[2]] = 0.25
    maps[:, :, GROUPS[3]] = 0.0

    model = fit_regional_model(maps[:PEOPLE], covered_by(maps[:PEOPLE]), ages[:PEOPLE])

    asked = {experts()[int(number)].channels.start for number in model.numbers}
    assert 0 in asked
    assert not asked & {GROUPS[2].start, GROUPS[3].start}
    assert model(maps[PEOPLE:, 0]).isfinite().all()


def test_where_nobody_tells_the_age_the_mean_age_comes_back():
    maps, ages = brains()
    alike = torch.full_like(maps[:PEOPLE], 0.25)

    model = fit_regional_model(alike, covered_by(alike), ages[:PEOPLE])
    again = RegionalModel.unpacked(model.packed())

    assert len(again.numbers) == again.parameter_count == 0
    assert again(maps[PEOPLE:, 0]) == pytest.approx(float(ages[:PEOPLE].mean()), abs=1e-3)


def test_scans_that_do_not_cover_the_brain_do_not_count():
    maps, ages = brains(scans=2)
    covered = covered_by(maps)
    covered[::3, 1] = False
    broken = maps.clone()
    broken[::3, 1] = torch.nan

    one, other = (fit_regional_model(seen, covered, ages) for seen in (maps, broken))

    assert torch.equal(one(maps[:, 0]), other(maps[:, 0]))


def test_all_scans_of_a_person_lie_in_one_inner_fold(monkeypatch):
    """Otherwise an expert would know the person whom it is tested on."""
    seen = []

    class Spy(regional_module.DampedRidge):
        def says_of_unseen(self, inner):
            seen.append(inner)
            return super().says_of_unseen(inner)

    monkeypatch.setattr(regional_module, "DampedRidge", Spy)
    monkeypatch.setattr(regional_module, "experts", lambda: experts()[:1])
    maps, ages = brains(scans=3)

    fit_regional_model(maps[:PEOPLE], covered_by(maps[:PEOPLE]), ages[:PEOPLE])

    folds = seen[0].view(PEOPLE, 3)
    assert (folds == folds[:, :1]).all()
    assert torch.bincount(folds[:, 0]).tolist() == [PEOPLE // INNER_FOLDS] * INNER_FOLDS
    # Each holds young and old.
    for fold in range(INNER_FOLDS):
        mine = ages[:PEOPLE][folds[:, 0] == fold]
        assert mine.min() < 30 < 70 < mine.max()


def test_nuisance_differences_are_those_within_a_person():
    maps = torch.zeros(3, 4, 1, 5)
    maps[:, :2] = torch.tensor([10.0, 20.0, 30.0]).view(3, 1, 1, 1)
    maps[0, 2], maps[0, 3], maps[1, 2], maps[1, 3] = 11.0, 13.0, 18.0, 99.0
    covered = torch.ones(3, 4, dtype=torch.bool)
    covered[1, 3] = False  # a scan that leaves holes says nothing
    covered[2, 0] = False  # nothing to compare with

    differences = nuisance_differences(maps, covered, usual=(0, 1), random=(2, 3))

    assert differences.float()[:, 0, 0].tolist() == [1.0, 3.0, -2.0]


def test_without_random_scans_of_whole_brains_nothing_is_nuisance():
    covered = torch.tensor([[True, True, False, False]])

    differences = nuisance_differences(
        torch.zeros(1, 4, 1, 5), covered, usual=(0, 1), random=(2, 3)
    )

    assert differences is None
