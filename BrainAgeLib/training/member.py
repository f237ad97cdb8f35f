"""The models of one member: of each kind, and of other sequences; what was trained before is read.

A kind is trained by the file of its name, by ``fit(fold)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module

from safetensors.torch import load, save

from BrainAgeLib.model.card import OWN_EXPERTS, OWN_NETWORK
from BrainAgeLib.model.kind import AgeModel, AnyKind
from BrainAgeLib.model.network import VolumeNetwork
from BrainAgeLib.model.regional import RegionalModel
from BrainAgeLib.model.weights import KINDS, Member, Own
from BrainAgeLib.records import T1_LIKE, SequenceName
from BrainAgeLib.template.sequences import READ, WEIGHTS, network_of
from BrainAgeLib.training import own_network, regional
from BrainAgeLib.training.fold import Fold
from BrainAgeLib.whole_file import write_atomically


def train_member(fold: Fold) -> Member:
    """Return a trained model of each kind."""
    return {kind: _trained(fold, kind) for kind in KINDS}


def _trained(fold: Fold, kind: str) -> AgeModel:
    fit = import_module(f"BrainAgeLib.training.{kind}").fit
    return _once(fold, kind, lambda: fit(fold), KINDS[kind])


def train_own(fold: Fold, member: Member, networks: Iterable[str] = tuple(WEIGHTS)) -> Own:
    """Return what is trained on scans of other sequences; nothing where nobody has labels.

    ``networks``: of ``template.sequences``; each sequence that one of them shows has experts of its
    own, and all that it shows have a network together, which goes on from that of ``member``, this
    fold's or, for everybody, any. What is of a fold says how good they are; what is shipped is
    trained on everybody. A T1 after contrast agent is so much of a T1 that experts of its own
    gained nothing.
    """
    own: dict[SequenceName, Member] = {}
    for shown_by in networks if fold.with_sequences else ():
        alike = [s for s in READ if network_of(s) == shown_by and s not in T1_LIKE]
        if not alike:
            continue
        network = _own_network(fold, shown_by, alike, member["network"])
        for sequence in alike:
            own[sequence] = {OWN_EXPERTS: _own_experts(fold, sequence), OWN_NETWORK: network}
    return own


def _own_network(
    fold: Fold, shown_by: str, sequences: list[SequenceName], t1: AgeModel
) -> VolumeNetwork:
    name = f"{shown_by} network"
    return _once(fold, name, lambda: own_network.fit(fold, name, sequences, t1), VolumeNetwork)


def _own_experts(fold: Fold, sequence: SequenceName) -> RegionalModel:
    name = f"{sequence} experts"
    return _once(fold, name, lambda: regional.fit_own(fold, sequence), RegionalModel)


def _once(fold: Fold, name: str, fit: Callable[[], AgeModel], kind: type[AnyKind]) -> AnyKind:
    """Return what was fitted before, or is now, and kept under this name and the fold's."""
    path = fold.folder / f"{name}-{fold.label}.safetensors"
    if not path.exists():
        tensors = {part: value.contiguous() for part, value in fit().packed().items()}
        write_atomically(path, save(tensors))
    return kind.unpacked(load(path.read_bytes()))
