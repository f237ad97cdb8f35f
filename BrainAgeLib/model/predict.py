"""The ensemble's raw age for one set of slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from BrainAgeLib.imaging.slices import SliceSet
from BrainAgeLib.imaging.template_volume import TemplateVolume, volume_of_slices
from BrainAgeLib.model.brain_maps import alignments, covers_the_brain, network_maps, regional_maps
from BrainAgeLib.model.network import VolumeNetwork
from BrainAgeLib.model.regional_model import RegionalModel

MOST_SLICES_OF_A_PART = 10  # what the networks for a few slices were trained on


@dataclass(frozen=True)
class Member:
    """The models of one fold: trained on the same people, tested on the same others.

    ``whole``: the network for whole brains. ``part``: the one for a few slices.
    """

    whole: VolumeNetwork
    part: VolumeNetwork
    regional: RegionalModel


@dataclass(frozen=True)
class ScanMaps:
    """What the models see of one scan.

    ``network``: (1, 4, z, y, x). ``regional``: (1, channel, cell), or None when the slices do not
    cover the brain. ``fields``: (1, 3, z, y, x), the alignment behind it. ``is_part``: few slices.
    """

    volume: TemplateVolume
    network: torch.Tensor
    regional: torch.Tensor | None
    fields: torch.Tensor | None
    is_part: bool

    def to(self, device: str) -> ScanMaps:
        """Return the same maps on another device."""
        regional = None if self.regional is None else self.regional.to(device)
        fields = None if self.fields is None else self.fields.to(device)
        volume, network = self.volume.to(device), self.network.to(device)
        return ScanMaps(volume, network, regional, fields, self.is_part)


@dataclass(frozen=True)
class RawAge:
    """What the ensemble says of one scan, in years.

    ``members_years``: the age by each member. ``covers_brain``: whether the slices do, so that the
    regional models spoke as well.
    """

    age_years: float
    members_years: tuple[float, ...]
    covers_brain: bool


@torch.inference_mode()
def maps_of_scan(slices: SliceSet) -> ScanMaps:
    """Return what the models see of a set of slices. Raises ValueError for an empty set."""
    if len(slices) == 0:
        raise ValueError("there is no slice to predict from")
    volume = volume_of_slices(slices)
    regional = fields = None
    if covers_the_brain(slices):
        fields = alignments([volume])
        regional = regional_maps(volume.images[None], fields)
    is_part = regional is None and len(slices) <= MOST_SLICES_OF_A_PART
    return ScanMaps(volume, network_maps(volume)[None], regional, fields, is_part)


@torch.inference_mode()
def predict_age(members: Sequence[Member], maps: ScanMaps, network_share: float) -> RawAge:
    """Return the raw age: the mean over members.

    A member's age is that of its network and, where the slices cover the brain, that of its
    regional model; the network counts with ``network_share`` then.
    """
    ages = [_age_of_member(member, maps, network_share) for member in members]
    return RawAge(sum(ages) / len(ages), tuple(ages), maps.regional is not None)


def _age_of_member(member: Member, maps: ScanMaps, network_share: float) -> float:
    network = member.part if maps.is_part else member.whole
    age = float(network.age_years(maps.network))
    if maps.regional is None:
        return age
    return network_share * age + (1 - network_share) * float(member.regional(maps.regional))
