"""A scan that shows no T1 clearly is learnt from and told of; one that shows another is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.gate.evidence import Contrast
from BrainAgeLib.records import SequenceTags
from BrainAgeLib.template.target import template_maps
from BrainAgeLib.training import t1_check
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.simulate import Simulator
from Testing.library.phantoms import coarse_brain

# Of a healthy 70-year-old's T1 at 3T: ventricles of 200 ml, where the template has white matter.
LARGE_VENTRICLES = Contrast(
    grey_to_white=0.962,
    csf_to_white=0.471,
    tissue_spread=0.484,
    field_sd=0.084,
    bright_fraction=0.031,
    negative_fraction=0.0,
    negative_image_fraction=0.0,
    background_to_brain=0.0,
    pattern=0.266,
    brain_age_years=None,
    tags=SequenceTags(),
    bright_white_log_odds=0.627,
)


class Pattern:
    """What is around a brain, as far as it is asked for."""

    def __init__(self, pattern):
        self._pattern = pattern

    def pattern(self):
        """Return it."""
        return self._pattern


@pytest.fixture
def checked(monkeypatch):
    """Return what is said of a scan in which this was measured."""
    simulator = Simulator(coarse_brain(), np.eye(4), template_maps("cpu"))

    def check(**changes):
        seen = replace(LARGE_VENTRICLES, **changes)
        monkeypatch.setattr(t1_check, "look", lambda *_: seen)
        monkeypatch.setattr(t1_check, "look_around", lambda *_: Pattern(seen.pattern))
        return t1_check.check_contrast(Person("sub-77", 70.0, "M", "scan.nii.gz"), simulator)

    return check


def test_a_t1_of_large_ventricles_is_learnt_from_as_one_that_shows_it_not_clearly(checked):
    assert checked() == "other"


def test_a_clear_t1_is_one(checked):
    clear = {"grey_to_white": 0.77, "bright_white_log_odds": 2.1, "pattern": 0.57}

    assert checked(**clear, bright_fraction=0.0) == "T1w"
    assert checked(**clear) == "T1w after contrast"


@pytest.mark.parametrize(
    "changes",
    [
        {"grey_to_white": 1.05},
        {"csf_to_white": 1.0},
        {"bright_white_log_odds": -0.1},
        {"pattern": 0.1},
    ],
)
def test_what_has_another_order_is_refused(checked, changes):
    with pytest.raises(InputError, match=r"sub-77: scan.nii.gz looks like"):
        checked(**changes)
