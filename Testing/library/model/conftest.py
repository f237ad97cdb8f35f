"""The template as a brain that tests of models start from."""

from __future__ import annotations

import pytest

from BrainAgeLib.template.target import template_target
from Testing.library.model.made_brains import maps_of_mean


@pytest.fixture(scope="session")
def target():
    """Return the template as a scan."""
    return template_target("cpu")


@pytest.fixture(scope="session")
def mean_maps(target):
    """Return the tissue maps of the template, which stands for the mean brain."""
    return maps_of_mean(target)
