"""Sets of sequences are kept if their ages err less together, by people who are not held out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.model.calibration import AgeCurve, SequenceCalibration
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL, SEQUENCE_PROTOCOLS
from BrainAgeLib.training.together import fit_together
from Testing.library.model_folders import FOLDS, flat_class, out_of_fold_rows

PEOPLE = 120
LATE_YEARS = 3.0
"""What a curve takes off."""


def rows_of(**noise_years):
    """Return rows of sequences whose errors are their own; ``T1w`` and names of sequences."""
    generator = np.random.default_rng(5)
    people = [row for row in out_of_fold_rows(PEOPLE) if row.protocol == MAIN_PROTOCOL]
    protocols = {"T1w": MAIN_PROTOCOL, **SEQUENCE_PROTOCOLS}
    rows = []
    for name, spread in noise_years.items():
        late = 0.0 if name == "T1w" else LATE_YEARS
        rows += [
            replace(
                row,
                protocol=protocols[name],
                predicted_years=row.age_years + late + float(generator.normal(0, spread)),
            )
            for row in people
        ]
    return rows


def calibrations(*names):
    curve = AgeCurve((LATE_YEARS, 100.0 + LATE_YEARS), (0.0, 100.0))
    return {
        name: SequenceCalibration(curve, flat_class(name, 9.0), "0" * 64, 1.0, 0) for name in names
    }


def error(rows):
    return float(np.mean([abs(row.predicted_years - row.age_years) for row in rows]))


@pytest.fixture(scope="module")
def rows():
    return rows_of(T1w=5.0, T2w=5.0, FLAIR=50.0)


@pytest.fixture(scope="module")
def fitted(rows):
    return fit_together(rows, calibrations("T2w", "FLAIR"))


def test_errors_of_their_own_go_away_and_what_is_too_bad_gains_nothing(fitted):
    together, _ = fitted

    by_set = {one.sequences: one for one in together}
    assert set(by_set) == {("T1w", "T2w"), ("T1w", "T2w", "FLAIR")}
    assert by_set["T1w", "T2w"].fractions == pytest.approx({"T1w": 0.5, "T2w": 0.5}, abs=0.11)
    assert "FLAIR" not in by_set["T1w", "T2w", "FLAIR"].fractions


def test_figures_are_those_of_the_weighted_ages(rows, fitted):
    (pair, _), coverage = fitted
    t1 = {row.participant_id: row for row in rows if row.protocol == MAIN_PROTOCOL}
    t2 = {row.participant_id: row for row in rows if row.protocol == SEQUENCE_PROTOCOLS["T2w"]}
    joined = [
        replace(
            row,
            predicted_years=pair.fractions["T1w"] * row.predicted_years
            + pair.fractions["T2w"] * (t2[name].predicted_years - LATE_YEARS),
        )
        for name, row in t1.items()
    ]

    for held_out, figures in ((False, pair.validation), (True, pair.held_out)):
        own = [row for row in joined if row.held_out == held_out]
        assert figures.people == len(own) > 0
        assert figures.mae_years == pytest.approx(error(own), abs=0.002)
    assert pair.validation.mae_years < error([row for row in t1.values() if not row.held_out])
    name = f"T1w + T2w, {MAIN_PROTOCOL}"
    assert pair.entry.name == name
    assert pair.entry.people == coverage[name].people == PEOPLE
    assert {one.method for one in pair.entry.corrections} == {"cole", "de-lange-cole"}
    assert coverage[name].coverage == pytest.approx(0.9, abs=0.07)


def test_held_out_people_choose_nothing(rows, fitted):
    spoilt = [
        replace(row, predicted_years=20.0)
        if row.held_out and row.protocol != MAIN_PROTOCOL
        else row
        for row in rows
    ]

    again, _ = fit_together(spoilt, calibrations("T2w", "FLAIR"))

    assert [one.fractions for one in again] == [one.fractions for one in fitted[0]]


def test_people_without_one_of_the_scans_do_not_count(rows):
    some = [
        row
        for number, row in enumerate(rows)
        if row.protocol == MAIN_PROTOCOL or number % 3 or row.held_out
    ]
    wanted = sum(row.protocol == SEQUENCE_PROTOCOLS["T2w"] for row in some)

    ((pair,), _) = fit_together(some, calibrations("T2w"))

    assert pair.entry.people == wanted < PEOPLE


def test_the_same_error_twice_is_no_gain():
    rows = rows_of(T1w=5.0)
    rows += [
        replace(row, protocol=SEQUENCE_PROTOCOLS["T2w"], predicted_years=row.predicted_years + 3.0)
        for row in rows
    ]

    assert fit_together(rows, calibrations("T2w")) == ((), {})


def test_a_gain_that_may_be_chance_is_none():
    """T2w adds the least in the sample: some 0.002 years, far below what people differ by."""
    rows = [row for row in rows_of(T1w=5.0) if not row.held_out]
    generator = np.random.default_rng(2)
    noise = generator.normal(0.0, 12.0, len(rows))
    rows += [
        replace(
            row,
            protocol=SEQUENCE_PROTOCOLS["T2w"],
            predicted_years=row.age_years + LATE_YEARS + float(far),
        )
        for row, far in zip(rows, noise, strict=True)
    ]

    assert in_sample_gain(rows) > 0.001
    assert fit_together(rows, calibrations("T2w")) == ((), {})


def in_sample_gain(rows):
    """Return by how many years a mean with a tenth of T2w errs less than T1w alone."""
    count = len(rows) // 2
    t1, t2 = rows[:count], rows[count:]
    mean = [
        replace(
            one,
            predicted_years=0.9 * one.predicted_years + 0.1 * (two.predicted_years - LATE_YEARS),
        )
        for one, two in zip(t1, t2, strict=True)
    ]
    return error(t1) - error(mean)


def test_people_too_few_for_an_interval_without_one_fold_make_no_set():
    rows = rows_of(T1w=8.0, T2w=8.0)
    chosen = sorted({row.participant_id for row in rows if not row.held_out})[:12]
    few = [row for row in rows if row.participant_id in chosen]

    together, coverage = fit_together(few, calibrations("T2w"))

    assert (together, coverage) == ((), {})


def test_without_other_sequences_or_with_too_few_people_there_is_no_set(rows):
    few = [row for row in rows if int(row.participant_id[-3:]) < 8 * FOLDS // 2]

    assert fit_together(rows, {}) == ((), {})
    assert fit_together(few, calibrations("T2w"))[0] == ()
