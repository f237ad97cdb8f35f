"""What tests of following people share."""

from __future__ import annotations

import pytest


@pytest.fixture
def model(small_model):
    return ("--model", small_model)
