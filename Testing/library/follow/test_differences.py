"""What differs between the dates beside the brain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from BrainAgeLib.follow.differences import OF_T1, OF_TWO, differences_between, warnings_about
from BrainAgeLib.follow.visits import Person
from Testing.library.follow.made_people import ERROR, person


@pytest.mark.parametrize(
    ("first", "later", "trait"),
    [
        ({"scanner": "A 1.5 T"}, {"scanner": "B 3 T"}, "scanner"),
        ({"contrast agent": "no"}, {"contrast agent": "yes"}, "contrast agent"),
        ({"slice spacing (mm)": 6.0}, {"slice spacing (mm)": 5.0}, "slice spacing (mm)"),
        ({"plane": "axial"}, {"plane": "coronal"}, "plane"),
        ({"echo time (ms)": 12.0}, {"echo time (ms)": 15.0}, "echo time (ms)"),
    ],
)
def test_a_trait_that_differs_is_warned_of(first, later, trait):
    made = person([0, 1], [61, 62], [first, later])

    (one,) = differences_between(made)
    assert one.trait == trait
    (words,) = warnings_about(made, ERROR)
    assert trait in words and "within one scanner and protocol" in words


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ({}, {}),
        ({"scanner": "A 1.5 T"}, {"scanner": None}),
        ({"slice spacing (mm)": 6.0}, {"slice spacing (mm)": 6.02}),
    ],
)
def test_what_is_the_same_or_not_known_is_not(first, later):
    assert not warnings_about(person([0, 1], [61, 62], [first, later]), ERROR)


@pytest.mark.parametrize(
    ("are_t1", "people", "expected"),
    [
        ((False, False), 50, [OF_T1]),
        ((False, False), 0, []),  # an error of one's own
        ((True, False), 50, [OF_TWO]),
        ((True, False), 0, [OF_TWO]),
        ((True, True), 50, []),
    ],
)
def test_the_error_of_a_scan_was_measured_on_t1(are_t1, people, expected):
    made = person([0, 1], [61, 62])
    visits = tuple(replace(v, is_t1=is_t1) for v, is_t1 in zip(made.visits, are_t1, strict=True))

    said = warnings_about(replace(made, visits=visits), replace(ERROR, people=people))

    assert said == expected


def test_two_models_and_a_forced_scan_are_warned_of():
    made = person([0, 1], [61, 62])
    later = replace(made.visits[1], model="small 2", verdict="refuse")

    first, second = warnings_about(Person("sub-01", (made.visits[0], later)), ERROR)

    assert "small 1, then small 2" in first and "forced" in second
