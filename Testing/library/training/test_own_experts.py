"""A fold's own experts for other sequences: on whose scans they are fitted, and how they go in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from BrainAgeLib.model.card import OWN_EXPERTS, OWN_NETWORK
from BrainAgeLib.training import own_network, regional
from BrainAgeLib.training.blend import blends_of_sequences
from BrainAgeLib.training.fold import Fold
from BrainAgeLib.training.member import train_own
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.store import has_sequences, maps_file, sequences_file
from Testing.library.model_folders import (
    SMALL_NETWORK,
    out_of_fold_rows,
    small_member,
    small_network,
    small_regional_model,
    with_sequence_rows,
)

PEOPLE = [Person(f"sub-{n}", 30.0 + 10 * n, "F", None) for n in range(4)]
FOLDS = np.array([0, 1, 1, 0])
SCANS, CHANNELS, CELLS = 7, 2, 3
MEMBER = small_member(5)


@pytest.fixture
def fold(tmp_path, monkeypatch):
    """Return the second fold; it is trained on the first and the last of the people.

    The network beside the experts is not trained.
    """
    monkeypatch.setattr(own_network, "fit", lambda *_: small_network(3))
    (tmp_path / "scans").mkdir()
    settings = TrainingSettings(network=SMALL_NETWORK)
    return Fold(1, PEOPLE, FOLDS, tmp_path, settings, "cpu", lambda *_: None)


@pytest.fixture
def fitted(monkeypatch):
    """Return what the fits are given, which do not run."""
    given = []

    def fit(maps, covered, ages_years, nuisance, weights, on_expert, ridge):
        on_expert(1, 1)
        assert ridge == regional.OWN_RIDGE
        given.append((maps, covered, ages_years, nuisance, weights))
        return small_regional_model(len(given))

    monkeypatch.setattr(regional, "fit_regional_model", fit)
    return given


def store_scans(fold, number, value):
    """Store what stands for a person's scans; a map holds the number of its scan and the value."""
    numbers = np.arange(SCANS, dtype=np.float16)[:, None, None] + 10 * value
    np.savez(
        sequences_file(fold.folder, PEOPLE[number]),
        regional=np.broadcast_to(numbers, (SCANS, CHANNELS, CELLS)),
        covered=np.arange(SCANS) != 4,
        volumes=np.zeros((9, 1, 1, 1), np.uint8),
        counts=np.ones(3),
    )


def test_each_sequences_experts_are_fitted_on_its_scans_of_the_others(fold, fitted):
    for number in (0, 1, 3):  # the second of the people is of this fold
        store_scans(fold, number, number)

    own = train_own(fold, MEMBER)

    assert list(own) == ["T2w", "FLAIR"]  # an enhanced T1 is read as a T1
    scans = [maps[:, :, 0, 0].tolist() for maps, *_ in fitted]
    assert scans == [
        [[0, 3, 5], [30, 33, 35]],
        [[1, 4, 6], [31, 34, 36]],
    ]
    assert [covered[0].tolist() for _, covered, *_ in fitted] == [[1, 1, 1], [1, 0, 1]]
    for _, _, ages, _, weights in fitted:
        assert ages.tolist() == [30.0, 60.0]
        assert weights.tolist() == [1.0, 1.0]


def test_an_age_should_not_depend_on_what_its_sequence_shows_otherwise(fold, fitted):
    for number in (0, 3):
        store_scans(fold, number, number)

    train_own(fold, MEMBER)

    # From the mean of the three sequences' first scans; the fifth scan does not cover the brain.
    differences = [nuisance[:, 0, 0].tolist() for _, _, _, nuisance, _ in fitted]
    assert differences == [[-1, 2, 4] * 2, [0, 5] * 2]


def test_who_has_no_such_scans_is_left_out(fold, fitted):
    store_scans(fold, 3, 1)

    train_own(fold, MEMBER)

    assert [ages.tolist() for _, _, ages, _, _ in fitted] == [[60.0]] * 2


def test_nothing_is_fitted_where_nobody_of_them_has_any(fold, fitted):
    store_scans(fold, 1, 1)

    assert train_own(fold, MEMBER) == {}
    assert fitted == []


def test_what_is_there_is_not_fitted_again(fold, fitted):
    store_scans(fold, 0, 1)

    first, again = train_own(fold, MEMBER), train_own(fold, MEMBER)

    assert len(fitted) == len(first) == 2
    for name, models in first.items():
        assert torch.equal(models[OWN_EXPERTS].weights, again[name][OWN_EXPERTS].weights)
    assert not torch.equal(first["T2w"][OWN_EXPERTS].weights, first["FLAIR"][OWN_EXPERTS].weights)


def test_progress_names_sequence_and_fold(fold, fitted):
    store_scans(fold, 0, 1)
    heard = []

    train_own(replace(fold, report=lambda *report: heard.append(report)), MEMBER)

    assert heard[0] == ("T2w regions of fold 2 of 8", 1, 1, "")
    assert len(heard) == len(fitted) == 2


def test_scans_of_an_earlier_run_with_fewer_maps_are_made_anew(fold, tmp_path):
    person = replace(PEOPLE[0], labels=tmp_path / "labels.nii.gz")
    assert not has_sequences(person, fold.folder)
    store_scans(fold, 0, 1)
    assert has_sequences(person, fold.folder)

    with np.load(sequences_file(fold.folder, person)) as arrays:
        older = {name: arrays[name] for name in arrays.files} | {"covered": np.ones(3, bool)}
    np.savez(sequences_file(fold.folder, person), **older)

    assert not has_sequences(person, fold.folder)
    assert has_sequences(PEOPLE[1], fold.folder)  # without labels there are none
    assert not maps_file(fold.folder, person).exists()


def test_own_models_count_for_the_sequences_that_have_some():
    rows = with_sequence_rows(out_of_fold_rows(), own=("FLAIR",))

    assert blends_of_sequences(rows) == {"FLAIR": {OWN_EXPERTS: 0.5, OWN_NETWORK: 0.5}}
    assert blends_of_sequences(out_of_fold_rows()) == {}
