"""What is said of the age itself."""

from __future__ import annotations

import re

import pytest

from Testing.library.gate.sound import found, only_finding


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"members_years": (45.0, 60.0)}, {}),
        ({"members_years": (45.0, 60.1)}, {"members_disagree": "warn"}),
        ({"members_years": ()}, {}),
        ({"chronological_age_years": 18.0}, {}),
        ({"chronological_age_years": 17.9}, {"age_outside_training": "warn"}),
        ({"chronological_age_years": 88.1}, {"age_outside_training": "warn"}),
        ({"brain_age_years": 90.0}, {"age_outside_training": "warn"}),
        ({"brain_age_years": None, "chronological_age_years": None}, {}),
        ({"chronological_age_years": 5.0, "trained_age_range_years": None}, {}),
        ({"novelty": None}, {}),
        ({"novelty": 1.0}, {}),
        ({"novelty": 1.01}, {"unlike_training": "note"}),
        ({"novelty": 1.8}, {"unlike_training": "note"}),
        ({"novelty": 1.81}, {"unlike_training": "warn"}),
        ({"novelty": 4.0}, {"unlike_training": "warn"}),
        ({"novelty": 4.01}, {"unlike_training": "refuse"}),
    ],
)
def test_limits(changes, expected):
    assert found("trust", **changes) == expected


def test_messages_are_sentences_with_the_numbers_in_them():
    assert only_finding("trust", members_years=(40.0, 62.0)).message == (
        "The members of the ensemble disagree by 22 years. Trust the age less."
    )


@pytest.mark.parametrize("brain_age", [95.4, 12.3])
def test_a_predicted_age_beyond_the_training_is_not_told_since_the_scan_may_be_refused(brain_age):
    finding = only_finding("trust", brain_age_years=brain_age)

    assert finding.value is None and f"{brain_age:.0f}" not in finding.message
    assert "predicted age is outside the ages" in finding.message


@pytest.mark.parametrize(
    ("novelty", "words"),
    [
        (1.04, "somewhat unlike .* 1.04 times as wide"),
        (2.5, "2.50 times as wide .* trust the age less"),
        (5.0, "quite unlike .* Look at the outline and the registered image"),
    ],
)
def test_what_to_do_about_an_unlike_scan(novelty, words):
    assert re.search(words, only_finding("trust", novelty=novelty).message)


@pytest.mark.parametrize(("novelty", "severity"), [(2.6, "warn"), (5.9, "refuse")])
def test_a_scan_in_another_template_space_is_told_the_way_in(novelty, severity):
    in_space = only_finding("trust", novelty=novelty, is_registered=False)
    registered = only_finding("trust", novelty=novelty, is_registered=True)

    assert (in_space.code, in_space.severity) == ("unlike_training", severity)
    for words in ("ICBM 2009", "12 degrees of freedom", "--brain-extracted instead"):
        assert words in in_space.message
        assert words not in registered.message
