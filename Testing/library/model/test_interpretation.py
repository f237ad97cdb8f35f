"""What a card makes of a raw age, for one person."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.model.calibration import (
    AcquisitionClass,
    AgeCurve,
    SequenceCalibration,
    UnseenScanner,
)
from BrainAgeLib.model.card import Calibration, read_card
from BrainAgeLib.model.ensemble import RawAge
from BrainAgeLib.model.interpretation import Interpreter, chosen_correction
from BrainAgeLib.records import Correction

RAW = RawAge(60.0, (59.0, 61.0), True)
SCALE = ((40.0, 80.0), (3.0, 5.0))  # 4 years at 60
LINE = Correction("cole", "made up", 100, (20.0, 80.0), 0.8, 10.0)


@pytest.fixture(scope="module")
def card(small_model):
    """Return the card of a small model, with a calibration of round numbers."""
    classes = (
        AcquisitionClass("many slices", 10, 7.0, 2.0, *SCALE, 100, (LINE,)),
        AcquisitionClass("the rest", 0, 1000.0, 3.0, *SCALE, 100, ()),
        AcquisitionClass("too few people", 0, 1000.0, math.inf, *SCALE, 5, ()),
    )
    return replace(read_card(small_model), calibration=Calibration(0.9, "cole", classes))


def test_the_card_names_the_correction_unless_somebody_else_does(card):
    assert chosen_correction(card, None) == "cole"
    assert chosen_correction(card, "none") == "none"
    with pytest.raises(InputError, match="no correction 'smith'") as caught:
        chosen_correction(card, "smith")
    assert caught.value.hint == "it has cole, none"


def test_everything_is_said_of_a_person_of_known_age(card):
    says = Interpreter(card, "cole").interpret(RAW, 55.0, 20, 6.0)

    assert says.interval_years == (52.0, 68.0)
    assert says.corrected_brain_age_years == pytest.approx((60.0 - 10.0) / 0.8)
    assert says.correction == LINE
    assert 0 <= says.gap_percentile <= 100


def test_without_an_age_there_is_an_interval_alone(card):
    says = Interpreter(card, "cole").interpret(RAW, None, 20, 6.0)

    assert says.interval_years == (52.0, 68.0)
    assert (says.corrected_brain_age_years, says.correction, says.gap_percentile) == (None,) * 3


@pytest.mark.parametrize(("years", "low"), [(60.0, 52.0), (3.0, 0.0), (-1.5, -1.5)])
def test_an_interval_begins_at_birth_but_holds_what_the_model_says(card, years, low):
    says = Interpreter(card, "cole").interpret(replace(RAW, age_years=years), None, 20, 6.0)

    assert says.interval_years[0] == low <= years < says.interval_years[1]


def test_another_class_has_its_own_interval(card):
    says = Interpreter(card, "cole").interpret(RAW, 55.0, 5, 6.0)

    assert says.interval_years == (48.0, 72.0)
    assert says.correction is None


@pytest.mark.parametrize(("slice_count", "covers"), [(20, False), (5, True), (5, False)])
def test_slices_that_leave_holes_count_as_few(card, slice_count, covers):
    raw = replace(RAW, covers_brain=covers)

    says = Interpreter(card, "cole").interpret(raw, 55.0, slice_count, 6.0)

    assert says.interval_years == (48.0, 72.0)


def test_slices_that_say_less_of_the_age_have_a_wider_interval(card):
    raw = replace(RAW, covers_brain=False, widening=1.5)

    assert Interpreter(card, "cole").interpret(raw, 55.0, 5, 6.0).interval_years == (42.0, 78.0)


UNSEEN = UnseenScanner(1.25, 1.5, 40, 4, "people of other scanners")


@pytest.mark.parametrize(("has_no_skull", "half_years"), [(False, 10.0), (True, 12.0)])
def test_a_scanner_never_seen_has_a_wider_interval(card, has_no_skull, half_years):
    calibration = replace(card.calibration, unseen_scanner=UNSEEN)
    knowing = Interpreter(replace(card, calibration=calibration), "cole")

    says = knowing.interpret(RAW, 55.0, 20, 6.0, has_no_skull)

    assert says.interval_years == (60.0 - half_years, 60.0 + half_years)
    assert says.interval_covers == "any scanner"


def test_another_sequence_has_an_interval_and_a_line_of_its_own_and_no_percentile(card):
    wide, own = card.calibration.classes[0], replace(card.calibration.classes[0], name="T2w")
    own = replace(own, half_width_factor=2 * wide.half_width_factor, corrections=())
    t2 = SequenceCalibration(AgeCurve((0.0, 100.0), (0.0, 100.0)), own, "0" * 64, 1.5, 3)
    calibration = replace(card.calibration, sequences={"T2w": t2}, unseen_scanner=UNSEEN)
    interpreter = Interpreter(replace(card, calibration=calibration), "cole")

    t1 = interpreter.interpret(RAW, 55.0, 20, 6.0)
    says = interpreter.interpret(replace(RAW, sequence="T2w"), 55.0, 20, 6.0)

    half = t1.interval_years[1] - 60.0
    assert says.interval_years == (60.0 - 3 * half, 60.0 + 3 * half)
    apart = interpreter.interpret(replace(RAW, sequence="T2w"), 55.0, 20, 9.0)  # wide slices
    assert apart.interval_years[1] == pytest.approx(60.0 + 4.5 * half)
    assert t1.correction is not None
    assert says.correction is None
    assert says.gap_percentile is None


def test_a_card_names_no_sequence_that_nothing_reads(card):
    read = SequenceCalibration(AgeCurve((0, 1), (0, 1)), card.calibration.classes[0], "", 1.0, 0)
    with pytest.raises(ValueError, match="sequences cannot be"):
        replace(card.calibration, sequences={"PDw": read})


def test_a_sequence_whose_real_scans_would_narrow_the_interval_is_no_calibration(card):
    with pytest.raises(ValueError, match="narrower"):
        SequenceCalibration(AgeCurve((0, 1), (0, 1)), card.calibration.classes[0], "0" * 64, 0.9, 3)


def test_an_interval_that_would_be_narrower_there_is_no_calibration():
    with pytest.raises(ValueError, match="narrower"):
        replace(UNSEEN, whole_head=0.9)


def test_nobody_is_younger_than_0(card):
    raw = replace(RAW, covers_brain=False, widening=6.0)

    assert Interpreter(card, "cole").interpret(raw, 55.0, 5, 6.0).interval_years == (0.0, 132.0)


def test_a_class_of_too_few_people_has_no_interval(card):
    calibration = replace(card.calibration, classes=card.calibration.classes[2:])

    says = Interpreter(replace(card, calibration=calibration), "none").interpret(RAW, 55.0, 5, 6.0)

    assert says.interval_years is None


def test_a_correction_that_says_nothing_is_not_shown(card):
    outside = Interpreter(card, "cole").interpret(RAW, 85.0, 20, 6.0)
    unwanted = Interpreter(card, "none").interpret(RAW, 55.0, 20, 6.0)

    assert (outside.corrected_brain_age_years, outside.correction) == (None, None)
    assert (unwanted.corrected_brain_age_years, unwanted.correction) == (None, None)
