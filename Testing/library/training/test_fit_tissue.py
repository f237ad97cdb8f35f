"""Tissue networks find an age that lies in the maps, and nothing in maps that do not differ."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from BrainAgeLib.model.tissue_maps import tissue_maps
from BrainAgeLib.training.fit_tissue import fit_tissue_network, maps_of_people

from BrainAgeLib.training import fit_tissue
from BrainAgeLib.training.out_of_fold import as_slices
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.prepare import evaluation_file, training_file
from BrainAgeLib.training.simulated_scans import write_scans
from Testing.library.stored_scans import stored_scan

VALUES = 60
CONSTANT = 20  # of the values


@pytest.fixture(autouse=True)
def fewer_steps(monkeypatch):
    """Fit in a second."""
    monkeypatch.setattr(fit_tissue, "STEPS", 400)


def made_up_people(count, seed):
    """Return maps (person, scan, value) of which some shrink with age, and the ages."""
    generator = torch.Generator().manual_seed(seed)
    ages = torch.linspace(20.0, 80.0, count)
    slopes = torch.linspace(-0.004, 0.004, VALUES)
    maps = 0.5 + (ages - 50)[:, None, None] * slopes
    maps = maps + 0.03 * torch.randn(count, 2, VALUES, generator=generator)
    maps[:, :, :CONSTANT] = 0.25
    return maps.half(), ages


def test_the_age_of_new_people_is_found():
    network = fit_tissue_network(*made_up_people(120, seed=1), seed=3)
    maps, ages = made_up_people(40, seed=2)

    with torch.inference_mode():
        found = network.age_years(maps[:, 0].float())

    assert float((found - ages).abs().mean()) < 4.0
    assert np.corrcoef(found, ages)[0, 1] > 0.97


def test_values_that_do_not_differ_are_left_out():
    network = fit_tissue_network(*made_up_people(60, seed=1), seed=3)

    assert not network.kept[:CONSTANT].any()
    assert network.kept[-10:].all()
    assert network.center.shape == (int(network.kept.sum()),)
    assert not network.training


def test_center_and_scale_are_those_of_the_fitted_people():
    maps, ages = made_up_people(60, seed=1)

    network = fit_tissue_network(maps, ages, seed=3)

    values = maps.float().flatten(0, 1)[:, network.kept]
    assert torch.allclose(network.center, values.mean(0), atol=1e-3)
    assert float(network.age_center_years) == pytest.approx(50.0, abs=0.01)
    assert float(network.age_scale_years) == pytest.approx(float(ages.std()), rel=0.02)


def test_the_seed_decides():
    people = made_up_people(40, seed=1)

    one, same, other = (fit_tissue_network(*people, seed=seed).state_dict() for seed in (3, 3, 4))

    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["hidden.weight"], other["hidden.weight"])


def test_maps_are_of_all_stored_scans_of_each_person(tmp_path):
    (tmp_path / "scans").mkdir()
    people = [Person(f"sub-{n}", 30.0 + n, "F", None) for n in range(2)]
    for n, person in enumerate(people):
        write_scans(training_file(tmp_path, person), [stored_scan(4, seed=n)])
        write_scans(evaluation_file(tmp_path, person), [stored_scan(5, seed=10 + n)] * 2)
    heard = []

    maps, ages = maps_of_people(people, tmp_path, lambda: heard.append(1))

    assert maps.shape[:2] == (2, 3)
    assert ages.tolist() == [30.0, 31.0]
    assert len(heard) == 2
    expected = tissue_maps(as_slices(stored_scan(4, seed=1), "cpu"))
    assert torch.allclose(maps[1, 0].float(), expected, atol=1e-3)
