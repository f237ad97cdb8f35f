"""Training on several sites: who counts how much, and what a member without a site says of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from BrainAgeLib.command_line.main import main
from BrainAgeLib.errors import InputError
from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.training import train
from BrainAgeLib.training.out_of_fold import read_rows
from BrainAgeLib.training.people import (
    Person,
    assign_folds,
    read_sites,
    site_weights,
    sites_of,
)
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.stored_maps import mean_maps
from Testing.library.training.test_people import dataset
from Testing.library.training.test_train import FOLDS, PEOPLE, SETTINGS, made_up_dataset, quickly

FEW = 5


def crowd(site, count):
    return [Person(f"sub-{site}{n:03}", 20.0 + n % 60, "F", None, site) for n in range(count)]


def test_every_dataset_is_a_site_of_its_folders_name(tmp_path):
    for name, identifier in (("north", "sub-a"), ("south", "sub-b")):
        (tmp_path / name).mkdir()
        dataset(tmp_path / name, [f"{identifier}\t40\tF"], [f"{identifier}/anat/x_T1w.nii"])

    people, left_out = read_sites([tmp_path / "south", tmp_path / "north"])

    assert [(p.participant_id, p.site) for p in people] == [("sub-a", "north"), ("sub-b", "south")]
    assert left_out == []


def test_one_identifier_in_two_datasets_is_refused(tmp_path):
    for name in ("north", "south"):
        (tmp_path / name).mkdir()
        dataset(tmp_path / name, ["sub-a\t40\tF"], ["sub-a/anat/x_T1w.nii"])

    with pytest.raises(InputError, match="sub-a is in .*south and in another dataset"):
        read_sites([tmp_path / "north", tmp_path / "south"])


def test_people_of_small_sites_count_more_up_to_a_limit():
    people = crowd("a", 400) + crowd("b", 100) + crowd("c", 4)

    weights = site_weights(people)

    assert set(weights[:400]) == {1.0}
    assert set(weights[400:500]) == {2.0}
    assert set(weights[500:]) == {4.0}
    assert sites_of(people) == ["a", "b", "c"]


def test_another_site_moves_nobody_to_another_fold():
    alone, more = crowd("a", 200), crowd("b", 40)

    together = assign_folds(alone + more, 8, 2025)

    assert np.array_equal(together[:200], assign_folds(alone, 8, 2025))
    assert set(together[200:]) == set(range(8))


def test_a_link_names_a_site(tmp_path):
    for site, identifier in (("north", "sub-a"), ("south", "sub-b")):
        folder = tmp_path / site / "bids"
        folder.mkdir(parents=True)
        dataset(folder, [f"{identifier}\t40\tF"], [f"{identifier}/anat/x_T1w.nii"])
        (tmp_path / f"link-{site}").symlink_to(folder)

    folders = [tmp_path / "link-north", tmp_path / "link-south" / "."]
    people, _ = read_sites(folders)

    assert [person.site for person in people] == ["link-north", "link-south"]


def test_two_datasets_of_one_name_are_not_taken_for_one_site(tmp_path):
    for site, identifier in (("north", "sub-a"), ("south", "sub-b")):
        (tmp_path / site / "bids").mkdir(parents=True)
        dataset(
            tmp_path / site / "bids", [f"{identifier}\t40\tF"], [f"{identifier}/anat/x_T1w.nii"]
        )

    with pytest.raises(InputError, match="2 datasets are called 'bids'"):
        read_sites([tmp_path / "north" / "bids", tmp_path / "south" / "bids"])


@pytest.mark.parametrize(
    ("sizes", "same_age", "words"),
    [
        ({"a": 12, "b": 8}, False, "the largest site, a, has 12 people"),
        ({"a": 20}, True, "20 people of 1 different ages"),
        ({"a": 20, "a b": 2}, False, "a model cannot be called 'tiny-without-a b'"),
    ],
)
def test_sites_that_give_no_model_are_refused_before_hours_are_spent(
    tmp_path, capsys, sizes, same_age, words
):
    config = tmp_path / "settings.json"
    config.write_text(json.dumps(SETTINGS), "utf-8")
    data = [tmp_path / site for site in sizes]
    for number, (folder, count) in enumerate(zip(data, sizes.values(), strict=True)):
        folder.mkdir()
        names = [f"sub-{number}{n:02}" for n in range(count)]
        rows = [f"{name}\t{40 if same_age else 20 + n}\tF" for n, name in enumerate(names)]
        dataset(folder, rows, [f"{name}/anat/x_T1w.nii" for name in names])

    given = ["train", "--data", *map(str, data), "--config", str(config)]
    assert main([*given, "--output", str(tmp_path / "output")]) == 2

    assert words in capsys.readouterr().err
    assert not (tmp_path / "output").exists()


def test_many_small_sites_make_a_model_where_enough_are_left_outside_of_each_fold(tmp_path):
    folders = [tmp_path / f"site{n}" for n in range(7)]
    for site, folder in enumerate(folders):
        folder.mkdir()
        names = [f"sub-{site}{n:02}" for n in range(12)]
        rows = [f"{name}\t{20 + n}\tF" for n, name in enumerate(names)]
        dataset(folder, rows, [f"{name}/anat/x_T1w.nii" for name in names])

    people, _ = train._read(folders, TrainingSettings(folds=8))

    assert len(people) == 84
    with pytest.raises(InputError, match="has 12 people of 12 different ages.*by 2 folds"):
        train._read(folders, TrainingSettings(folds=2))


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """Return the output of a run on a large site and a small one."""
    base = tmp_path_factory.mktemp("sites")
    output, config = base / "output", base / "settings.json"
    config.write_text(json.dumps(SETTINGS), "utf-8")
    registrations = output / "work" / "registrations"
    registrations.mkdir(parents=True)
    for site, people in (("large", PEOPLE), ("small", FEW)):
        (base / site).mkdir()
        for name, place in made_up_dataset(base / site, people, f"sub-{site}").items():
            np.save(registrations / f"{name}.npy", place)
    data = [str(base / site) for site in ("large", "small")]
    with quickly():
        code = main(["train", "--data", *data, "--output", str(output), "--config", str(config)])
    assert code == 0
    return output


def test_a_member_without_the_small_site_says_what_it_costs(output):
    rows = read_rows(output / "without-small.csv")

    assert {row.participant_id for row in rows} == {f"sub-small{n:02}" for n in range(FEW)}
    card = load_ensemble(str(output / "tiny")).card
    assert card.accuracy.left_out["small, axial 5+1 mm"].people == FEW
    assert card.members == FOLDS


def test_the_model_without_the_small_site_can_be_used_alone(output):
    card = load_ensemble(str(output / "tiny-without-small")).card

    assert card.members == 1
    assert len(load_ensemble(str(output / "tiny-without-small")).weights("cpu").members) == 1


def test_what_is_said_of_the_own_scanner_is_of_the_large_site_alone(output):
    rows = read_rows(output / "out_of_fold.csv")

    assert {row.participant_id for row in rows} == {f"sub-large{n:02}" for n in range(PEOPLE)}

    card = load_ensemble(str(output / "tiny")).card
    assert card.accuracy.validation["axial 5+1 mm"].people < PEOPLE
    assert card.training.people == PEOPLE + FEW
    assert load_ensemble(str(output / "tiny-without-small")).card.training.people == PEOPLE


def test_a_model_without_a_site_holds_nothing_that_is_of_it(output):
    whole = load_ensemble(str(output / "tiny")).weights("cpu")
    alone = load_ensemble(str(output / "tiny-without-small")).weights("cpu")
    people = sorted((output / "work" / "scans").glob("sub-large*_maps.npz"))

    assert len(people) == PEOPLE
    assert torch.equal(alone.mean_maps, mean_maps(people).half().float())
    assert not torch.equal(alone.mean_maps, whole.mean_maps)
