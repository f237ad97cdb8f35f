"""Figures by subset against those worked out directly from the rows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from BrainAgeLib.cohort.accuracy import (
    ZERO_INFORMATION,
    corrected_beside_nothing,
    corrected_by,
    correction_of,
    raw_figures,
    subsets,
    zero_information_figures,
)
from BrainAgeLib.cohort.table import read_table
from Testing.library.cohort.made_results import healthy_rows, write_table

AGES = np.random.default_rng(5).normal(70.0, 7.9, 3000)
PREDICTED = 0.8 * AGES + 15 + np.random.default_rng(6).normal(0, 5, len(AGES))


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


def test_a_predictor_that_knows_nothing_looks_good_after_correction():
    figures = zero_information_figures(AGES, 3.4)

    # Mean absolute value of a normal distribution: 3.4 sqrt(2 / pi).
    assert figures["mae_years"] == pytest.approx(3.4 * math.sqrt(2 / math.pi), abs=0.02)
    assert figures["rmse_years"] == pytest.approx(3.4, abs=0.02)
    assert figures["r"] == pytest.approx(0.92, abs=0.01)
    # It is far better than what the raw mean age reaches.
    assert figures["mean_age_mae_years"] > 2 * figures["mae_years"]


def test_dividing_by_the_slope_does_not_flatter_it():
    assert zero_information_figures(AGES, 3.4, "cole")["mae_years"] > 100


@pytest.mark.parametrize("correction", ["de-lange-cole", "cole"])
def test_the_correction_is_recognised_by_what_it_did(correction):
    assert correction_of(AGES, PREDICTED, corrected_by(AGES, PREDICTED, correction)) == correction


def test_an_unknown_correction_is_not_recognised():
    corrected = np.where(AGES < 70, PREDICTED + 1, PREDICTED - 1)

    assert correction_of(AGES, PREDICTED, corrected) is None
