from __future__ import annotations

import pytest

from BrainAgeLib.batch.scan_entry import ScanEntry, age_of, sex_of, with_folders


@pytest.mark.parametrize(
    ("text", "age_years"),
    [("63.5", 63.5), (" 7 ", 7.0), ("", None), ("n/a", None), ("NaN", None), ("89+", None)],
)
def test_ages(text, age_years):
    assert age_of(text) == age_years


@pytest.mark.parametrize("text", ["old", "63,5", "-3", "0", "inf", "400"])
def test_what_cannot_be_an_age(text):
    with pytest.raises(ValueError, match="age"):
        age_of(text)


@pytest.mark.parametrize(
    ("text", "sex"), [("F", "F"), ("male", "M"), ("n/a", None), ("O", None), (None, None)]
)
def test_sexes(text, sex):
    assert sex_of(text) == sex


def test_what_is_no_sex():
    with pytest.raises(ValueError, match="'63'"):
        sex_of("63")


def test_every_scan_gets_a_safe_folder_of_its_own():
    wanted = ["sub-1/anat/a", "Müller, Jörg", "A", "a", "../../etc", ".hidden", "", "scan"]

    named = with_folders(ScanEntry(name, name, folder=name) for name in wanted)

    assert [entry.folder for entry in named] == [
        *("sub-1/anat/a", "M-ller-J-rg", "A", "a_2", "etc", "hidden", "scan", "scan_2"),
    ]
