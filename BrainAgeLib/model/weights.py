"""Weights on disk: one safetensors file per model, checked against its card before it is used."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from BrainAgeLib.errors import InstallationError
from BrainAgeLib.model.card import Card
from BrainAgeLib.model.network import SliceSetNetwork

FILE_NAME = "model.safetensors"


def pack_weights(networks: list[SliceSetNetwork]) -> bytes:
    """Return the ensemble's weights as the bytes of a safetensors file, in half precision."""
    tensors = {}
    for number, network in enumerate(networks):
        for name, value in network.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            half = value.detach().half() if value.is_floating_point() else value.detach()
            tensors[f"{number}.{name}"] = half.cpu().contiguous()
    return save(tensors)


def load_networks(folder: Path, card: Card, device: str) -> list[SliceSetNetwork]:
    """Return the ensemble of a model folder, ready to predict.

    Raises InstallationError when the file is missing, is not the one that the card names or does
    not fit the network that the card describes.
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
        return [_network(tensors, number, card, device) for number in range(card.networks)]
    except (SafetensorError, RuntimeError, ValueError, AssertionError) as error:
        # torch says in the last two ways that there is no such network.
        raise InstallationError(f"the weights {path} do not fit the card", _HINT) from error


_HINT = "install the model again"


def _network(
    tensors: dict[str, torch.Tensor], number: int, card: Card, device: str
) -> SliceSetNetwork:
    network = SliceSetNetwork(card.network)
    prefix = f"{number}."
    state = {
        name[len(prefix) :]: value.float() if value.is_floating_point() else value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
    missing, unexpected = network.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise RuntimeError(f"missing {missing[:3]}, unexpected {unexpected[:3]}")
    network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval()
