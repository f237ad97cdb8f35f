"""What the panel says of a prediction."""

from __future__ import annotations

import pytest

import worker_files
from BrainAgeLib.report.record import prediction_from_dict


@pytest.fixture
def card(world):
    from BrainAgeSlicer import card

    return card


def predictionWith(**changes):
    return prediction_from_dict(worker_files.record(**changes))


def finding(severity: str, code: str = "") -> dict:
    facts = {"code": code or severity, "severity": severity, "message": f"it is {severity}"}
    return {**facts, "value": None, "limit": None}


def test_the_raw_age_is_the_headline_and_the_correction_says_what_it_was_fitted_on(card):
    prediction = predictionWith()
    assert card.headline(prediction) == "67.4 years"
    assert card.intervalText(prediction).startswith("90 % interval 57.1 to 77.9 years, ")
    assert "fitted on 601 people aged 18 to 88 years" in card.rowsHtml(prediction)


def test_what_is_no_plain_t1_is_named_beside_the_age(card):
    prediction = predictionWith(sequence="FLAIR")
    assert card.headline(prediction) == "67.4 years"
    assert card.intervalText(prediction).startswith("From a FLAIR scan, 90 % interval 57.1 to ")
    assert card.oneLine(prediction).startswith("67.4 years, from a FLAIR scan (passed with")
    assert card.intervalText(predictionWith(sequence="T1w")) == card.intervalText(predictionWith())


def test_a_negative_gap_has_a_sign(card):
    assert "\u22124.4 years" in card.rowsHtml(predictionWith(chronological_age_years=71.8))


def test_nothing_unknown_becomes_zero(card):
    unknown = dict.fromkeys(("chronological_age_years", "correction", "gap_percentile"))
    text = card.rowsHtml(predictionWith(**unknown, corrected_brain_age_years=None))
    assert "not known" in text and "0.0" not in text


def test_a_site_named_with_signs_of_html_is_text(card):
    of_site = {"site": "St. Mary <1.5 T>", "people": 34}
    of_site["fitted_on"] = f"healthy people of {of_site['site']}, shrunk towards the model's line"
    values = worker_files.record()["correction"] | of_site
    text = card.rowsHtml(predictionWith(correction=values))
    assert "St. Mary &lt;1.5 T&gt;" in text and "34 people" in text


def test_it_says_what_the_interval_says_of_the_age(card):
    assert "lies inside the interval" in card.rowsHtml(predictionWith())


def test_any_finding_is_shown_and_the_worst_first(card):
    findings = [finding(each) for each in ("note", "warn", "refuse")]
    prediction = predictionWith(quality={"verdict": "refuse", "findings": findings})
    text = card.qualityHtml(prediction, dark=True)
    places = [text.index(f"It is {each}") for each in ("refuse", "warn", "note")]
    assert places == sorted(places) and "Scan quality: Refused" in text


def test_a_forced_age_is_marked_as_refused(card):
    prediction = predictionWith(quality={"verdict": "refuse", "findings": [finding("refuse")]})
    assert card.oneLine(prediction) == "67.4 years (refused, but forced)"
    assert "do not use this number" in card.intervalText(prediction)


@pytest.mark.parametrize(
    "word", ["a" * 100, "/tmp/some_folder-with/a.long_name" * 3, "\u00e4" * 60]
)
def test_long_words_can_be_broken_and_read_the_same(card, word):
    text = card.breakable(f"see {word} there")
    assert text.replace("\u200b", "") == f"see {word} there"
    assert max(len(part) for part in text.replace("\u200b", " ").split()) <= card.LONGEST_WORD + 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the file holds four images", "The file holds four images"),
        ("site.json is none", "site.json is none"),
        ("/a/b is none", "/a/b is none"),
        ("", ""),
    ],
)
def test_an_error_begins_as_a_sentence_and_a_file_as_itself(card, text, shown):
    assert card.sentence(text) == shown


def test_findings_have_sign_word_and_colour(card):
    text = card.qualityHtml(predictionWith(), dark=False)
    assert "\u26a0" in text and "Warning:" in text and card.COLORS["warn"][0] in text


def luminance(color: str) -> float:
    parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("index", "background"), [(0, "#efefef"), (1, "#2b2b2b")])
def test_colours_can_be_read_on_light_and_dark(card, index, background):
    """A contrast of 4.5 at least, as WCAG 2 asks of text."""
    for severity, colors in card.COLORS.items():
        both = sorted((luminance(colors[index]), luminance(background)))
        assert (both[1] + 0.05) / (both[0] + 0.05) >= 4.5, severity
