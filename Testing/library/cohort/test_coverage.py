"""Whether intervals hold what they promise: at least 90 % on any scanner, 90 % on one."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.cohort.coverage import PROMISES, coverage_figures, holds_its_promise
from BrainAgeLib.cohort.table import read_table
from Testing.library.cohort.made_results import healthy_rows, write_table

PEOPLE = 120


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "results.csv"
    return read_table(write_table(healthy_rows(PEOPLE), path)).scans


def with_covered(scans, covered, covers):
    """Return the scans with intervals of 24 years that hold the age of so many people."""
    shift = np.where(np.arange(len(scans)) < covered, 0.0, 20.0)
    ages = scans["age"] + shift
    return scans.assign(interval_low=ages - 12, interval_high=ages + 12, interval_covers=covers)


def test_coverage_counts_ages_within_the_interval(scans):
    figures = coverage_figures(with_covered(scans, 100, ""))

    by_figure = {item.figure: item for item in figures if item.subset == "everybody"}
    assert by_figure["coverage"].value == pytest.approx(100 / PEOPLE)
    assert by_figure["coverage"].people == PEOPLE
    assert by_figure["mean width"].value == pytest.approx(24.0)
    assert {"sex F", "20s", "70s"} < {item.subset for item in figures}


@pytest.mark.parametrize(
    ("covers", "covered", "holds"),
    [
        ("", 108, True),
        ("", 120, False),  # of a single scanner's people it should hold 90 %, not all
        ("", 90, False),
        ("this site", 108, True),
        ("this site", 114, True),  # 95 %: widened by how far the site is off
        ("this site", 120, False),
        ("this site", 90, False),
        ("any scanner", 108, True),
        ("any scanner", 120, True),
        ("any scanner", 103, True),  # 86 %: the exact interval has room for 90 %
        ("any scanner", 90, False),
    ],
)
def test_what_is_promised_depends_on_the_scanners(scans, covers, covered, holds):
    share = coverage_figures(with_covered(scans, covered, covers))[0]

    assert share.figure == "coverage"
    assert holds_its_promise(share) == holds


def test_intervals_that_speak_of_other_scanners_are_kept_apart(scans):
    mixed = with_covered(scans, PEOPLE, "any scanner")
    mixed.loc[:59, "interval_covers"] = "this site"
    mixed.loc[:5, ["interval_low", "interval_high"]] = 200.0

    shares = [item for item in coverage_figures(mixed) if item.figure == "coverage"]
    everybody = {item.outcome: item for item in shares if item.subset == "everybody"}

    assert {name: item.value for name, item in everybody.items()} == {
        "90 % interval, this site": 0.9,
        "90 % interval, any scanner": 1.0,
    }
    assert all(map(holds_its_promise, everybody.values()))
    assert everybody.keys() <= PROMISES.keys()


def test_a_table_without_intervals_has_no_coverage(scans):
    assert coverage_figures(scans.assign(interval_low=np.nan)) == []
