"""The kinds of model and their weights on disk: safetensors files, checked against their card.

What reads a T1 lies in one file. What was trained on scans of other sequences lies in a second one,
so that what is new there leaves a T1's model, and sites calibrated with it, as it is.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from BrainAgeLib.errors import InputError, InstallationError
from BrainAgeLib.model.card import OWN_EXPERTS, OWN_NETWORK, Blend, Card
from BrainAgeLib.model.kind import AgeModel, AnyKind
from BrainAgeLib.model.network import VolumeNetwork
from BrainAgeLib.model.novelty import Typical, unpacked
from BrainAgeLib.model.regional import RegionalModel
from BrainAgeLib.model.sides import TypicalSides, unpacked_sides
from BrainAgeLib.model.slices import SliceModel
from BrainAgeLib.records import SequenceName
from BrainAgeLib.template import harmonisation, sequences

logger = logging.getLogger(__name__)
_HINT = "install the model again, or train it again with this version"

FILE_NAME = "model.safetensors"
OWN_FILE_NAME = "sequence_experts.safetensors"
MEAN_MAPS = "mean_maps"
TYPICAL = "typical"
SIDES = "sides"  # older models have none
LARGEST_SMALL_TENSOR = 1000  # values

# By the names that cards, weights and tables use.
KINDS: dict[str, type[AgeModel]] = {
    "network": VolumeNetwork,
    "regional": RegionalModel,
    "slices": SliceModel,
}
# The models of one fold, by kind: trained on the same people, tested on the same others.
Member = Mapping[str, AgeModel]
# What was trained on scans of another sequence, by its name: its experts, and the network of all
# sequences that one network of ``template.sequences`` shows.
Own = Mapping[SequenceName, Member]
OWN_MODELS: dict[str, type[AgeModel]] = {OWN_EXPERTS: RegionalModel, OWN_NETWORK: VolumeNetwork}


@dataclass(frozen=True)
class Weights:
    """The ensemble's members, the mean brain that saliency compares with, and what is typical.

    ``mean_maps``: (3, z, y, x), the mean of everybody's tissue maps, see ``network_maps``.
    ``sides``: None in models that were trained before there was one. ``own``: trained on
    everybody, for all members; to be written, ``with_own`` reads them.
    """

    members: Sequence[Member]
    mean_maps: torch.Tensor
    typical: Typical
    sides: TypicalSides | None = None
    own: Own = field(default_factory=dict)


def pack_weights(weights: Weights) -> bytes:
    """Return the ensemble's weights as the bytes of a safetensors file.

    Tensors are named NUMBER.KIND.NAME after member, kind and what the kind calls them. Large ones
    are kept in half precision, which halves the file; small ones, which may be inverted, whole.
    What is small was set by hand.
    """
    tensors = {
        MEAN_MAPS: weights.mean_maps.half().cpu().contiguous(),
        TYPICAL: weights.typical.packed().contiguous(),
    }
    if weights.sides is not None:
        tensors[SIDES] = weights.sides.packed().contiguous()
    for number, member in enumerate(weights.members):
        tensors |= _packed({f"{number}.{kind}": model for kind, model in member.items()})
    return save(tensors)


def counted(own: Own, blend: Blend) -> Own:
    """Return the models that count in the ages of their sequences."""
    return {
        sequence: {kind: models[kind] for kind in blend.own_kinds(sequence)}
        for sequence, models in own.items()
        if blend.has_own(sequence)
    }


def pack_own(own: Own) -> bytes:
    """Return what was trained on other sequences as the bytes of a safetensors file.

    Tensors are named PREFIX.NAME, see ``_own_prefix``. Raises ValueError for different networks of
    sequences that share one.
    """
    named: dict[str, AgeModel] = {}
    for sequence, models in own.items():
        for kind, model in models.items():
            if named.setdefault(_own_prefix(sequence, kind), model) is not model:
                raise ValueError(f"{sequence} has another network than what is shown by the same")
    return save(_packed(named))


def _own_prefix(sequence: str, kind: str) -> str:
    """Return what names the tensors: the sequence, or what shows all that share a network."""
    return sequences.network_of(sequence) if kind == OWN_NETWORK else sequence


def _packed(models: Mapping[str, AgeModel]) -> dict[str, torch.Tensor]:
    tensors = {}
    for prefix, model in models.items():
        for name, value in model.packed().items():
            is_large = value.is_floating_point() and value.numel() > LARGEST_SMALL_TENSOR
            kept = value.half() if is_large else value
            tensors[f"{prefix}.{name}"] = kept.detach().cpu().contiguous()
    return tensors


def load_weights(folder: Path, card: Card, device: str) -> Weights:
    """Return the ensemble of a model folder, ready to predict.

    Raises InstallationError when the file is missing, is not the one that the card names or does
    not fit the networks that the card describes, and InputError as ``check_harmonisation`` does.
    """
    check_harmonisation(folder, card)
    tensors = _read(folder / FILE_NAME, card.sha256)
    with _fitting(folder / FILE_NAME):
        members = [_member(tensors, number, card, device) for number in range(card.members)]
        mean_maps = tensors[MEAN_MAPS].float().to(device)
        logger.info(
            "model %s %s with %d members, on %s", card.name, card.version, len(members), device
        )
        sides = unpacked_sides(tensors[SIDES]) if SIDES in tensors else None
        return Weights(members, mean_maps, unpacked(tensors[TYPICAL]), sides)


def with_own(
    weights: Weights, folder: Path, card: Card, sequence: SequenceName, device: str
) -> Weights:
    """Return the weights that read a sequence: its own models beside each member's.

    They were trained on everybody, and all members share them: experts of each member would say
    nearly the same; eight networks would err a little less, but take as much space as a T1's.

    Raises InstallationError as :func:`load_weights` does.
    """
    if not card.blend.has_own(sequence):
        return weights
    own = {
        kind: model.to(device)
        for kind, model in load_own(folder, card, (sequence,))[sequence].items()
    }
    return replace(weights, members=[{**member, **own} for member in weights.members])


def load_own(folder: Path, card: Card, sequences: Iterable[SequenceName]) -> Own:
    """Return the own models of those of the sequences that have any, on the CPU.

    Sequences that share a network get the same one.

    Raises InstallationError as :func:`load_weights` does.
    """
    wanted = [sequence for sequence in sequences if card.blend.has_own(sequence)]
    if not wanted:
        return {}
    path = folder / OWN_FILE_NAME
    tensors = _read(path, card.own_sha256)
    read: dict[str, AgeModel] = {}
    with _fitting(path):
        for name in wanted:
            for kind in card.blend.own_kinds(name):
                prefix = _own_prefix(name, kind)
                if prefix not in read:
                    read[prefix] = _model(tensors, f"{prefix}.", OWN_MODELS[kind])
    return {
        name: {kind: read[_own_prefix(name, kind)] for kind in card.blend.own_kinds(name)}
        for name in wanted
    }


def check_harmonisation(folder: Path, card: Card) -> None:
    """Raise InputError for models that were trained or calibrated on what other networks show."""
    shown_by_others = any(
        read.shown_by != sequences.sha256_of_network(name)
        for name, read in card.calibration.sequences.items()
    )
    if card.harmonisation != harmonisation.SHA256 or shown_by_others:
        raise InputError(
            f"the model in {folder} was trained on what another harmonisation shows",
            "train it anew, or use the one that comes with this version",
        )


def load_one(folder: Path, card: Card, number: int, kind: str) -> AgeModel:
    """Return one model of one member, whatever the others are. Raises as ``load_weights`` does."""
    tensors = _read(folder / FILE_NAME, card.sha256)
    with _fitting(folder / FILE_NAME):
        return _model(tensors, f"{number}.{kind}.", KINDS[kind])


def _read(path: Path, known_sha256: str) -> dict[str, torch.Tensor]:
    """Return the tensors of a file, which is the one that the card names."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InstallationError(f"the weights {path} cannot be read", _HINT) from error
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != known_sha256:
        raise InstallationError(
            f"the weights {path} are not those of the card: sha256 {sha256[:12]}… "
            f"instead of {known_sha256[:12]}…",
            _HINT,
        )
    with _fitting(path):
        return load(content)


@contextmanager
def _fitting(path: Path) -> Iterator[None]:
    """Say of weights of which nothing can be made that they do not fit the card."""
    try:
        yield
    except (SafetensorError, RuntimeError, LookupError, ValueError, AssertionError) as error:
        # torch says in these ways that there is no such network.
        raise InstallationError(f"the weights {path} do not fit the card", _HINT) from error


def _member(tensors: dict[str, torch.Tensor], number: int, card: Card, device: str) -> Member:
    return {
        kind: _model(tensors, f"{number}.{kind}.", KINDS[kind]).to(device).eval()
        for kind in card.blend.kinds
    }


def _model(tensors: dict[str, torch.Tensor], prefix: str, kind: type[AnyKind]) -> AnyKind:
    own = {
        name.removeprefix(prefix): value.float() if value.is_floating_point() else value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
    return kind.unpacked(own)
