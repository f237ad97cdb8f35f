"""Weights on disk: one safetensors file per model, checked against its card before it is used."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from BrainAgeLib.errors import InstallationError
from BrainAgeLib.model.card import Card
from BrainAgeLib.model.network import VolumeNetwork
from BrainAgeLib.model.novelty import Typical, unpacked
from BrainAgeLib.model.predict import Member
from BrainAgeLib.model.regional_model import RegionalModel
from BrainAgeLib.model.slice_model import SliceModel

logger = logging.getLogger(__name__)

FILE_NAME = "model.safetensors"
MEAN_MAPS = "mean_maps"
TYPICAL = "typical"
LARGEST_SMALL_MATRIX = 1000  # values
_PADDED = "regional.weights"  # most experts see less than the largest


@dataclass(frozen=True)
class Weights:
    """The ensemble's members, the mean brain that saliency compares with, and what is typical.

    ``mean_maps``: (3, z, y, x), the mean of the networks' tissue maps over everybody.
    """

    members: list[Member]
    mean_maps: torch.Tensor
    typical: Typical


def pack_weights(weights: Weights) -> bytes:
    """Return the ensemble's weights as the bytes of a safetensors file.

    Large matrices and kernels are kept in half precision; small ones, which may be inverted, whole.
    """
    tensors = {
        MEAN_MAPS: weights.mean_maps.half().cpu().contiguous(),
        TYPICAL: weights.typical.packed().contiguous(),
    }
    for number, member in enumerate(weights.members):
        for part, module in _parts(member).items():
            for name, value in module.state_dict().items():
                if name.endswith("num_batches_tracked"):
                    continue
                value = value.detach()
                kept = value.half() if value.is_floating_point() and _is_large(value) else value
                tensors[f"{number}.{part}.{name}"] = kept.cpu().contiguous()
        tensors[f"{number}.{_PADDED}"] = member.regional.without_padding(
            tensors[f"{number}.{_PADDED}"]
        )
    return save(tensors)


def _is_large(value: torch.Tensor) -> bool:
    return value.ndim > 1 and value.numel() > LARGEST_SMALL_MATRIX


def _parts(member: Member) -> dict[str, nn.Module]:
    return {"network": member.network, "regional": member.regional, "slices": member.slices}


def load_weights(folder: Path, card: Card, device: str) -> Weights:
    """Return the ensemble of a model folder, ready to predict.

    Raises InstallationError when the file is missing, is not the one that the card names or does
    not fit the networks that the card describes.
    """
    path = folder / FILE_NAME
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InstallationError(f"the weights {path} cannot be read", _HINT) from error
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256:
        raise InstallationError(
            f"the weights {path} are not those of the card: sha256 {found[:12]}… "
            f"instead of {card.sha256[:12]}…",
            _HINT,
        )
    try:
        tensors = load(content)
        members = [_member(tensors, number, card, device) for number in range(card.members)]
        mean_maps = tensors[MEAN_MAPS].float().to(device)
        logger.info(
            "model %s %s with %d members, on %s", card.name, card.version, len(members), device
        )
        return Weights(members, mean_maps, unpacked(tensors[TYPICAL]))
    except (SafetensorError, RuntimeError, LookupError, ValueError, AssertionError) as error:
        # torch says in these ways that there is no such network.
        raise InstallationError(f"the weights {path} do not fit the card", _HINT) from error


_HINT = "install the model again, or train it again with this version"


def _member(tensors: dict[str, torch.Tensor], number: int, card: Card, device: str) -> Member:
    count = len(tensors[f"{number}.regional.shares"])
    member = Member(VolumeNetwork(card.network), RegionalModel(count), SliceModel())
    member.regional.numbers.copy_(tensors[f"{number}.regional.numbers"])
    padded = member.regional.with_padding(tensors[f"{number}.{_PADDED}"])
    tensors = tensors | {f"{number}.{_PADDED}": padded}
    for part, module in _parts(member).items():
        _fill(module, tensors, f"{number}.{part}.")
        module.to(device).eval()
    return member


def _fill(module: nn.Module, tensors: dict[str, torch.Tensor], prefix: str) -> None:
    """Load the tensors whose names begin with ``prefix``; RuntimeError when they do not fit."""
    state = {
        name[len(prefix) :]: value.float() if value.is_floating_point() else value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
    missing, unexpected = module.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise RuntimeError(f"missing {missing[:3]}, unexpected {unexpected[:3]}")
