"""What a run of the command leaves, and what it says when it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch

COMPLETE = {"prediction.json", "brain_mask.nii.gz", "report.html"}


def names_in(folder: Path) -> set[str]:
    """Return the names in a folder, hidden ones too."""
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def process_state() -> tuple[object, ...]:
    """Return what all that runs in this process shares: threads, and where chance has come to."""
    itk = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    chance = (torch.random.get_rng_state().numpy().tobytes(), str(np.random.get_state()))
    return torch.get_num_threads(), itk, *chance


def check_error(outcome: Any, code: int, words: str) -> None:
    """Check that a run ended with that code and one line that holds the words."""
    assert outcome.code == code
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1
    assert outcome.err.startswith("brainage: error: ")
    assert words in outcome.err
