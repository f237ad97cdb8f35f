"""A fold's models are trained on its own people, and judged on those whom they have not seen."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from BrainAgeLib.errors import InputError
from BrainAgeLib.model.card import Blend
from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.model.weights import KINDS
from BrainAgeLib.training import network as network_module
from BrainAgeLib.training import regional as regional_module
from BrainAgeLib.training import slices as slices_module
from BrainAgeLib.training.fold import Fold
from BrainAgeLib.training.member import train_member
from BrainAgeLib.training.model_folder import write_model
from BrainAgeLib.training.network import network_to_start_from
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.regional import FITTED_SCANS, NUISANCE_SCANS
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.simulate import AXIAL_SCANS, EVALUATION_PROTOCOLS, TIGHT_PROTOCOL
from BrainAgeLib.training.store import maps_file
from BrainAgeLib.training.stored_maps import read_maps, read_slices
from Testing.library.made_kind import Brightness
from Testing.library.model_folders import (
    MAP_SHAPE,
    SMALL_NETWORK,
    out_of_fold_rows,
    small_network,
    small_regional_model,
    small_slice_model,
    small_weights,
)
from Testing.library.stored_scans import quick_alignment, store_person

PEOPLE = [Person(f"sub-{n:02}", 30.0 + 10 * n, "FM"[n % 2], None) for n in range(4)]
FOLDS = np.array([0, 1, 1, 0])
SETTINGS = TrainingSettings(folds=2, steps=30, network=SMALL_NETWORK)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return the folder of four people's stored scans."""
    folder = tmp_path_factory.mktemp("store")
    with quick_alignment():
        for number, person in enumerate(PEOPLE):
            store_person(folder, person, seed=100 * number)
    return folder


@pytest.fixture
def fold(store, tmp_path):
    """Return the second fold of these people; what it writes goes elsewhere."""
    (tmp_path / "scans").symlink_to(store / "scans", target_is_directory=True)
    return Fold(1, PEOPLE, FOLDS, tmp_path, SETTINGS, "cpu", lambda *_: None)


@pytest.fixture
def handed_over(monkeypatch):
    """Return what the fits are given, which do not run."""
    given = SimpleNamespace(networks=[], regional=[], slices=[], shown=[])

    def whole_scans(volumes, strength, shares, sequences):
        given.shown.append((volumes, strength, shares, sequences))
        return lambda people: people

    def fit_network(draw, ages_years, course, begun):
        given.networks.append(
            SimpleNamespace(
                draw=draw,
                ages=ages_years.tolist(),
                seed=course.seed,
                checkpoint=course.checkpoint.name,
                settings=course.settings,
                device=course.device,
                begun=begun,
            )
        )
        course.on_progress(course.settings.steps, 0.5)
        return small_network(1)

    def fit_regional_model(maps, covered, ages, nuisance, weights, report):
        given.regional.append((maps, covered, ages.tolist(), weights.tolist()))
        report(88, 88)
        return small_regional_model(3)

    def fit_slice_model(scans, ages, report):
        given.slices.append((scans, ages.tolist()))
        report(14, 14)
        return small_slice_model(4)

    monkeypatch.setattr(network_module, "WholeScans", whole_scans)
    monkeypatch.setattr(network_module, "fit_network", fit_network)
    monkeypatch.setattr(regional_module, "fit_regional_model", fit_regional_model)
    monkeypatch.setattr(slices_module, "fit_slice_model", fit_slice_model)
    return given


def test_people_are_either_trained_on_or_for_validation(fold):
    assert fold.validation == PEOPLE[1:3]
    assert fold.others == [PEOPLE[0], PEOPLE[3]]


def test_all_three_models_are_trained_on_the_others_alone(fold, handed_over):
    train_member(fold)

    ((maps, covered, ages, weights),) = handed_over.regional
    assert ages == [30.0, 60.0]
    assert weights == [1.0, 1.0]
    paths = [maps_file(fold.folder, person) for person in fold.others]
    assert torch.equal(maps, read_maps(paths, "regional")[:, list(FITTED_SCANS)])
    assert torch.equal(covered, read_maps(paths, "covered")[:, list(FITTED_SCANS)])
    (network,) = handed_over.networks
    assert network.ages == [30.0, 60.0]
    ((volumes, strength, shares, sequences),) = handed_over.shown
    assert sequences is None  # nobody has labels
    assert torch.equal(volumes, read_maps(paths, "volumes"))
    assert strength == SETTINGS.augmentation
    assert len(shares) == volumes.shape[1]
    assert network.draw(torch.tensor([1, 0])).tolist() == [1, 0]
    assert network.begun is None
    assert (network.checkpoint, network.device) == ("network-1.pt", "cpu")
    assert network.settings == SETTINGS
    ((scans, ages),) = handed_over.slices
    assert ages == [30.0, 60.0]
    for mine, person in zip(scans, fold.others, strict=True):
        kept = read_slices(maps_file(fold.folder, person))
        assert torch.equal(mine.values, kept.values)
        assert torch.equal(mine.scans, kept.scans)


def test_people_of_a_small_site_come_more_often(fold, handed_over):
    sites = ["small", *["large"] * 9]
    people = [replace(PEOPLE[n and 3], site=site) for n, site in enumerate(sites)]

    train_member(replace(fold, people=people, folds=np.zeros(10, int)))

    ((*_, weights),) = handed_over.regional
    assert weights == [3.0] + [1.0] * 9
    (network,) = handed_over.networks
    assert network.ages == [30.0] * 3 + [60.0] * 9
    assert network.draw(torch.arange(12)).tolist() == [0, 0, 0, *range(1, 10)]


def test_a_loose_a_tight_and_a_random_scan_are_fitted_and_what_differs_in_them_is_nuisance():
    names = list(EVALUATION_PROTOCOLS)
    random = len(names)  # the first of them; they come after the others

    assert [names[n] for n in FITTED_SCANS[:-1]] == [MAIN_PROTOCOL, TIGHT_PROTOCOL]
    assert FITTED_SCANS[-1] == random
    assert [names[n] for n in NUISANCE_SCANS if n < random] == [TIGHT_PROTOCOL]
    assert random in NUISANCE_SCANS
    assert not set(NUISANCE_SCANS) & set(AXIAL_SCANS)


def test_scans_of_other_slices_are_compared_with_a_main_one():
    names = list(EVALUATION_PROTOCOLS)

    assert names[AXIAL_SCANS[0]] == MAIN_PROTOCOL
    assert all(names[n].startswith(("axial", "3D")) for n in AXIAL_SCANS)


def test_another_fold_has_another_seed(fold, handed_over):
    train_member(fold)
    train_member(replace(fold, number=0))

    assert len({network.seed for network in handed_over.networks}) == 2


@pytest.mark.usefixtures("handed_over")
def test_the_member_holds_what_was_fitted(fold):
    member = train_member(fold)

    seen = torch.rand(1, 4, *MAP_SHAPE)
    with torch.inference_mode():
        assert torch.equal(member["network"](seen), small_network(1)(seen))
    assert list(member) == list(KINDS)
    assert torch.equal(member["regional"].weights, small_regional_model(3).weights)
    assert torch.equal(member["slices"].weights, small_slice_model(4).weights)


def test_what_is_there_is_not_fitted_again(fold, handed_over):
    first = train_member(fold)
    again = train_member(fold)

    assert len(handed_over.networks) == len(handed_over.regional) == len(handed_over.slices) == 1
    assert torch.equal(again["regional"].weights, first["regional"].weights)
    assert torch.equal(again["slices"].covariance, first["slices"].covariance)
    assert not any(model.training for model in again.values())


@pytest.mark.usefixtures("handed_over")
def test_a_new_kind_is_trained_by_the_file_of_its_name(fold, monkeypatch):
    given = []
    made_up = SimpleNamespace(fit=lambda own: given.append(own) or Brightness(30.0, 2.0))
    monkeypatch.setitem(sys.modules, "BrainAgeLib.training.brightness", made_up)
    monkeypatch.setitem(KINDS, "brightness", Brightness)

    member = train_member(fold)

    assert given == [fold]
    assert member["brightness"].years.tolist() == [30.0, 2.0]


@pytest.mark.usefixtures("handed_over")
def test_progress_names_the_fold_and_the_model(fold):
    heard = []
    train_member(replace(fold, report=lambda *report: heard.append(report)))

    assert heard == [
        ("train fold 2 of 2", 30, 30, "loss 0.500"),
        ("regions of fold 2 of 2", 88, 88, ""),
        ("heights of fold 2 of 2", 14, 14, ""),
    ]


@pytest.mark.parametrize(("number", "of_member"), [(0, 0), (1, 1), (2, 0), (3, 1)])
def test_a_network_goes_on_from_that_of_its_fold(fold, handed_over, small_model, number, of_member):
    """One that is trained without a site goes on from any that is there."""
    settings = replace(SETTINGS, start_from=str(small_model))
    members = load_ensemble(str(small_model)).weights("cpu").members

    train_member(replace(fold, number=number, settings=settings, folds=np.array([number, 9, 9, 9])))

    (network,) = handed_over.networks
    wanted = members[of_member]["network"].packed()
    assert network.begun.training
    assert all(torch.equal(value, wanted[name]) for name, value in network.begun.packed().items())


def test_a_network_that_goes_on_has_the_dropout_of_the_settings(small_model):
    shape = replace(SMALL_NETWORK, dropout=0.05)
    settings = replace(SETTINGS, start_from=str(small_model), network=shape)

    assert network_to_start_from(settings, 0).settings == shape


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"folds": 8}, "has 2 members of seed 2025, not 8 of seed 2025"),
        ({"seed": 7}, "has 2 members of seed 2025, not 2 of seed 7"),
        ({"network": replace(SMALL_NETWORK, layout_channels=4)}, "have another shape"),
        ({"start_from": "nowhere"}, "there is no model 'nowhere'"),
    ],
)
def test_no_network_goes_on_from_a_model_that_does_not_fit(small_model, changes, words):
    settings = replace(SETTINGS, **{"start_from": str(small_model), **changes})

    with pytest.raises(InputError, match=words) as caught:
        network_to_start_from(settings, 1)

    assert caught.value.hint


def test_no_network_goes_on_from_a_model_without_any(tmp_path):
    weights = small_weights()
    regional = [{k: m[k] for k in ("regional", "slices")} for m in weights.members]
    settings = replace(SETTINGS, name="regional", start_from=str(tmp_path / "regional"))
    blend = Blend({"regional": 1.0}, {"slices": 1.0})
    write_model(tmp_path, replace(weights, members=regional), blend, out_of_fold_rows(), settings)

    with pytest.raises(InputError, match="has no networks to go on from"):
        network_to_start_from(settings, 0)
