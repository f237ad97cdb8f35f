"""Brain extraction: a volume in, a mask on its own grid out.

It is deepbet's (Fisch et al. 2024, arXiv 2308.07003; MIT licence), whose weights lie in its wheel.
They are TorchScript, which can hold code, so they are loaded only when their sha256 is the one
known here.
"""

from __future__ import annotations

import hashlib
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from BrainAgeLib.errors import InstallationError
from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.scan.voxel_values import WHITE_MATTER_QUANTILE

DEEPBET_SHA256 = {
    "model.pt": "de8ee7c69654d0dd3935dc4a5d84571d8ecf4637a6bfc01df399c4c2bc86e0fd",
    "bbox_model.pt": "39a7b2b5f799faa1391ea97bfcdc0b9299f20d84f2316a4ff8918dc4685e40aa",
}
THRESHOLD = 0.5  # deepbet's own
# What deepbet 1.0.2 says when there is nothing that it takes for a brain: no voxel at all, none
# that a box could be drawn around, or a box without a voxel in it (a single slice).
NO_FOREGROUND = (
    "argmax of an empty sequence",
    "Not enough foreground",
    "Input and output sizes should be greater than 0",
)
# Set by hand.
LEAST_OF_WHITE = 0.1  # what is darker is background, or a rim that slices share with it
MOST_VOXELS_ASKED = 100_000  # for a quantile


def extract_brain(volume: Volume, device: str = "cpu") -> np.ndarray:
    """Return the brain mask (k, j, i), bool, of a head whose axes are nearest to L, P, S.

    The mask is empty when there is no brain. Raises InstallationError when the extractor is
    missing or damaged.
    """
    # It notes down where the brain is: runs beside each other share its weights and nothing else.
    network = copy(_load_deepbet(device))
    # Canonical arrays are (S, P, L); deepbet was trained on (R, A, S).
    voxels = np.ascontiguousarray(volume.voxels.transpose(2, 1, 0)[::-1, ::-1], np.float32)
    try:
        with torch.inference_mode():
            probability = network.run_model(voxels)
            mask = network.postprocess(probability > THRESHOLD)
    except (AssertionError, ValueError, RuntimeError) as error:
        if not any(words in str(error) for words in NO_FOREGROUND):
            raise
        return np.zeros(volume.voxels.shape, bool)
    return np.ascontiguousarray(mask[::-1, ::-1].transpose(2, 1, 0)).astype(bool)


@cache
def _load_deepbet(device: str) -> Any:
    try:
        from deepbet.bet import BrainExtraction
        from deepbet.utils import DATA_PATH
    except ImportError as error:
        raise InstallationError(
            "the brain extractor deepbet is not installed", "pip install deepbet"
        ) from error
    folder = Path(DATA_PATH) / "models"
    for name, expected in DEEPBET_SHA256.items():
        _check_sha256(folder / name, expected)
    network = BrainExtraction(
        no_gpu=True,
        model_path=str(folder / "model.pt"),
        bbox_model_path=str(folder / "bbox_model.pt"),
    )
    for part in (network.model, network.bbox_model):
        part.to(torch.device(device))
    return network


def _check_sha256(path: Path, expected: str) -> None:
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InstallationError(f"{path} cannot be read", "install deepbet again") from error
    if sha256 != expected:
        raise InstallationError(
            f"{path} is not the file that deepbet 1.0.2 ships",
            "pip install --force-reinstall deepbet",
        )


def mask_of_extracted(voxels: torch.Tensor) -> torch.Tensor:
    """Return the brain (float, 0 or 1) of a scan whose background is one value, 0 as a rule.

    The brain is what is brighter than a tenth of white matter: the rim that thick slices share
    with the background is left out, as a brain extractor would.
    """
    # Some programs leave another value than 0 there, which may be nearly all of a large picture.
    background = max(float(voxels.min()), 0.0)
    inside = voxels[voxels > background]
    if len(inside) == 0:
        return torch.zeros_like(voxels)
    white_matter = torch.quantile(
        inside[:: 1 + len(inside) // MOST_VOXELS_ASKED], WHITE_MATTER_QUANTILE
    )
    return (voxels > (LEAST_OF_WHITE * white_matter).clamp(min=background)).to(voxels.dtype)
