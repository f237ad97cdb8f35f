"""Who is in a data set, who is held out, and who is in which fold."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.training.people import (
    Person,
    assign_folds,
    is_held_out,
    read_dataset,
    read_people,
    too_few_labels,
)

FOLDS = 5


def dataset(folder, rows, scans, columns="participant_id\tage\tsex"):
    """Make a BIDS dataset of empty scans; return its folder."""
    (folder / "participants.tsv").write_text("\n".join([columns, *rows]) + "\n", "utf-8")
    for scan in scans:
        path = folder / scan
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def crowd(count, seed=0):
    """Return people of 18 to 88 years."""
    ages = np.random.default_rng(seed).uniform(18, 88, count)
    return [Person(f"sub-{n:04}", float(age), "F", None) for n, age in enumerate(ages)]


def test_people_with_an_age_and_a_scan_are_read_in_order(tmp_path):
    data = dataset(
        tmp_path,
        ["sub-b\t31.5\tF", "sub-a\t72\tM", "sub-c\tn/a\tF", "sub-d\t40\tM", "\t50\tF"],
        [
            "sub-a/anat/sub-a_T1w.nii.gz",
            "sub-b/anat/sub-b_run-2_T1w.nii.gz",
            "sub-b/anat/sub-b_run-1_T1w.nii",
            "sub-c/anat/sub-c_T1w.nii.gz",
            "sub-d/anat/sub-d_T2w.nii.gz",
        ],
    )

    people = read_people(data)

    assert people == [
        Person("sub-a", 72.0, "M", data / "sub-a/anat/sub-a_T1w.nii.gz"),
        Person("sub-b", 31.5, "F", data / "sub-b/anat/sub-b_run-1_T1w.nii"),
    ]


def test_labels_lie_beside_the_scan(tmp_path):
    data = dataset(
        tmp_path,
        ["sub-a\t72\tM", "sub-b\t31\tF"],
        [
            "sub-a/anat/sub-a_T1w.nii.gz",
            "sub-a/anat/sub-a_dseg.nii.gz",
            "sub-b/anat/sub-b_T1w.nii.gz",
            "sub-b/anat/sub-b_dseg.json",
        ],
    )

    with_labels, without = read_people(data)

    assert with_labels.labels == data / "sub-a/anat/sub-a_dseg.nii.gz"
    assert without.labels is None


def test_sex_may_be_missing(tmp_path):
    data = dataset(
        tmp_path, ["sub-a\t40"], ["sub-a/anat/sub-a_T1w.nii"], columns="participant_id\tage"
    )

    assert read_people(data)[0].sex == ""


def test_a_folder_that_is_no_dataset(tmp_path):
    with pytest.raises(InputError, match=r"has no participants\.tsv"):
        read_people(tmp_path)


@pytest.mark.parametrize("columns", ["participant_id\tage\tsex", "name\tyears\tsex"])
def test_nobody_with_an_age_and_a_scan(tmp_path, columns):
    data = dataset(tmp_path, ["sub-a\tunknown\tM"], ["sub-a/anat/sub-a_T1w.nii"], columns)

    with pytest.raises(InputError, match="nobody in"):
        read_people(data)


@pytest.mark.parametrize(
    "row",
    [
        "sub-a",
        "sub-a\t\tM",
        "sub-a\tnan\tM",
        "sub-a\tinf\tM",
        "sub-a\t-4\tM",
        "sub-a\t0\tM",
        "sub-a\t2024\tM",
    ],
)
def test_an_age_that_cannot_be_does_not_count(tmp_path, row):
    data = dataset(
        tmp_path,
        [row, "sub-b\t30\tF"],
        ["sub-a/anat/sub-a_T1w.nii", "sub-b/anat/sub-b_T1w.nii"],
    )

    assert [person.participant_id for person in read_people(data)] == ["sub-b"]


@pytest.mark.parametrize("name", ["sub-CC110033", "sub-CC110037", "sub-01", "sub-ä"])
def test_the_held_out_fifth_is_told_by_a_checksum(name):
    number = int(hashlib.sha256(name.encode()).hexdigest(), 16)

    assert is_held_out(name) == (number % 5 == 0)


def test_about_a_fifth_is_held_out():
    share = np.mean([is_held_out(f"sub-{n:04}") for n in range(2000)])

    assert share == pytest.approx(0.2, abs=0.03)


def test_every_fold_has_as_many_people_and_about_the_same_ages():
    people = crowd(520)

    folds = assign_folds(people, FOLDS, seed=1)

    ages = np.array([person.age_years for person in people])
    assert np.ptp(np.bincount(folds, minlength=FOLDS)) <= 2
    for fold in range(FOLDS):
        assert ages[folds == fold].mean() == pytest.approx(ages.mean(), abs=1.0)
        assert ages[folds == fold].std() == pytest.approx(ages.std(), abs=1.0)


def test_folds_of_the_others_do_not_depend_on_held_out_people():
    people = crowd(300)
    others = [person for person in people if not is_held_out(person.participant_id)]

    with_held_out = dict(
        zip([p.participant_id for p in people], assign_folds(people, FOLDS, 1), strict=True)
    )
    alone = assign_folds(others, FOLDS, 1)

    assert [with_held_out[person.participant_id] for person in others] == alone.tolist()


def test_folds_do_not_depend_on_the_order_of_the_people():
    people = crowd(100)

    straight = assign_folds(people, FOLDS, 1)
    backwards = assign_folds(people[::-1], FOLDS, 1)

    assert straight.tolist() == backwards[::-1].tolist()


def test_the_seed_decides():
    people = crowd(100)

    assert assign_folds(people, FOLDS, 1).tolist() == assign_folds(people, FOLDS, 1).tolist()
    assert assign_folds(people, FOLDS, 1).tolist() != assign_folds(people, FOLDS, 2).tolist()


def test_fewer_people_than_folds_are_all_dealt_out():
    folds = assign_folds(crowd(3), FOLDS, 1)

    assert len(folds) == 3
    assert set(folds) <= set(range(FOLDS))


def test_who_is_left_out_and_why(tmp_path):
    data = dataset(
        tmp_path,
        [
            *("sub-a\t40\tF", "sub-b\tn/a\tF", "sub-c\t89+\tM", "sub-d\told\tM", "sub-e\t50\tM"),
            *("sub-f\t50\tM", "sub-f\t52\tM"),
        ],
        [f"sub-{name}/anat/sub-{name}_T1w.nii" for name in "abcdfg"],
    )

    people, left_out = read_dataset(data)

    assert [person.participant_id for person in people] == ["sub-a"]
    assert {one.participant_id: one.reason.split(": ")[-1] for one in left_out} == {
        "sub-b": "no age",
        "sub-c": "no age",
        "sub-d": "the age 'old' is not a number of years",
        "sub-e": "no T1w scan",
        "sub-f": "50 years (line 7) and 52 years (line 8)",
        "sub-g": "no age",
    }


@pytest.mark.parametrize(("unit", "age_years"), [("months", 2.0), ("years", 24.0)])
def test_ages_in_the_unit_that_the_data_set_names(tmp_path, unit, age_years):
    data = dataset(tmp_path, ["1\t24\tF"], ["sub-01/anat/sub-01_T1w.nii"])
    (data / "participants.json").write_text(f'{{"age": {{"Units": "{unit}"}}}}')

    assert [(one.participant_id, one.age_years) for one in read_people(data)] == [
        ("sub-01", age_years)
    ]


def test_hidden_files_that_a_mac_leaves_are_no_scans(tmp_path):
    scans = ["sub-a/anat/._sub-a_T1w.nii.gz", "sub-a/anat/sub-a_T1w.nii.gz"]
    data = dataset(tmp_path, ["sub-a\t40\tF"], scans)

    assert [person.path.name for person in read_people(data)] == ["sub-a_T1w.nii.gz"]


@pytest.mark.parametrize(
    ("at_home", "elsewhere", "too_few"), [(0, 0, 0), (1, 0, 1), (8, 30, 38), (40, 0, 0)]
)
def test_labels_of_too_few_people_at_the_largest_site_are_counted(at_home, elsewhere, too_few):
    sites = {"a": (60, at_home), "b": (30, elsewhere)}
    everyone = [
        Person(f"sub-{site}{n}", 20.0 + n, "F", Path(), site, Path() if n < labelled else None)
        for site, (count, labelled) in sites.items()
        for n in range(count)
    ]

    assert too_few_labels(everyone, 2, 2025) == too_few
