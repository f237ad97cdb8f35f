"""What tests of training share."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture
def settled_chance():
    """Draw torch's random numbers from the same seed in every test."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        yield
