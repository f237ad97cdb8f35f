"""Weights on disk: one safetensors file per model, checked against its card before it is used."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from BrainAgeLib.errors import InstallationError
from BrainAgeLib.model.card import Card
from BrainAgeLib.model.network import SliceSetNetwork
from BrainAgeLib.model.tissue_maps import TissueNetwork

FILE_NAME = "model.safetensors"
TISSUE = "tissue."


def pack_weights(
    networks: Sequence[SliceSetNetwork], tissues: Sequence[TissueNetwork] = ()
) -> bytes:
    """Return the ensemble's weights as the bytes of a safetensors file, in half precision."""
    tensors = {}
    for prefix, modules in (("", networks), (TISSUE, tissues)):
        for number, module in enumerate(modules):
            for name, value in module.state_dict().items():
                if name.endswith("num_batches_tracked"):
                    continue
                half = value.detach().half() if value.is_floating_point() else value.detach()
                tensors[f"{prefix}{number}.{name}"] = half.cpu().contiguous()
    return save(tensors)


@dataclass(frozen=True)
class Weights:
    """The ensemble: a network of slices for each fold, and a tissue network or none."""

    networks: list[SliceSetNetwork]
    tissues: list[TissueNetwork]


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
    numbers = range(card.networks)
    try:
        tensors = load(content)
        tissues = [_tissue(tensors, number, device) for number in numbers if card.tissue_share]
        return Weights([_network(tensors, number, card, device) for number in numbers], tissues)
    except (SafetensorError, RuntimeError, ValueError, AssertionError, KeyError) as error:
        # torch says in these ways that there is no such network.
        raise InstallationError(f"the weights {path} do not fit the card", _HINT) from error


_HINT = "install the model again"


def _network(
    tensors: dict[str, torch.Tensor], number: int, card: Card, device: str
) -> SliceSetNetwork:
    network = SliceSetNetwork(card.network)
    _fill(network, tensors, f"{number}.")
    network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval()


def _tissue(tensors: dict[str, torch.Tensor], number: int, device: str) -> TissueNetwork:
    prefix = f"{TISSUE}{number}."
    network = TissueNetwork(tensors[f"{prefix}kept"])
    _fill(network, tensors, prefix)
    return network.to(device).eval()


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
