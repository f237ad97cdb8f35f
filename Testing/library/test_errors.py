"""Errors for people: what is wrong, what to do, which exit code."""

from __future__ import annotations

import pickle

import pytest

from BrainAgeLib.errors import (
    BrainAgeError,
    InputError,
    InstallationError,
    is_out_of_memory,
)


@pytest.mark.parametrize(
    ("kind", "code"), [(BrainAgeError, 4), (InputError, 2), (InstallationError, 4)]
)
def test_exit_codes(kind, code):
    assert issubclass(kind, BrainAgeError)
    assert kind("something").exit_code == code
    assert f"{kind('something').exit_code}" == str(code)  # in tables and messages


def test_text_is_message_and_hint():
    assert str(BrainAgeError("it broke")) == "it broke"
    assert str(BrainAgeError("it broke", "mend it")) == "it broke (mend it)"


def test_parts_stay_apart():
    error = InputError("two series", "pick one", ("1.2.3", "1.2.4"))

    assert (error.message, error.hint, error.details) == (
        "two series",
        "pick one",
        ("1.2.3", "1.2.4"),
    )
    assert error.args == ("two series",)


def test_an_error_survives_the_way_between_processes():
    error = pickle.loads(pickle.dumps(InputError("two series", "pick one", ("1.2.3",))))

    assert str(error) == "two series (pick one)"
    assert error.details == ("1.2.3",)
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("itk: Failed to allocate memory for image."), True),
        (RuntimeError("shapes do not fit"), False),
        (ValueError("bad_alloc"), False),
    ],
)
def test_what_means_too_little_memory(error, expected):
    assert is_out_of_memory(error) is expected
