"""Figures by subset against those worked out directly from the rows."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.cohort.analysis.table import read_table
from BrainAgeLib.cohort.evaluation.figures import (
    ZERO_INFORMATION,
    corrected_beside_nothing,
    coverage_figures,
    holds_its_promise,
    raw_figures,
    subsets,
)
from Testing.library.cohort.made_results import healthy_rows, write_table


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    rows = healthy_rows(120)
    for number, entry in enumerate(rows):
        entry["slice_spacing_mm"] = (3.0, 6.0, 9.0)[number % 3]
    path = write_table(rows, tmp_path_factory.mktemp("table") / "results.csv")
    return read_table(path).scans


def test_decades_sexes_and_spacings_each_hold_everybody(scans):
    sizes = {name: len(chosen) for name, chosen in subsets(scans)}

    assert sizes["everybody"] == 120
    for start in ("sex", "slice spacing"):
        assert sum(size for name, size in sizes.items() if name.startswith(start)) == 120
    decades = [name for name in sizes if name.endswith("0s")]
    assert decades == ["20s", "30s", "40s", "50s", "60s", "70s", "80s"]
    assert sum(sizes[name] for name in decades) == 120
    assert sizes["slice spacing over 7 mm"] == 40


def test_raw_error_of_a_subset(scans):
    women = scans[scans["sex"] == "F"]
    found = {(item.subset, item.figure): item for item in raw_figures(scans)}

    mae = found["sex F", "MAE"]
    assert mae.value == pytest.approx((women["brain_age_years"] - women["age"]).abs().mean())
    assert mae.low < mae.value < mae.high
    assert mae.people == 60
    assert ("80s", "MAE") not in found  # one person
    assert found["everybody", "mean error"].value == pytest.approx(scans["gap_years"].mean())


def test_no_corrected_figure_without_that_of_no_information(scans):
    found, method = corrected_beside_nothing(scans)

    assert method == "de-lange-cole"
    for ours, rival in zip(found[::2], found[1::2], strict=True):
        assert rival.outcome == ZERO_INFORMATION
        assert ours.figure == rival.figure
        # The model's own scatter is all that either figure shows.
        assert rival.value == pytest.approx(ours.value, rel=0.1)


def test_coverage_counts_ages_within_the_interval(scans):
    found = {(item.subset, item.figure): item for item in coverage_figures(scans)}

    inside = (scans["interval_low"] <= scans["age"]) & (scans["age"] <= scans["interval_high"])
    pooled = found["everybody", "coverage"]
    assert pooled.value == pytest.approx(inside.mean())
    assert found["everybody", "mean width"].value == pytest.approx(24.0)
    assert holds_its_promise(pooled) == (pooled.low <= 0.9 <= pooled.high)


def test_a_narrow_interval_breaks_its_promise(scans):
    narrow = scans.assign(interval_low=scans["age"] + 1)

    pooled = coverage_figures(narrow)[0]

    assert pooled.value == 0.0
    assert not holds_its_promise(pooled)


def test_a_table_without_intervals_has_no_coverage(scans):
    assert coverage_figures(scans.assign(interval_low=np.nan)) == []
