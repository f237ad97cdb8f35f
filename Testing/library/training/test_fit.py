"""A killed training run goes on as if nothing had happened."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from BrainAgeLib.training import fit as fit_module
from BrainAgeLib.training.fit import Example, fit_network
from BrainAgeLib.training.settings import TrainingSettings
from Testing.library.model_folders import SMALL_NETWORK
from Testing.library.stored_scans import stored_scan

SETTINGS = TrainingSettings(
    epochs=3, people_per_step=3, slices_per_step=3, average_decay=0.9, network=SMALL_NETWORK
)
SEED = 5


@pytest.fixture(scope="module")
def examples():
    """Return seven people with two scans each."""
    return [
        Example([stored_scan(4, seed=2 * n), stored_scan(5, seed=2 * n + 1)], 20.0 + 9 * n)
        for n in range(7)
    ]


def trained(examples, checkpoint, on_epoch=lambda _epoch, _loss: None, settings=SETTINGS):
    """Train, or go on training; return the weights."""
    return fit_network(examples, settings, SEED, checkpoint, "cpu", on_epoch).state_dict()


@pytest.fixture(scope="module")
def undisturbed(examples, tmp_path_factory):
    """Return the weights of a run that nothing disturbed, and what it reported."""
    heard = []
    checkpoint = tmp_path_factory.mktemp("fit") / "fold.pt"
    weights = trained(examples, checkpoint, lambda *report: heard.append(report))
    return weights, heard


def are_equal(one, other):
    """Say whether two sets of weights are the same in every bit."""
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


def test_every_epoch_is_reported(undisturbed):
    _, heard = undisturbed

    assert [epoch for epoch, _ in heard] == [1, 2, 3]
    assert all(0 < loss < 50 for _, loss in heard)


def test_the_same_seed_gives_the_same_weights(examples, undisturbed, tmp_path):
    assert are_equal(trained(examples, tmp_path / "fold.pt"), undisturbed[0])


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_run_that_is_killed_between_epochs_ends_like_an_undisturbed_one(
    examples, undisturbed, tmp_path, epochs
):
    def killed(epoch, _loss):
        if epoch == epochs:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(examples, tmp_path / "fold.pt", killed)
    heard = []
    weights = trained(examples, tmp_path / "fold.pt", lambda epoch, _: heard.append(epoch))

    assert are_equal(weights, undisturbed[0])
    assert heard == list(range(epochs + 1, 4))


def test_a_run_that_is_killed_within_an_epoch_ends_like_an_undisturbed_one(
    examples, undisturbed, tmp_path, monkeypatch
):
    collate, calls = fit_module.collate, []

    def killed(*arguments):
        calls.append(arguments)
        if len(calls) == 5:  # the second step of the second epoch
            raise KeyboardInterrupt
        return collate(*arguments)

    monkeypatch.setattr(fit_module, "collate", killed)
    with pytest.raises(KeyboardInterrupt):
        trained(examples, tmp_path / "fold.pt")

    assert are_equal(trained(examples, tmp_path / "fold.pt"), undisturbed[0])


def test_a_run_that_is_killed_while_it_writes_keeps_the_last_checkpoint(
    examples, undisturbed, tmp_path, monkeypatch
):
    save, calls = torch.save, []

    def killed(content, path):
        calls.append(path)
        if len(calls) == 2:
            path.write_bytes(b"half of it")
            raise KeyboardInterrupt
        save(content, path)

    monkeypatch.setattr(torch, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        trained(examples, tmp_path / "fold.pt")

    assert are_equal(trained(examples, tmp_path / "fold.pt"), undisturbed[0])


def test_a_finished_run_is_not_trained_again(examples, undisturbed, tmp_path):
    trained(examples, tmp_path / "fold.pt")
    heard = []

    weights = trained(examples, tmp_path / "fold.pt", lambda *report: heard.append(report))

    assert heard == []
    assert are_equal(weights, undisturbed[0])


def test_training_learns_the_ages_that_it_is_shown(examples, tmp_path):
    # Slices that differ from person to person, so that they can be told apart.
    few = [replace(person, scans=person.scans[:1]) for person in examples[::3]]
    settings = replace(SETTINGS, epochs=12, learning_rate=1e-2, slices_per_step=12)
    losses = []

    trained(few, tmp_path / "fold.pt", lambda _, loss: losses.append(loss), settings)

    assert losses[-1] < 0.85 * losses[0]
