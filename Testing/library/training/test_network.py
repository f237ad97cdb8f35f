"""A killed training run goes on as if nothing had happened."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from BrainAgeLib.errors import FullDiskError
from BrainAgeLib.training import network as network_module
from BrainAgeLib.training.network import (
    LOOSE_SHARE,
    TIGHT_SHARE,
    Course,
    fit_network,
    shares_of_scans,
)
from BrainAgeLib.training.network_data import WholeScans
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.simulate import EVALUATION_PROTOCOLS, TIGHT_PROTOCOL
from Testing.library.model_folders import SMALL_NETWORK, VOLUME_SHAPE, small_network

STEPS = 6
SETTINGS = TrainingSettings(
    steps=STEPS, people_per_step=3, average_decay=0.9, network=SMALL_NETWORK
)
SEED = 5
AGES = np.linspace(20.0, 74.0, 7)


def test_tight_strips_are_drawn_more_often_than_each_loose_one():
    shares = shares_of_scans(13)

    assert float(shares.sum()) == pytest.approx(1.0)
    tight = list(EVALUATION_PROTOCOLS).index(TIGHT_PROTOCOL)
    assert int(shares.argmax()) == tight
    assert len(shares[:6].unique()) == 1
    assert (shares > 0).all()
    assert float(shares_of_scans(7).sum()) == pytest.approx(LOOSE_SHARE + TIGHT_SHARE)


@pytest.fixture(scope="module")
def brains():
    """Return seven people with two scans each: the older, the darker."""
    generator = torch.Generator().manual_seed(1)
    noise = torch.randint(0, 40, (7, 2, *VOLUME_SHAPE), generator=generator)
    return WholeScans((noise + 190 - 25 * torch.arange(7).view(7, 1, 1, 1, 1)).byte(), 0.2)


@pytest.fixture(autouse=True)
def frequent_checkpoints(monkeypatch):
    """Write a checkpoint after every second step."""
    monkeypatch.setattr(network_module, "STEPS_PER_CHECKPOINT", 2)


def trained(draw, checkpoint, heard=None, settings=SETTINGS, steps=STEPS, begun=None):
    """Train, or go on training; return the weights."""
    return fit_network(
        draw,
        AGES,
        Course(
            replace(settings, steps=steps),
            SEED,
            checkpoint,
            "cpu",
            lambda *report: None if heard is None else heard.append(report),
        ),
        begun,
    ).state_dict()


def are_equal(one, other):
    """Say whether two sets of weights are the same in every bit."""
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


@pytest.fixture
def undisturbed(brains, tmp_path):
    """Return the weights of a run that nothing disturbed."""
    return trained(brains, tmp_path / "undisturbed.pt")


def test_every_checkpoint_is_reported(brains, tmp_path):
    heard = []

    trained(brains, tmp_path / "fold.pt", heard, steps=5)

    assert [step for step, _ in heard] == [2, 4, 5]
    assert all(0 < loss < 50 for _, loss in heard)


def test_the_same_seed_gives_the_same_weights(brains, undisturbed, tmp_path):
    assert are_equal(trained(brains, tmp_path / "fold.pt"), undisturbed)


@pytest.mark.parametrize("calls", [1, 5, 6, 7, 12])  # two of each step
def test_a_run_that_is_killed_ends_like_an_undisturbed_one(brains, undisturbed, tmp_path, calls):
    seen = []

    def killed(people):
        seen.append(people)
        if len(seen) == calls:
            raise KeyboardInterrupt
        return brains(people)

    with pytest.raises(KeyboardInterrupt):
        trained(killed, tmp_path / "fold.pt")

    assert are_equal(trained(brains, tmp_path / "fold.pt"), undisturbed)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt),
        (OSError(errno.ENOSPC, "No space left on device"), FullDiskError),
    ],
)
def test_a_run_that_ends_while_it_writes_keeps_the_last_checkpoint(
    brains, undisturbed, tmp_path, monkeypatch, error, told
):
    write, calls = Path.write_bytes, []

    def ended(path, content):
        calls.append(path)
        if len(calls) == 2:
            write(path, b"half of it")
            raise error
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", ended)
    with pytest.raises(told):
        trained(brains, tmp_path / "fold.pt")

    assert are_equal(trained(brains, tmp_path / "fold.pt"), undisturbed)


def test_a_finished_run_is_not_trained_again(brains, undisturbed, tmp_path):
    heard = []

    weights = trained(brains, tmp_path / "undisturbed.pt", heard)

    assert heard == []
    assert are_equal(weights, undisturbed)


def test_a_checkpoint_of_another_device_is_read_where_it_goes_on(brains, tmp_path, monkeypatch):
    trained(brains, tmp_path / "fold.pt", steps=2)
    load, given = torch.load, []
    monkeypatch.setattr(torch, "load", lambda *a, **k: (given.append(k), load(*a, **k))[1])

    trained(brains, tmp_path / "fold.pt", steps=4)

    assert given == [{"map_location": "cpu", "weights_only": True}]


def test_nobody_comes_twice_in_a_round():
    rounds = [network_module._people_of_step(7, 3, step, SEED) for step in range(4)]

    for two in (rounds[:2], rounds[2:]):
        assert len(set(np.concatenate(two))) == 6
    assert len(set(np.concatenate(rounds))) == 7
    assert sorted(network_module._people_of_step(3, 16, 5, SEED)) == [0, 1, 2]


def test_the_learning_rate_warms_up_and_ends_at_nothing():
    rates = [network_module._schedule(progress, 0.1) for progress in np.linspace(0.01, 1.0, 100)]

    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0, abs=1e-3)
    assert np.argmax(rates) == pytest.approx(9, abs=1)
    assert rates[-1] == pytest.approx(0.0, abs=1e-6)
    assert (np.diff(rates[10:]) < 0).all()


def test_the_network_knows_the_ages_that_it_was_trained_on(undisturbed):
    assert float(undisturbed["age_center_years"]) == pytest.approx(AGES.mean())
    assert float(undisturbed["age_scale_years"]) == pytest.approx(AGES.std(), abs=1e-4)


def test_training_learns_the_ages_that_it_is_shown(brains, tmp_path, monkeypatch):
    monkeypatch.setattr(network_module, "STEPS_PER_CHECKPOINT", 15)
    settings = replace(SETTINGS, people_per_step=7, learning_rate=1e-2, consistency=0.0)
    heard = []

    trained(brains, tmp_path / "fold.pt", heard, settings, steps=120)

    losses = [loss for _, loss in heard]
    assert losses[-1] < 0.6 * losses[0]


def farthest(one, other):
    """Return by how much two sets of weights differ at most."""
    return max(float((one[name] - value).abs().max()) for name, value in other.items())


def weights_of(network):
    """Return copies of what is trained in a network."""
    return {name: value.detach().clone() for name, value in network.named_parameters()}


def test_a_network_that_goes_on_begins_where_the_other_ended(brains, tmp_path):
    before = weights_of(small_network(3))
    slowly = replace(SETTINGS, learning_rate=1e-5)

    went_on = trained(brains, tmp_path / "a.pt", settings=slowly, begun=small_network(3).train())
    anew = trained(brains, tmp_path / "b.pt", settings=slowly)

    assert 0 < farthest(went_on, before) < 1e-3
    assert farthest(anew, before) > 0.1
    # The ages that its outputs stand for are still those that it was trained on first.
    assert float(went_on["age_center_years"]) == 50.0
    assert float(went_on["age_scale_years"]) == 18.0


def test_a_checkpoint_counts_more_than_where_it_began(brains, tmp_path):
    whole = trained(brains, tmp_path / "whole.pt", begun=small_network(3).train())
    calls = []

    def killed(people):
        calls.append(people)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return brains(people)

    with pytest.raises(KeyboardInterrupt):
        trained(killed, tmp_path / "fold.pt", begun=small_network(3).train())
    resumed = trained(brains, tmp_path / "fold.pt", begun=small_network(3).train())

    assert are_equal(resumed, whole)
