"""The model folder: all figures of its card come from out-of-fold rows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.model.weights import FILE_NAME
from BrainAgeLib.statistics import exact_interval
from BrainAgeLib.training.accuracy_tables import accuracy_tables
from BrainAgeLib.training.blend import choose_blend
from BrainAgeLib.training.calibration import (
    CLASSES,
    SCALE_AGES_YEARS,
    conformal_factor,
    fit_interval,
)
from BrainAgeLib.training.model_folder import make_card, sequence_calibrations
from BrainAgeLib.training.out_of_fold import (
    MAIN_PROTOCOL,
    RANDOM_PROTOCOL,
    SEQUENCE_PROTOCOLS,
)
from BrainAgeLib.training.settings import TrainingSettings
from Testing.library.model_folders import (
    BLEND,
    FOLDS,
    PEOPLE,
    SMALL_NETWORK,
    out_of_fold_rows,
    small_weights,
    with_sequence_rows,
)


@pytest.fixture(scope="module")
def text(small_model):
    """Return the content of a card."""
    return json.loads((small_model / "card.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def main_rows():
    """Return the rows of the main protocol."""
    return [row for row in out_of_fold_rows() if row.protocol == MAIN_PROTOCOL]


def columns(rows):
    """Return ages and predictions."""
    return tuple(
        np.array([getattr(row, name) for row in rows]) for name in ("age_years", "predicted_years")
    )


def scales_of(ages, predicted):
    """Return the expected errors at the ages of a card."""
    return fit_interval(ages, predicted)[0]


def test_a_folder_holds_weights_and_card(small_model, text):
    assert sorted(path.name for path in small_model.iterdir()) == ["card.json", FILE_NAME]
    weights = (small_model / FILE_NAME).read_bytes()
    assert text["sha256"] == hashlib.sha256(weights).hexdigest()


def test_the_card_says_who_was_trained_on(text):
    assert text["training"]["people"] == PEOPLE
    assert text["training"]["sex"] == {"F": PEOPLE // 2, "M": PEOPLE // 2}
    assert text["age_range_years"] == [20.0, 88.0]
    members = small_weights().members
    assert text["members"] == len(members)
    assert text["blend"] == {
        "whole_brain": {"network": 0.4, "regional": 0.6},
        "part_of_brain": {"slices": 1.0},
        "curve": None,
        "of_sequences": {},
        "tight": None,
    }
    parameters = {kind: model.parameter_count for kind, model in members[0].items()}
    assert text["training"]["parameters"] == parameters
    assert parameters["regional"] == int((members[0]["regional"].weights != 0).sum())


def test_ages_trained_on_are_those_of_all_sites():
    rows = out_of_fold_rows(30)
    ages = [row.age_years for row in rows]
    others = [replace(rows[0], age_years=max(ages) + 5, protocol=MAIN_PROTOCOL)]
    weights, settings = small_weights(), TrainingSettings(network=SMALL_NETWORK)

    card = make_card(weights, BLEND, rows, settings, "0" * 64, {"other": others}, others)

    assert card.age_range_years == (min(ages), max(ages) + 5)
    corrections = card.calibration.classes[0].corrections
    assert {line.age_range_years for line in corrections} == {(min(ages), max(ages))}


def test_raw_errors_are_those_of_validation_and_held_out_people(text, main_rows):
    for group, held_out in (("validation", False), ("held_out", True)):
        ages, predicted = columns([row for row in main_rows if row.held_out == held_out])
        figures = text["accuracy"][group][MAIN_PROTOCOL]
        assert figures["people"] == len(ages)
        assert figures["mae_years"] == pytest.approx(np.abs(predicted - ages).mean(), abs=1e-3)
        assert figures["mean_age_mae_years"] == pytest.approx(
            np.abs(ages - ages.mean()).mean(), abs=1e-3
        )


def test_each_kind_is_judged_alone_too(text, main_rows):
    validation = [row for row in main_rows if not row.held_out]
    ages = np.array([row.age_years for row in validation])
    for part in ("network", "regional"):
        said = np.array([row.by_kind[part] for row in validation])
        figures = text["ablation"][part]
        assert figures["people"] == len(validation)
        assert figures["mae_years"] == pytest.approx(np.abs(said - ages).mean(), abs=1e-3)


def test_scans_without_a_kinds_age_are_no_part_of_its_error():
    rows = out_of_fold_rows(30)
    by_kind = {"network": rows[0].by_kind["network"]}
    rows[0] = replace(rows[0], by_kind=by_kind, held_out=False)
    main = [row for row in rows if row.protocol == MAIN_PROTOCOL]
    assert rows[0] in main

    card = make_card(small_weights(), BLEND, rows, TrainingSettings(), "0" * 64, {})

    validation = sum(not row.held_out for row in main)
    assert card.ablation["network"].people == validation
    assert card.ablation["regional"].people == validation - 1


def test_errors_by_decade_and_sex_add_up(text):
    for split in ("by_decade", "by_sex"):
        assert sum(figures["people"] for figures in text["accuracy"][split].values()) == PEOPLE
    assert list(text["accuracy"]["by_decade"]) == [f"{n}0s" for n in range(2, 9)]


def test_each_class_is_fitted_on_its_own_scans(text):
    rows = out_of_fold_rows()
    for entry, (name, *limits, protocol) in zip(
        text["calibration"]["classes"], CLASSES, strict=True
    ):
        ages, predicted = columns([row for row in rows if row.protocol == protocol])
        scales = scales_of(ages, predicted)
        spreads = np.interp(predicted, SCALE_AGES_YEARS, scales)
        assert (entry["name"], entry["least_slices"], entry["most_spacing_mm"]) == (name, *limits)
        assert entry["people"] == PEOPLE
        assert entry["scale_ages_years"] == list(SCALE_AGES_YEARS)
        assert entry["scales_years"] == pytest.approx(scales, abs=1e-3)
        assert entry["half_width_factor"] == pytest.approx(
            conformal_factor(predicted - ages, spreads, 0.9), abs=1e-4
        )
        methods = [correction["method"] for correction in entry["corrections"]]
        assert methods == ["cole", "de-lange-cole"]
        assert all(protocol in correction["fitted_on"] for correction in entry["corrections"])


def test_coverage_is_of_people_who_did_not_fit_the_interval(text, main_rows):
    ages, predicted = columns(main_rows)
    folds = np.array([row.fold for row in main_rows])
    covered, widths = [], []
    for fold in range(FOLDS):
        own = folds == fold
        scales = scales_of(ages[~own], predicted[~own])
        spreads = np.interp(predicted, SCALE_AGES_YEARS, scales)
        factor = conformal_factor((predicted - ages)[~own], spreads[~own], 0.9)
        covered += list(np.abs(predicted - ages)[own] <= factor * spreads[own])
        widths += list(2 * factor * spreads[own])

    figures = text["accuracy"]["interval"][CLASSES[0][0]]

    assert figures["people"] == PEOPLE
    assert figures["coverage"] == pytest.approx(np.mean(covered), abs=1e-3)
    assert figures["exact_interval"] == pytest.approx(
        exact_interval(sum(covered), PEOPLE), abs=1e-3
    )
    assert figures["mean_width_years"] == pytest.approx(np.mean(widths), abs=0.01)
    assert sum(part["people"] for part in figures["by_decade"].values()) == PEOPLE


def test_one_sided_people_still_make_a_card():
    rows = [replace(row, sex="F", held_out=False) for row in out_of_fold_rows(30)]
    settings = TrainingSettings(network=SMALL_NETWORK)

    card = make_card(small_weights(), BLEND, rows, settings, "0" * 64, {})

    assert card.training.sex == {"F": 30, "M": 0}
    assert card.accuracy.held_out[MAIN_PROTOCOL] is None


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
                covers_brain=number % 3 != 0,
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
    assert list(getattr(tables, split)) == names
    assert sum(figures.people for figures in getattr(tables, split).values()) == PEOPLE


def test_parts_differ(tables):
    whole, part = tables.by_coverage.values()

    assert part.people == pytest.approx(PEOPLE / 3, abs=1)
    assert whole.mae_years != part.mae_years


def test_rows_of_other_sequences_change_nothing_of_a_t1():
    rows, settings = out_of_fold_rows(), TrainingSettings(folds=FOLDS, network=SMALL_NETWORK)
    weights = small_weights()

    without, knowing = (
        make_card(weights, choose_blend(table), table, settings, "0" * 64, {"other": table}, table)
        for table in (rows, with_sequence_rows(rows))
    )

    read = knowing.calibration.sequences
    assert list(read) == list(SEQUENCE_PROTOCOLS)
    assert without.calibration.sequences == {}
    for name, one in read.items():
        assert one.entry.name == SEQUENCE_PROTOCOLS[name]
        assert abs(one.validation.mean_error_years) < 0.5
        assert (one.real_widening, one.real_scans) == (1.0, 0)
        assert knowing.accuracy.interval[one.entry.name].people == one.entry.people
    accuracy, calibration = knowing.accuracy, knowing.calibration
    interval = {name: accuracy.interval[name] for name in without.accuracy.interval}
    assert replace(accuracy, interval=interval) == without.accuracy
    assert without.calibration.together == ()
    assert replace(calibration, sequences={}, together=()) == without.calibration


@pytest.mark.parametrize("people", [1, 2, 3, 12])
def test_a_sequence_of_too_few_people_is_not_calibrated(people):
    flair = SEQUENCE_PROTOCOLS["FLAIR"]
    rows = [row for row in with_sequence_rows(out_of_fold_rows()) if row.protocol == flair]

    assert sequence_calibrations(rows[:people]) == ({}, {})
