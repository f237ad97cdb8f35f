"""What tells the times of one person's scans: ages that were given, or the dates of headers."""

from __future__ import annotations

import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.follow.scans import DATES, GIVEN_AGES, require_known_times, times_of_given
from BrainAgeLib.options import Options
from Testing.library.scan.made_dicom import write_series


def dated(folder, *days):
    return [write_series(folder / day, StudyDate=day) for day in days]


def of_ages(*ages):
    return [Options(age_years=age) for age in ages]


@pytest.mark.parametrize(
    ("ages", "times", "told_by"),
    [
        ((60.0, 61.0), [0.0, 0.5], DATES),
        ((60.0, 60.0), [0.0, 0.5], DATES),
        ((60.0, 63.0), [0.0, 3.0], GIVEN_AGES),  # the days may be moved
        ((60.2, 61.0), [0.0, 0.8], GIVEN_AGES),
    ],
)
def test_given_ages_of_whole_years_give_way_to_dates_that_agree(tmp_path, ages, times, told_by):
    scans = dated(tmp_path, "20200101", "20200702")

    found, by, notes = times_of_given(scans, of_ages(*ages))

    assert found == pytest.approx(times, abs=0.01) and by == told_by
    assert bool(notes) is (ages == (60.0, 63.0))
    require_known_times(scans, of_ages(*ages), None)


def test_given_ages_of_one_time_are_told_before_any_work(tmp_path):
    scans = [tmp_path / "a.nii.gz", tmp_path / "b.nii.gz"]  # which nobody reads

    with pytest.raises(InputError, match="of one time, as far as the ages that were given tell"):
        require_known_times(scans, of_ages(60.5, 60.5), None)


def test_ages_that_not_all_have_tell_nothing(tmp_path):
    assert times_of_given(dated(tmp_path, "20200101", "20200702"), of_ages(60.0, None)) is None
