"""What tests of workers start from."""

from __future__ import annotations

import pytest

from Testing.library.batch.made_batches import quick_settings


@pytest.fixture
def quick_batch(tmp_path, small_model):
    """Return the settings of a batch that takes no time, with its output folder made."""
    (tmp_path / "out").mkdir()
    return quick_settings(tmp_path / "out", small_model)
