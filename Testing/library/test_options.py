"""What can be checked before a scan is opened is checked."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.options import Options


def test_defaults_ask_for_everything_and_force_nothing():
    options = Options()

    assert options.saliency
    assert not options.force
    assert (options.age_years, options.sex, options.threads, options.model) == (None,) * 4
    assert options.device == "auto"


@pytest.mark.parametrize("age_years", [0.0, -1.0, 120.1, 2024.0, float("nan"), float("inf")])
def test_an_age_that_cannot_be(age_years):
    with pytest.raises(InputError, match="cannot be") as caught:
        Options(age_years=age_years)

    assert caught.value.hint == "give the age in years"


@pytest.mark.parametrize("age_years", [0.1, 18, 88.5, 120.0])
def test_an_age_that_can_be(age_years):
    assert Options(age_years=age_years).age_years == age_years


@pytest.mark.parametrize("sex", ["f", "female", "", "O", 1])
def test_a_sex_that_is_not_known(sex):
    with pytest.raises(InputError, match="is not known"):
        Options(sex=sex)


@pytest.mark.parametrize("sequence", ["T1w", "T2w", "FLAIR", "PDw", None])
def test_a_sequence_that_can_be_given(sequence):
    assert Options(sequence=sequence).sequence == sequence


@pytest.mark.parametrize("sequence", ["T1w after contrast", "other", "auto", "t2w", "", 2])
def test_a_sequence_that_is_not_known(sequence):
    with pytest.raises(InputError, match="the sequence .* is not known") as caught:
        Options(sequence=sequence)

    assert caught.value.hint.startswith("give T1w, T2w, FLAIR, PDw, or none")


def test_an_empty_site_is_not_taken_for_none():
    with pytest.raises(InputError, match="site is an empty text"):
        Options(site="")


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_that_cannot_work(threads):
    with pytest.raises(InputError, match="cannot work"):
        Options(threads=threads)


@pytest.mark.parametrize("wrong", ["30", True, [30], 30j, b"30"])
def test_what_is_no_number_is_an_error_of_our_own(wrong):
    for name in ("age_years", "threads"):
        with pytest.raises(InputError, match=f"{name} is .*, not a") as caught:
            Options(**{name: wrong})
        assert caught.value.exit_code == 2
    with pytest.raises(InputError, match="threads is 1.5, not a whole number"):
        Options(threads=1.5)


def test_numbers_of_numpy_are_numbers():
    options = Options(age_years=np.float32(30.5), threads=np.int64(2))

    assert (options.age_years, options.threads) == (30.5, 2)
