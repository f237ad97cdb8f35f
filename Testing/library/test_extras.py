"""A missing optional package is a usage error with the line that mends it."""

from __future__ import annotations

import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.extras import require_extra


def test_what_is_there_is_no_error():
    require_extra("cohort", "json", "csv")


def test_what_is_missing_is_named():
    with pytest.raises(InputError, match="no_such_package") as caught:
        require_extra("cohort", "json", "no_such_package")

    assert caught.value.hint == 'pip install "slicerbrainage[cohort]"'
    assert caught.value.exit_code == 2
