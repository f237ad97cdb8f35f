"""Several sequences of one session make one age, where the card says how."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import BrainAgeLib
from BrainAgeLib.codec import to_plain, to_text
from BrainAgeLib.errors import InputError, InstallationError
from BrainAgeLib.model.calibration import SequencesTogether
from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.card_text import card_text
from BrainAgeLib.model.together import age_together, scan_age
from BrainAgeLib.records import Correction, Finding, Quality
from Testing.library.model_folders import flat_class, knowing_sets
from Testing.library.report.conftest import person
from Testing.makers.model_card import tables

LINE = Correction("de-lange-cole", "made", 100, (20.0, 88.0), 0.0, 1.0)


@pytest.fixture(scope="module")
def card(small_model):
    return knowing_sets(read_card(small_model))


@pytest.fixture(scope="module")
def folder(card, tmp_path_factory):
    """Return a model folder with that card."""
    path = tmp_path_factory.mktemp("model")
    (path / "card.json").write_text(to_text(card))
    return path


@pytest.fixture
def scan(card):
    """Return a maker of records by that model, of somebody of 58."""

    def make(sequence, age_years, half_years, *codes, severity="warn", **changes):
        findings = tuple(Finding(code, severity, "made up") for code in codes)
        interval = (max(0.0, age_years - half_years), age_years + half_years)
        return replace(
            person(),
            brain_age_years=age_years,
            interval_years=interval,
            interval_covers="any scanner",
            chronological_age_years=58.0,
            correction=LINE,
            quality=Quality(findings),
            model=replace(person().model, version=card.version, sha256=card.sha256),
            sequence=sequence,
            **changes,
        )

    return make


def test_the_ages_are_weighted_and_the_interval_is_as_usual(scan, folder):
    pair = [scan("T1w", 60.0, 8.0), scan("T2w", 68.0, 10.0, "other_sequence")]

    both = BrainAgeLib.together(pair, model=folder)

    assert both.brain_age_years == pytest.approx(62.0)
    assert both.interval_years == pytest.approx((56.0, 68.0))
    assert both.gap_years == pytest.approx(4.0)
    assert both.corrected_gap_years == pytest.approx(2.0)
    assert both.fractions == {"T1w": 0.75, "T2w": 0.25}
    assert (both.verdict, both.interval_covers) == ("warn", "any scanner")
    assert BrainAgeLib.together(pair[::-1], model=folder) == both


def test_it_is_as_much_wider_as_those_that_it_is_made_of(scan, card):
    wide = [scan("T1w", 60.0, 16.0), scan("T2w", 68.0, 10.0)]

    both = age_together(list(map(scan_age, wide)), card)

    expected = 6.0 * (0.75 * 16 + 0.25 * 10) / (0.75 * 8 + 0.25 * 10)
    assert both.interval_years[1] - both.brain_age_years == pytest.approx(expected)


@pytest.mark.parametrize(("years", "ends"), [(4.0, (0.0, 10.0)), (-2.0, (-2.0, 4.0))])
def test_an_interval_that_is_cut_at_0_counts_whole_and_holds_the_age(scan, card, years, ends):
    young = [scan("T1w", years, 8.0), scan("T2w", years, 10.0)]

    both = age_together(list(map(scan_age, young)), card)

    assert both.interval_years == pytest.approx(ends)


def test_what_adds_nothing_changes_nothing_of_the_age(scan, card):
    three = [scan("T1w", 60.0, 8.0), scan("T2w", 68.0, 10.0), scan("FLAIR", 90.0, 50.0)]

    all_of_them = age_together(list(map(scan_age, three)), card)

    assert all_of_them.brain_age_years == pytest.approx(62.0)
    assert all_of_them.interval_years == pytest.approx((57.0, 67.0))
    assert all_of_them.sequences == ("T1w", "T2w", "FLAIR")


@pytest.mark.parametrize(
    "changes",
    [
        {"brain_age_years": None, "interval_years": None},
        {"interval_years": None},
        {"quality": Quality((Finding("part_of_brain", "warn", "made up"),))},
        {"quality": Quality((Finding("not_t1", "refuse", "made up"),))},
        {"sequence": "FLAIR"},
    ],
)
def test_without_one_of_them_or_a_set_there_is_none(scan, card, changes):
    other = replace(scan("T2w", 68.0, 10.0), **changes)

    assert age_together([scan_age(scan("T1w", 60.0, 8.0)), scan_age(other)], card) is None


def test_a_forced_age_marks_what_it_is_part_of(scan, card):
    forced = scan("T2w", 68.0, 10.0, "noise", severity="refuse")

    both = age_together([scan_age(scan("T1w", 60.0, 8.0)), scan_age(forced)], card)

    assert both.verdict == "refuse"


def test_a_picture_that_does_not_tell_is_read_as_a_t1(scan, card):
    flat, t2 = replace(scan("T1w", 60.0, 8.0), sequence=None), scan("T2w", 68.0, 10.0)

    assert age_together([scan_age(flat), scan_age(t2)], card).fractions["T1w"] == 0.75


def test_a_site_speaks_of_t1_alone(scan, card):
    at_site = scan("T1w", 60.0, 8.0)
    at_site = replace(at_site, interval_covers="this site", correction=replace(LINE, site="A"))

    both = age_together([scan_age(at_site), scan_age(scan("T2w", 68.0, 10.0))], card)

    assert both.interval_covers == "this site"
    assert both.corrected_gap_years is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"correction": None}, {}),
        ({"correction": None}, {"quality": Quality((Finding("site_acquisition", "warn", ""),))}),
        ({}, {"quality": Quality((Finding("site_acquisition", "warn", ""),))}),
        ({"quality": Quality((Finding("site_age_range", "note", ""),))}, {}),
    ],
)
def test_the_line_of_one_is_none_of_both(scan, card, first, second):
    pair = [replace(scan("T1w", 60, 8.0), **first), replace(scan("T2w", 68, 10.0), **second)]

    both = age_together(list(map(scan_age, pair)), card)

    assert both.gap_years == pytest.approx(4.0)
    assert both.corrected_gap_years is None


def test_what_cannot_be_joined_is_left_out(scan, folder):
    pair = [scan("T1w", 60.0, 8.0), scan("T2w", 68.0, 10.0)]
    refused = replace(scan("FLAIR", 60.0, 8.0), brain_age_years=None, interval_years=None)

    three = BrainAgeLib.together([*pair, refused], model=folder)

    assert three == BrainAgeLib.together(pair, model=folder)
    assert three.sequences == ("T1w", "T2w")


def test_without_a_correction_or_an_age_there_is_no_corrected_gap(scan, card):
    plain = [replace(scan(*one), correction=None) for one in (("T1w", 60.0, 8), ("T2w", 68.0, 9))]
    nameless = [
        replace(scan(*one), chronological_age_years=None)
        for one in (("T1w", 60.0, 8), ("T2w", 68.0, 9))
    ]

    assert age_together(list(map(scan_age, plain)), card).corrected_gap_years is None
    both = age_together(list(map(scan_age, nameless)), card)
    assert (both.gap_years, both.corrected_gap_years) == (None, None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sequence": "T1w"}, "several scans are T1w"),
        ({"chronological_age_years": 60.0}, "of different ages"),
        ({"sex": "M"}, "of different sexes"),
        ({"model": person().model}, "not all made by the model small 4"),
    ],
)
def test_what_cannot_be_put_together_is_said(scan, folder, changes, words):
    other = replace(scan("T2w", 68.0, 10.0), **changes)

    with pytest.raises(InputError, match=words):
        BrainAgeLib.together([scan("T1w", 60.0, 8.0), other], model=folder)


@pytest.mark.parametrize(
    ("sequences", "fractions"),
    [
        (("T1w",), {"T1w": 1.0}),
        (("T1w", "T1w"), {"T1w": 1.0}),
        (("T1w", "T2w"), {"T1w": 1.0}),
        (("T1w", "T2w"), {"T1w": 1.0, "T2w": 0.0}),
        (("T1w", "T2w"), {"T1w": 0.5, "T2w": 0.4}),
        (("T1w", "T2w"), {"T1w": 0.5, "FLAIR": 0.5}),
    ],
)
def test_what_is_no_age_of_several_is_none(sequences, fractions):
    with pytest.raises(ValueError, match="an age cannot be made of|fractions of an age cannot be"):
        SequencesTogether(sequences, fractions, flat_class("made", 6.0))


class TestCard:
    @pytest.fixture
    def document(self, card):
        return to_plain(card)

    def read(self, document, folder):
        (folder / "card.json").write_text(json.dumps(document))
        return read_card(folder)

    def test_it_is_read_as_it_was_written(self, card, document, tmp_path):
        assert self.read(document, tmp_path) == card

    def test_a_card_from_before_is_read(self, document, tmp_path):
        del document["calibration"]["together"]

        assert self.read(document, tmp_path).calibration.together == ()

    def test_it_says_what_gains_by_it_and_what_does_not(self, card, small_model):
        line = "T1w + T2w + FLAIR (counting T1w 0.75, T2w 0.25):"
        pages = [tables(one) for one in (card, read_card(small_model))]

        assert line in card_text(card)
        assert "Several sequences" not in card_text(read_card(small_model))
        assert "T1w 0.75, T2w 0.25 (FLAIR adds nothing)" in pages[0]
        assert (
            "Not known together: T1w + FLAIR; T2w + FLAIR (no sure gain, or too few people)."
            in (pages[0])
        )
        assert "Several sequences" not in pages[1]

    def test_sequences_that_nothing_reads_are_refused(self, document, tmp_path):
        del document["calibration"]["sequences"]["FLAIR"]

        with pytest.raises(InstallationError, match="together there cannot be"):
            self.read(document, tmp_path)

    def test_a_set_stands_there_once(self, document, tmp_path):
        document["calibration"]["together"] *= 2

        with pytest.raises(InstallationError, match="together there cannot be"):
            self.read(document, tmp_path)


def test_another_version_with_the_same_weights_of_a_t1_is_another_model(scan, folder):
    t1, t2 = scan("T1w", 60.0, 8.0), scan("T2w", 68.0, 10.0)
    other = replace(t2, model=replace(t2.model, version="4.1"))  # its own experts are others

    with pytest.raises(InputError, match="not all made by the model small 4"):
        BrainAgeLib.together([t1, other], model=folder)


def test_what_is_no_prediction_is_said(folder):
    with pytest.raises(InputError, match="these are no predictions") as caught:
        BrainAgeLib.together(["scan.nii.gz"], model=folder)

    assert caught.value.hint == "give what BrainAgeLib.predict returns"


def test_a_model_that_reads_other_sequences_says_that_no_set_is_surely_better(card):
    alone = replace(card, calibration=replace(card.calibration, together=()))
    of_t1 = replace(card, calibration=replace(card.calibration, together=(), sequences={}))

    assert "no set of them is surely better together" in card_text(alone)
    assert "Several sequences" not in card_text(of_t1)
