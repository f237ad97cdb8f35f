"""The kinds of model, and how their ages are put together to the raw age of a scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from BrainAgeLib.model.card import Blend
from BrainAgeLib.model.kind import AgeModel
from BrainAgeLib.model.network import VolumeNetwork
from BrainAgeLib.model.regional import RegionalModel
from BrainAgeLib.model.sides import OneSided
from BrainAgeLib.model.slices import SliceModel
from BrainAgeLib.template.scan_maps import ScanMaps

# By the names that cards, weights and tables use.
KINDS: dict[str, type[AgeModel]] = {
    "network": VolumeNetwork,
    "regional": RegionalModel,
    "slices": SliceModel,
}
# The models of one fold, by kind: trained on the same people, tested on the same others.
Member = Mapping[str, AgeModel]


@dataclass(frozen=True)
class RawAge:
    """What the ensemble says of one scan, in years.

    ``members_years``: the age by each member. ``covers_brain``: whether the slices do, so that the
    models for whole brains spoke. ``widening``: how many times wider the interval is than usual,
    since a few slices lie where less of the age is seen or a whole brain is unlike the training
    data. ``novelty``: how unlike it is, see ``novelty``. ``one_sided``: where its sides differ
    most, see ``sides``; None where the model does not know healthy people's. ``known_heights_mm``:
    without a whole brain, the heights in the template of the slices that counted, from the lowest.
    """

    age_years: float
    members_years: tuple[float, ...]
    covers_brain: bool
    widening: float = 1.0
    novelty: float | None = None
    one_sided: OneSided | None = None
    known_heights_mm: tuple[float, ...] | None = None


@torch.inference_mode()
def predict_age(members: Sequence[Member], maps: ScanMaps, blend: Blend) -> RawAge:
    """Return the raw age: the mean over members of what their models say, blended."""
    kinds = blend.fractions(maps.covers_brain)
    ages = tuple(
        blend.raw_age({kind: member[kind].age_years(maps) for kind in kinds}, maps.covers_brain)
        for member in members
    )
    return RawAge(sum(ages) / len(ages), ages, maps.covers_brain)
