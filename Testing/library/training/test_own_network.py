"""A fold's network for other sequences: on whose scans it is trained, and from what it goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from BrainAgeLib.model.brain_maps import POOLED
from BrainAgeLib.model.card import OWN_EXPERTS, OWN_NETWORK
from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH, HEIGHT_COUNT
from BrainAgeLib.training import network, regional, train
from BrainAgeLib.training.fold import EVERYBODY, Fold
from BrainAgeLib.training.member import train_own
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.store import sequences_file
from Testing.library.model_folders import SMALL_NETWORK, small_member, small_regional_model

# The last two are of a small site.
PEOPLE = [Person(f"sub-{n}", 30.0 + 10 * n, "F", None, site="ab"[n > 3]) for n in range(6)]
FOLDS = np.array([0, 1, 1, 0, 0, 1])
MEMBER = small_member(5)
SCANS, OF_AGENT = 9, 3  # the third scan is a T1 after agent
SMALLEST = (1, POOLED, POOLED)
WHOLE = (HEIGHT_COUNT, GRID_HEIGHT, GRID_WIDTH)


@pytest.fixture(autouse=True)
def only_networks(monkeypatch):
    """Fit no experts."""
    monkeypatch.setattr(regional, "fit_own", lambda _fold, _name: small_regional_model(1))


def fold_of(folder, number=1, shape=SMALLEST, **settings):
    """Return a fold of people whose scans are stored, each of one value of its own."""
    (folder / "scans").mkdir(exist_ok=True)
    for place, person in enumerate(PEOPLE):
        values = np.arange(1, SCANS + 1, dtype=np.uint8) + 20 * place
        volumes = np.broadcast_to(values[:, None, None, None], (SCANS, *shape))
        np.savez(sequences_file(folder, person), volumes=volumes)
    chosen = TrainingSettings(network=SMALL_NETWORK, **settings)
    return Fold(number, PEOPLE, FOLDS, folder, chosen, "cpu", lambda *_: None)


@pytest.fixture
def trained(monkeypatch):
    """Return what the training of networks is given, which does not run."""
    given = []

    def fit_network(draw, ages_years, course, begun):
        course.on_progress(2, 0.5)
        given.append((draw, ages_years, course, begun))
        return begun

    monkeypatch.setattr(network, "fit_network", fit_network)
    return given


def test_sequences_that_are_shown_alike_have_one_that_goes_on_from_the_members(tmp_path, trained):
    fold, heard = fold_of(tmp_path), []

    own = train_own(replace(fold, report=lambda *told: heard.append(told)), MEMBER)

    ((_, _, course, begun),) = trained
    assert list(own) == ["T2w", "FLAIR"]
    assert own["T2w"][OWN_NETWORK] is own["FLAIR"][OWN_NETWORK]
    assert set(own["T2w"]) == {OWN_EXPERTS, OWN_NETWORK}
    assert torch.equal(begun.layout.weight, MEMBER["network"].layout.weight)
    assert begun is not MEMBER["network"] and begun.training
    assert (course.settings, course.seed) == (fold.settings, fold.settings.seed + 1)
    assert course.checkpoint == fold.folder / "t2w_flair network-1.pt"
    assert heard == [("train T2w and FLAIR of fold 2 of 8", 2, 3000, "loss 0.500")]


@pytest.mark.parametrize(
    ("number", "seen"), [(1, [0, 3, 4]), (0, [1, 2, 5]), (EVERYBODY, [0, 1, 2, 3, 4, 5])]
)
def test_it_sees_the_scans_of_the_folds_people_and_of_nobody_else(
    tmp_path, trained, monkeypatch, number, seen
):
    drawn = []
    monkeypatch.setattr(
        network,
        "site_weights",
        lambda people: np.array([3.0 if p.site == "b" else 1.0 for p in people]),
    )
    monkeypatch.setattr(
        network.WholeScans, "__call__", lambda scans, people: drawn.append((scans, people))
    )

    train_own(fold_of(tmp_path, number), MEMBER)

    ((draw, ages, _, _),) = trained
    draw(torch.arange(len(ages)))
    ((scans, people),) = drawn
    # All scans of both sequences.
    of_both = [n for n in range(1, SCANS + 1) if n != OF_AGENT]
    volumes = scans.volumes[..., 0, 0, 0].tolist()
    assert volumes == [[n + 20 * place for n in of_both] for place in seen]
    assert scans.strength == fold_of(tmp_path).settings.augmentation
    # Whoever is of the small site counts more, and every age is that of the scan.
    assert [PEOPLE[seen[n]].age_years for n in people.tolist()] == ages.tolist()
    counts = np.bincount(people.numpy()).tolist()
    assert counts == [3 if PEOPLE[place].site == "b" else 1 for place in seen]


def test_nothing_is_trained_for_what_is_read_as_a_t1(tmp_path, trained):
    assert train_own(fold_of(tmp_path), MEMBER, ("enhanced",)) == {}
    assert trained == []


@pytest.mark.parametrize("number", [1, EVERYBODY])
def test_a_run_that_was_killed_gives_what_an_undisturbed_one_gives(tmp_path, monkeypatch, number):
    settings = {"steps": 2, "people_per_step": 2, "seed": 0, "consistency": 0.0}
    before = MEMBER["network"].layout.weight.clone()
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    expected = train_own(fold_of(whole, number, WHOLE, **settings), MEMBER)

    monkeypatch.setattr(network, "STEPS_PER_CHECKPOINT", 1)
    learn, steps = network._State.learn, []

    def stopped(*given):
        if len(steps) == 1:
            raise KeyboardInterrupt
        steps.append(1)
        return learn(*given)

    fold = fold_of(killed, number, WHOLE, **settings)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(network._State, "learn", stopped)
        train_own(fold, MEMBER)
    resumed = []
    monkeypatch.setattr(network._State, "learn", lambda *given: resumed.append(1) or learn(*given))
    found = train_own(fold, MEMBER)

    assert len(resumed) == 1  # the other step was kept
    weights = [own["FLAIR"][OWN_NETWORK].state_dict() for own in (expected, found)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not torch.equal(weights[0]["layout.weight"], before)  # it has learnt
    assert torch.equal(MEMBER["network"].layout.weight, before)  # and the T1's has not


def test_the_course_of_the_t1s_network_is_as_it_was(tmp_path):
    fold = fold_of(tmp_path, 3)

    course = network.course_of(fold, "network", "train")

    assert course.checkpoint == tmp_path / "network-3.pt"
    assert course.seed == fold.settings.seed + 3


def test_a_run_gives_each_fold_its_own_member_to_go_on_from(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(train, "train_member", lambda fold: {"network": fold.number})
    monkeypatch.setattr(
        train, "train_own", lambda fold, member: given.append((fold.number, member))
    )
    monkeypatch.setattr(train, "_predict", lambda *_: None)

    for number in (0, 1):
        train._trained(fold_of(tmp_path, number))

    assert given == [(0, {"network": 0}), (1, {"network": 1})]
