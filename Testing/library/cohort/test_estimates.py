"""A number never stands without what belongs to it."""

from __future__ import annotations

import csv
import io

import pytest

from BrainAgeLib.cohort.estimates import (
    Estimate,
    numbers_csv,
    p_words,
    with_interval,
)


def test_a_p_value_without_an_interval_is_refused():
    with pytest.raises(ValueError, match="needs an interval"):
        Estimate("a", "gap", "everybody", "difference", 1.0, p=0.03)


def test_csv_holds_every_number_and_leaves_unknown_cells_empty():
    estimates = [
        Estimate("a", "gap", "AD, all", "difference", 1.23456789, "years", 0.5, 2.0, 40, 0.01),
        Estimate("a", "gap", "CN", "mean", float("nan")),
    ]

    rows = list(csv.DictReader(io.StringIO(numbers_csv(estimates).decode())))

    assert [row["value"] for row in rows] == ["1.23457", ""]
    assert rows[0]["subset"] == "AD, all"
    assert (rows[0]["p"], rows[1]["p"]) == ("0.01", "")


def test_numbers_for_people():
    assert with_interval(Estimate("a", "g", "s", "f", 0.1234, "", 0.05, 0.2)) == (
        "0.123 (0.050 to 0.200)"
    )
    assert with_interval(Estimate("a", "g", "s", "f", 0.1234, "years")) == "0.12"
    nan = float("nan")
    assert with_interval(Estimate("a", "g", "s", "f", 0.1234, "", nan, nan)) == (
        "0.123 (too few for an interval)"
    )
    assert [p_words(p) for p in (None, 0.0001, 0.0321)] == ["-", "< 0.001", "0.032"]
