"""What a script asks for reaches the worker's command line."""

from __future__ import annotations

import pytest

from BrainAgeLib.errors import InputError


@pytest.fixture
def request_for(world):
    """Return what makes a request of a script's arguments."""
    from BrainAgeSlicer.request import requestFor

    return requestFor


def test_the_sequence_reaches_the_command_line_where_one_is_named(request_for):
    assert request_for(63.0, "F", sequence="T2w").arguments()[-2:] == ["--sequence", "T2w"]
    for nothing in (request_for(63.0, "F"), request_for(63.0, "F", sequence=None)):
        assert nothing.sequence == "" and "--sequence" not in nothing.arguments()


def test_a_sequence_that_is_not_known_is_refused_in_words(request_for):
    with pytest.raises(InputError, match="T1w, T2w, FLAIR, PDw, not T2"):
        request_for(63.0, "F", sequence="T2")


@pytest.mark.parametrize(
    ("age", "options", "words"),
    [
        ("old", {}, "in years, not old"),
        (True, {}, "in years, not True"),
        (10**400, {}, "in years, not 1000"),
        (None, {"ageYear": 63.0}, "no option ageYear; there are"),
        (63.0, {"force": "no"}, "force is True or False, not 'no'"),
    ],
)
def test_what_a_script_cannot_mean_is_refused_in_words(request_for, age, options, words):
    with pytest.raises(InputError, match=words):
        request_for(age, "F", **options)


def test_the_name_of_a_scan_is_no_scan(world):
    from BrainAgeSlicer.volumes import whyNotUsable

    assert whyNotUsable("T1 axial") == "'T1 axial' is not a node of the scene."
