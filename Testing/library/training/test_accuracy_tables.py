"""The card says how the error depends on how a scan was acquired."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from BrainAgeLib.training.accuracy_tables import accuracy_tables
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL, RANDOM_PROTOCOL
from Testing.library.model_folders import PEOPLE, out_of_fold_rows


@pytest.fixture(scope="module")
def tables():
    """Return the tables of people with scans of the main and of a random protocol."""
    rows = out_of_fold_rows()
    main = [row for row in rows if row.protocol == MAIN_PROTOCOL]
    for number, row in enumerate(main):
        tilted = replace(row, tilt_degrees=15.0 * number / (len(main) - 1))
        rows[rows.index(row)] = tilted
        rows.append(
            replace(
                row,
                protocol=RANDOM_PROTOCOL,
                spacing_mm=2.0 + 10.0 * number / len(main),
                regional_years=math.nan if number % 3 == 0 else 50.0,
            )
        )
    return accuracy_tables(rows)


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("by_tilt", ["0-5°", "5-10°", "10-15°"]),
        ("by_spacing", ["2-4 mm", "4-6 mm", "6-8 mm", "8-12 mm"]),
        ("by_coverage", ["slices cover the brain", "slices leave part of the brain out"]),
    ],
)
def test_everybody_is_in_one_part(tables, split, names):
    assert list(tables[split]) == names
    assert sum(figures["people"] for figures in tables[split].values()) == PEOPLE


def test_parts_differ(tables):
    whole, part = tables["by_coverage"].values()

    assert part["people"] == pytest.approx(PEOPLE / 3, abs=1)
    assert whole["mae_years"] != part["mae_years"]
