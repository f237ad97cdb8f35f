"""The site's deviation is found, shrunk as said, and honest about its uncertainty."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.cohort.site import (
    fit_deviation,
    fit_site,
    kept_fraction,
    site_calibration,
    write_site,
)
from BrainAgeLib.cohort.table import OTHER_SEQUENCE, counted
from BrainAgeLib.errors import InputError
from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.site import read_site
from BrainAgeLib.records import ModelRecord
from BrainAgeLib.report.record import write_prediction
from Testing.library.cohort.made_results import failed_row, healthy_rows, row, write_table
from Testing.library.follow.made_people import prediction

AGES = np.linspace(40.0, 80.0, 30)


@pytest.fixture(scope="module")
def card(small_model):
    return read_card(small_model)


def table_of(card, people, tmp_path, shift_years=5.0, slope=0.0, **changes):
    """Return a table of people on the card's own line, shifted, with a little noise."""
    line = card.calibration.classes[0].corrections[1]
    generator = np.random.default_rng(7)
    rows = []
    for number, age in enumerate(np.linspace(40.0, 80.0, people)):
        gap = line.slope * age + line.intercept + shift_years + slope * (age - 60.0)
        gap += generator.normal(0, 1.0)
        rows.append(row(number, float(age), float(age + gap)) | changes)
    return write_table(rows, tmp_path / "results.csv")


def test_offset_and_slope_by_hand():
    noise = np.tile([1.0, -1.0, -1.0, 1.0], 8)[:30]

    offset, slope, residuals = fit_deviation(AGES, 4.0 + 0.2 * (AGES - 60.0) + noise)

    assert offset.value == pytest.approx(4.0 + noise.mean())
    line = np.polyfit(AGES, noise, 1)
    assert slope.value == pytest.approx(0.2 + line[0])
    spread = np.sqrt((residuals**2).sum() / 28)
    assert offset.standard_error == pytest.approx(spread / np.sqrt(30))
    assert slope.standard_error == pytest.approx(spread / (AGES.std() * np.sqrt(30)))
    assert (offset.high - offset.low) / 2 == pytest.approx(2.0484 * offset.standard_error, rel=1e-4)


@pytest.mark.parametrize(
    ("value", "standard_error", "kept"),
    [(2.0, 1.0, 0.75), (-2.0, 1.0, 0.75), (1.0, 1.0, 0.0), (0.5, 1.0, 0.0), (0.0, 1.0, 0.0)],
)
def test_a_deviation_within_its_noise_is_not_applied(value, standard_error, kept):
    assert kept_fraction(value, standard_error) == pytest.approx(kept)


def test_the_interval_holds_the_truth_and_what_is_applied():
    generator = np.random.default_rng(5)
    held = []
    for _ in range(1000):
        offset, slope, _ = fit_deviation(AGES, 2.0 + generator.normal(0, 6.0, len(AGES)))
        held.append(offset.low <= 2.0 <= offset.high)
        assert offset.low <= offset.applied <= offset.high
        assert slope.low <= slope.applied <= slope.high

    assert 0.93 < np.mean(held) < 0.97


@pytest.mark.parametrize("ages", [[50.0, 60.0], [50.0, 50.0, 50.0]])
def test_no_line_without_people_of_different_ages(ages):
    with pytest.raises(ValueError, match="three people of different ages"):
        fit_deviation(np.array(ages), np.zeros(len(ages)))


def test_a_shift_is_found_and_can_be_read_back(card, tmp_path):
    fit = fit_site(table_of(card, 40, tmp_path, 5.0, 0.1), card)
    write_site(site_calibration(fit, card, "Clinic A"), tmp_path / "site.json")
    model = ModelRecord(card.name, card.version, card.sha256, card.age_range_years)
    site = read_site(tmp_path / "site.json", model)

    assert site == site_calibration(fit, card, "Clinic A")
    assert site.applied.offset_years == pytest.approx(5.0, abs=0.5)
    assert site.applied.slope == pytest.approx(0.1, abs=0.04)
    assert site.age_range_years == (40.0, 80.0)


def test_each_acquisition_class_deviates_from_its_own_line(card, tmp_path):
    far_line = card.calibration.classes[1].corrections[1]
    rows = [
        row(n, age, age + far_line.slope * age + far_line.intercept + 2.0 + 0.1 * (n % 5 - 2))
        | {"slice_spacing_mm": 9.0}
        for n, age in enumerate(np.linspace(40, 80, 25).tolist())
    ]

    fit = fit_site(write_table(rows, tmp_path / "results.csv"), card)

    assert fit.offset_years.value == pytest.approx(2.0)
    assert fit.classes == (card.calibration.classes[1].name,)


def test_fewer_than_twenty_people_need_force(card, tmp_path):
    path = table_of(card, 19, tmp_path)

    with pytest.raises(InputError, match="has 19 people .* needs 20"):
        fit_site(path, card)
    assert fit_site(path, card, force=True).people == 19
    assert fit_site(table_of(card, 20, tmp_path), card).people == 20


def test_two_scans_of_one_person_are_one_person(card, tmp_path):
    rows = healthy_rows(15)
    path = write_table([*rows, *(entry | {"session": "2"} for entry in rows)], tmp_path / "r.csv")

    with pytest.raises(InputError, match="has 15 people"):
        fit_site(path, card)


def test_patients_are_not_taken_for_healthy_people(card, tmp_path):
    rows = [entry | {"group": "CN"} for entry in healthy_rows(25)]
    rows += [entry | {"group": "AD", "id": f"ad{n}"} for n, entry in enumerate(healthy_rows(25))]
    path = write_table(rows, tmp_path / "results.csv")

    with pytest.raises(InputError, match="several groups: AD, CN"):
        fit_site(path, card)
    nobody = write_table([failed_row(1)], tmp_path / "failed.csv")
    with pytest.raises(InputError, match=r"no group 'CN' \(it has nobody with a brain age"):
        fit_site(nobody, card, "CN")
    with pytest.raises(InputError, match="no group 'HC'"):
        fit_site(path, card, "HC")
    assert fit_site(path, card, "CN").people == 25


def test_results_of_another_model(card, tmp_path):
    with pytest.raises(InputError, match="by the model other 2"):
        fit_site(table_of(card, 30, tmp_path, model="other 2"), card)


def test_what_a_table_does_not_say_is_told(card, tmp_path, caplog):
    fit_site(table_of(card, 30, tmp_path), card)
    assert not caplog.messages

    fit_site(table_of(card, 30, tmp_path, model="", slice_spacing_mm=""), card)

    assert caplog.messages == [
        f"30 of 30 rows have no model: they are taken for ages by {card.name} {card.version}",
        "30 of 30 rows have no slice_spacing_mm: they are taken for those of "
        f"{card.calibration.classes[0].name}",
    ]


def test_people_of_one_age(card, tmp_path):
    rows = [row(n, 60.0, 62.0 + 0.1 * n) for n in range(25)]

    with pytest.raises(InputError, match="have one age"):
        fit_site(write_table(rows, tmp_path / "results.csv"), card)


def test_people_on_one_line_are_no_people(card, tmp_path):
    rows = [row(n, 40.0 + n, 45.0 + n) for n in range(25)]

    with pytest.raises(InputError, match="lie on one line"):
        fit_site(write_table(rows, tmp_path / "results.csv"), card)


def test_a_scan_far_from_all_others_is_named(card, tmp_path):
    rows = healthy_rows(30, noise_years=1.0)
    rows[9] = row(9, rows[9]["age"], rows[9]["brain_age_years"] + 40.0)

    assert fit_site(write_table(rows, tmp_path / "r.csv"), card).outlying_lines == (11,)


def test_a_shift_that_no_site_has_is_not_written(card, tmp_path):
    fit = fit_site(table_of(card, 30, tmp_path, shift_years=80.0), card)

    with pytest.raises(InputError, match="not a site calibration that could be used"):
        site_calibration(fit, card, "Clinic A")


def records_beside(path, sha256, stripped):
    """Write the records of the scans of a table, as a batch leaves them."""
    (path.parent / "batch.json").write_text("{}")
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    for number, one in enumerate(rows if stripped else ()):
        made = prediction(float(one["brain_age_years"]))
        is_stripped = stripped[number % len(stripped)]
        own = replace(made.input, path=f"/data/{one['path']}", brain_extracted=is_stripped)
        made = replace(made, input=own, model=replace(made.model, sha256=sha256))
        (path.parent / str(number)).mkdir()
        write_prediction(made, path.parent / str(number) / "prediction.json")


@pytest.mark.parametrize(
    ("stripped", "kept"), [((True,), True), ((False,), False), ((True, False), None), ((), None)]
)
def test_whether_the_scans_came_without_their_skull_is_kept(card, tmp_path, stripped, kept):
    path = table_of(card, 30, tmp_path)
    records_beside(path, card.sha256, stripped)

    fit = fit_site(path, card)

    assert set(fit.brain_extracted) == (set(stripped) or {None})
    assert site_calibration(fit, card, "Clinic A").brain_extracted is kept


def test_what_the_gate_finds_to_have_no_skull_has_none(card, tmp_path):
    path = table_of(card, 30, tmp_path, findings="noise;no_skull")

    assert fit_site(path, card).brain_extracted == (True,)


def test_a_site_is_calibrated_by_its_t1_scans_alone(card, tmp_path):
    plain = fit_site(table_of(card, 25, tmp_path), card)
    with (tmp_path / "results.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    older = [one | {"findings": "noise;other_sequence"} for one in rows]
    for one in older:
        for name in ("brain_age_years", "interval_low", "interval_high", "gap_years"):
            one[name] = str(float(one[name]) + 20.0)

    mixed = write_table([*older, *rows], tmp_path / "mixed.csv")  # of one session, T1 below
    fit = fit_site(mixed, card)

    assert (fit.people, counted(fit.left_out)) == (25, {OTHER_SEQUENCE: 25})
    assert fit.offset_years == plain.offset_years and fit.slope == plain.slope
    with pytest.raises(InputError, match="has 0 people with a T1 scan.*25 scans of another seq"):
        fit_site(write_table(older, tmp_path / "others.csv"), card)


def test_ages_by_another_model_of_the_same_name_and_version(card, tmp_path):
    path = table_of(card, 30, tmp_path)
    records_beside(path, "0" * 64, (True,))

    with pytest.raises(InputError, match="by other weights of"):
        fit_site(path, card)


def test_ages_of_a_few_slices_deviate_from_the_line_of_few_slices(card, tmp_path):
    few = next(entry for entry in card.calibration.classes if entry.name == "few slices")
    line = next(item for item in few.corrections if item.method == "de-lange-cole")
    rows = [
        row(n, age, age + line.slope * age + line.intercept + 2.0 + 0.1 * (n % 5 - 2))
        | {"findings": "part_of_brain"}
        for n, age in enumerate(np.linspace(40, 80, 25).tolist())
    ]

    fit = fit_site(write_table(rows, tmp_path / "results.csv"), card)

    assert fit.offset_years.value == pytest.approx(2.0)
    assert fit.classes == ("few slices",)


def test_two_people_of_one_id_are_not_taken_for_one(card, tmp_path):
    rows = [entry | {"session": ""} for entry in healthy_rows(30)]
    rows[7] |= {"id": rows[6]["id"]}  # a man has a woman's

    with pytest.raises(InputError, match="lines 8 and 9 .* are of one person by their id"):
        fit_site(write_table(rows, tmp_path / "results.csv"), card)
