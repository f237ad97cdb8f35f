"""Experts for single slices learn what slices tell, and how much of it is the same."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from BrainAgeLib.model.slices import HEIGHTS, slice_features
from BrainAgeLib.template.scan_maps import maps_of_scan
from BrainAgeLib.training.simulate import IMAGE_STEP, StoredScan, as_slices, subset
from BrainAgeLib.training.slices import LEAST_VARIANCE, fit_slice_model
from BrainAgeLib.training.stored_maps import ShownSlices

pytestmark = pytest.mark.usefixtures("aligned_quickly")

PEOPLE, NEW = 40, 16
LOW_MM, HIGH_MM = -45.0, 68.0


def scan_of(age, seed, low_mm=LOW_MM, high_mm=HIGH_MM):
    """Return a scan of a disc whose dark middle grows with age."""
    generator = np.random.default_rng(seed)
    heights = np.arange(low_mm, high_mm, 6.0)
    y, x = np.mgrid[:76, :60]
    radius = np.hypot(y - 37.5, x - 29.5)
    level = np.where(radius < 26, 0.7, 0.0)
    level[radius < 4.0 + 0.12 * (age - 20) + generator.normal(0, 0.4)] = 0.1
    images = np.clip(level + (level > 0) * generator.normal(0, 0.05, (len(heights), 76, 60)), 0, 2)
    planes = np.column_stack([heights, 0 * heights, 0 * heights]).astype(np.float32)
    stored = (images / IMAGE_STEP).round().astype(np.uint8)
    return StoredScan(stored, stored * 0, planes, 6.0, "axial", 0.0)


def slices_of(scan):
    """Return a scan's slices as they are: discs are no brains to harmonise."""
    return replace(as_slices(scan, "cpu"), is_harmonised=True)


def shown(scans):
    """Return what the experts see of one person's scans."""
    values = [slice_features(maps_of_scan(slices_of(scan))) for scan in scans]
    heights = [torch.from_numpy(scan.mid_brain_heights_mm) for scan in scans]
    numbers = [torch.full((len(scan),), n) for n, scan in enumerate(scans)]
    return ShownSlices(*map(torch.cat, (values, heights, numbers)))


def age_of(model, scan):
    """Return the age that a model says of a scan."""
    return model.age_years(maps_of_scan(slices_of(scan)))


@pytest.fixture(scope="module")
def people():
    """Return two scans of each person, what is seen of the first people's, and the ages."""
    ages = np.random.default_rng(1).uniform(20, 80, PEOPLE + NEW)
    scans = [[scan_of(age, 2 * n), scan_of(age, 2 * n + 1)] for n, age in enumerate(ages)]
    return scans, [shown(mine) for mine in scans[:PEOPLE]], ages


@pytest.fixture(scope="module")
def fitted(people):
    """Return the model of the first people, and what was reported."""
    heard = []
    _, seen, ages = people
    model = fit_slice_model(seen, ages[:PEOPLE], lambda *report: heard.append(report))
    return model, heard


@pytest.mark.parametrize("count", [1, 4])
def test_people_whom_it_has_not_seen_are_told_their_age(people, fitted, count):
    scans, _, ages = people
    model, _ = fitted

    said = [age_of(model, subset(mine[0], np.arange(8, 8 + count))) for mine in scans[PEOPLE:]]

    new = ages[PEOPLE:]
    assert np.abs(said - new).mean() < 0.5 * np.abs(new - ages[:PEOPLE].mean()).mean()
    assert np.corrcoef(said, new)[0, 1] > 0.9


def test_it_starts_from_the_mean_age(people, fitted):
    assert float(fitted[0].mean_age_years) == pytest.approx(people[2][:PEOPLE].mean(), abs=1e-4)
    assert not fitted[0].training


def test_every_height_is_reported(fitted):
    assert fitted[1] == [(n + 1, HEIGHTS) for n in range(HEIGHTS)]


def test_the_covariance_can_be_inverted_and_more_slices_know_more(fitted):
    model = fitted[0]

    smallest = torch.linalg.eigvalsh(model.covariance.double()).min()
    assert smallest > 0.5 * LEAST_VARIANCE
    assert torch.allclose(model.covariance, model.covariance.T, atol=1e-3)

    def explained(*seen):
        numbers = torch.tensor(seen)
        return float(model.shares(numbers) @ model.with_age[numbers])

    assert explained(5) < explained(5, 6) < explained(5, 6, 9)
    assert explained(5, 6) < 1.9 * explained(5)


def test_what_an_expert_says_is_judged_on_the_unseen(people):
    """Ages that have nothing to do with the scans are not foretold."""
    _, seen, ages = people
    shuffled = np.random.default_rng(5).permutation(ages[:PEOPLE])

    model = fit_slice_model(seen, shuffled)

    assert abs(float(model.shares(torch.tensor([5]))[0])) < 0.7
    assert float(model.with_age.mean()) < 0.3 * float(shuffled.var())


def test_heights_that_few_people_show_have_no_expert(people):
    ages = people[2][:20]
    scans = [[scan_of(age, n, low_mm=-20.0, high_mm=40.0)] for n, age in enumerate(ages)]

    model = fit_slice_model([shown(mine) for mine in scans], ages)

    assert not model.weights[[0, HEIGHTS - 1]].any()
    assert model.weights[5].any()
    # Somebody who shows more than they did has a sensible age all the same.
    age = age_of(model, scan_of(50.0, 99))
    assert math.isfinite(age)
    assert 10 < age < 90
    lone = subset(scan_of(50.0, 99), np.array([0]))
    assert age_of(model, lone) == pytest.approx(ages.mean(), abs=0.5)


def test_an_expert_looks_at_slices_near_its_height(people, fitted):
    scans, _, _ = people
    # At the fifth expert's height of -8 mm: slices at -15, -9 and -3 mm.
    near = [
        slice_features(maps_of_scan(slices_of(subset(scan, np.array([5, 6, 7])))))
        for mine in scans[:PEOPLE]
        for scan in mine
    ]

    assert torch.allclose(fitted[0].center[4], torch.cat(near).mean(0), atol=1e-5)
