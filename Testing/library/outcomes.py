"""What a run of the command leaves, and what it says when it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

COMPLETE = {"prediction.json", "brain_mask.nii.gz", "report.html"}


def names_in(folder: Path) -> set[str]:
    """Return the names in a folder, hidden ones too."""
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def check_error(outcome: Any, code: int, words: str) -> None:
    """Check that a run ended with that code and one line that holds the words."""
    assert outcome.code == code
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1
    assert outcome.err.startswith("brainage: error: ")
    assert words in outcome.err
