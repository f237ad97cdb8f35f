"""Brain extraction: a volume in, a mask on its own grid out.

It is deepbet's (Fisch et al. 2024, arXiv 2308.07003; MIT licence), whose weights lie in its wheel.
They are TorchScript, which can hold code, so they are loaded only when their sha256 is the one
known here.
"""

from __future__ import annotations

import hashlib
import warnings
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from BrainAgeLib.errors import InstallationError
from BrainAgeLib.extras import load_package
from BrainAgeLib.scan.empty_slices import Window, hold_several
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
# deepbet takes the brightness of the whole picture for the head's, and looks for a head that nearly
# fills it. No head needs more than a cube of 256 mm, of 16 800 ml; what is larger than this has
# the padding left off. Set by hand.
LARGEST_PICTURE_ML = 20_000.0


def extract_brain(volume: Volume, device: str = "cpu") -> np.ndarray:
    """Return the brain mask (k, j, i), bool, of a head whose axes are nearest to L, P, S.

    The mask is empty when there is no brain. Raises InstallationError when the extractor is
    missing or damaged.
    """
    # It notes down where the brain is: runs beside each other share its weights and nothing else.
    network = copy(_load_deepbet(device))
    window = _picture(volume)
    whole = np.zeros(volume.voxels.shape, bool)
    # Canonical arrays are (S, P, L); deepbet was trained on (R, A, S).
    seen = volume.voxels[window].transpose(2, 1, 0)[::-1, ::-1]
    voxels = np.array(seen, np.float32, order="C")  # a view of one row keeps its backward strides
    try:
        with torch.inference_mode():
            probability = network.run_model(voxels)
            mask = network.postprocess(probability > THRESHOLD)
    except (AssertionError, ValueError, RuntimeError) as error:
        if not any(words in str(error) for words in NO_FOREGROUND):
            raise
        return whole
    whole[window] = mask[::-1, ::-1].transpose(2, 1, 0)
    return whole


def _picture(volume: Volume) -> Window:
    """Return the part (k, j, i) of a volume that deepbet sees: of a very large one, no padding."""
    everything = tuple(slice(0, count) for count in volume.voxels.shape)
    if np.prod(volume.spacing_mm) * volume.voxels.size <= 1000 * LARGEST_PICTURE_ML:
        return everything
    filled = [np.flatnonzero(hold_several(volume.voxels, axis)) for axis in range(3)]
    if not all(len(places) for places in filled):
        return everything
    return tuple(slice(int(places[0]), int(places[-1]) + 1) for places in filled)


@cache
def _load_deepbet(device: str) -> Any:
    missing = InstallationError(
        "the brain extractor deepbet is not installed", "pip install deepbet==1.0.2"
    )
    bet, utils = (load_package(f"deepbet.{name}", missing) for name in ("bet", "utils"))
    folder = Path(utils.DATA_PATH) / "models"
    for name, expected in DEEPBET_SHA256.items():
        _check_sha256(folder / name, expected)
    with warnings.catch_warnings():
        # What PyTorch says from 2.14 on to deepbet's authors; nobody else can do anything about it.
        warnings.filterwarnings("ignore", r"`torch\.jit\.load`", FutureWarning)
        network = bet.BrainExtraction(
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
            "pip install --force-reinstall --no-deps deepbet==1.0.2",
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
