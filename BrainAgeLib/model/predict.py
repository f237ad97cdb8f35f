"""The ensemble's raw age for one set of slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from BrainAgeLib.model.brain_maps import alignments, covers_the_brain, network_maps, regional_maps
from BrainAgeLib.model.network import VolumeNetwork
from BrainAgeLib.model.regional_model import RegionalModel
from BrainAgeLib.model.slice_model import SliceModel
from BrainAgeLib.template.slices import SliceSet
from BrainAgeLib.template.volume import TemplateVolume, volume_of_slices


@dataclass(frozen=True)
class Member:
    """The models of one fold: trained on the same people, tested on the same others.

    The network and the regional model are for whole brains, the slice model for what is less.
    """

    network: VolumeNetwork
    regional: RegionalModel
    slices: SliceModel


@dataclass(frozen=True)
class WholeBrain:
    """What the models see of a whole brain.

    ``network``: (1, 4, z, y, x). ``regional``: (1, channel, cell). ``fields``: (1, 3, z, y, x), the
    alignment behind it.
    """

    network: torch.Tensor
    regional: torch.Tensor
    fields: torch.Tensor


@dataclass(frozen=True)
class ScanMaps:
    """What the models see of one scan; ``whole`` is None when its slices leave holes."""

    slices: SliceSet
    volume: TemplateVolume
    whole: WholeBrain | None

    def to(self, device: str) -> ScanMaps:
        """Return the same maps on another device."""
        whole = None
        if self.whole is not None:
            maps = (self.whole.network, self.whole.regional, self.whole.fields)
            whole = WholeBrain(*(one.to(device) for one in maps))
        return ScanMaps(self.slices.to(device), self.volume.to(device), whole)


@dataclass(frozen=True)
class RawAge:
    """What the ensemble says of one scan, in years.

    ``members_years``: the age by each member. ``covers_brain``: whether the slices do, so that the
    models for whole brains spoke. ``widening``: how many times wider the interval is than usual,
    since a few slices lie where less of the age is seen or a whole brain is unlike the training
    data. ``novelty``: how unlike it is, see ``novelty``. ``known_heights_mm``: without a whole
    brain, the heights in the template of the slices that counted, from the lowest.
    """

    age_years: float
    members_years: tuple[float, ...]
    covers_brain: bool
    widening: float = 1.0
    novelty: float | None = None
    known_heights_mm: tuple[float, ...] | None = None


@torch.inference_mode()
def maps_of_scan(slices: SliceSet) -> ScanMaps:
    """Return what the models see of a set of slices. Raises ValueError for an empty set."""
    if len(slices) == 0:
        raise ValueError("there is no slice to predict from")
    volume = volume_of_slices(slices)
    if not covers_the_brain(slices):
        return ScanMaps(slices, volume, None)
    fields = alignments([volume])
    regional = regional_maps(volume.images[None], fields)
    return ScanMaps(slices, volume, WholeBrain(network_maps(volume)[None], regional, fields))


@torch.inference_mode()
def predict_age(members: Sequence[Member], maps: ScanMaps, network_share: float) -> RawAge:
    """Return the raw age: the mean over members.

    For a whole brain a member's age is that of its network, with ``network_share``, and of its
    regional model; otherwise that of its slice model.
    """
    ages = [_age_of_member(member, maps, network_share) for member in members]
    return RawAge(sum(ages) / len(ages), tuple(ages), maps.whole is not None)


def _age_of_member(member: Member, maps: ScanMaps, network_share: float) -> float:
    if maps.whole is None:
        return member.slices.age_years(maps.slices)
    network = float(member.network.age_years(maps.whole.network))
    return network_share * network + (1 - network_share) * float(
        member.regional(maps.whole.regional)
    )
