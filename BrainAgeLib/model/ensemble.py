"""A model folder in use: its weights, the raw age of a scan and where that comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.errors import InputError
from BrainAgeLib.model.brain_maps import FEW_SLICES, regional_features
from BrainAgeLib.model.calibration import MOST_OF_FEW_SLICES
from BrainAgeLib.model.card import Blend, Card, read_card
from BrainAgeLib.model.saliency import saliency_map
from BrainAgeLib.model.sides import OneSided, sides_of
from BrainAgeLib.model.weights import Member, Weights, load_weights, with_own
from BrainAgeLib.records import ModelRecord, SequenceName
from BrainAgeLib.resources import installed_models, models_folder
from BrainAgeLib.stages import Advance
from BrainAgeLib.template.scan_maps import ScanMaps

DEFAULT_MODEL = "thick-slice"


@dataclass(frozen=True)
class RawAge:
    """What the ensemble says of one scan, in years.

    ``members_years``: the age by each member. ``covers_brain``: whether the slices do, so that the
    models for whole brains spoke. ``widening``: how many times wider the interval is than usual,
    since a few slices lie where less of the age is seen or a whole brain is unlike the training
    data. ``novelty``: how unlike it is, see ``novelty``. ``one_sided``: where its sides differ
    most, see ``sides``; None where the model does not know healthy people's. ``known_heights_mm``:
    without a whole brain, the heights in the template of the slices that counted, from the lowest.
    ``sequence``: as which the scan was read.
    """

    age_years: float
    members_years: tuple[float, ...]
    covers_brain: bool
    widening: float = 1.0
    novelty: float | None = None
    one_sided: OneSided | None = None
    known_heights_mm: tuple[float, ...] | None = None
    sequence: SequenceName = "T1w"


@dataclass(frozen=True)
class Ensemble:
    """A model's card and the folder that holds its weights."""

    card: Card
    folder: Path

    @property
    def record(self) -> ModelRecord:
        """Which model this is."""
        card = self.card
        return ModelRecord(card.name, card.version, card.sha256, card.age_range_years)

    def weights(self, device: str, sequence: SequenceName = "T1w") -> Weights:
        """Return the members that read a sequence, on a device; loaded once for each."""
        card = self.card
        if not card.blend.has_own(sequence):
            sequence = "T1w"
        return _weights(self.folder, card.sha256, card.own_sha256, device, sequence)

    def raw_age(self, maps: ScanMaps, device: str, sequence: SequenceName = "T1w") -> RawAge:
        """Return the raw age of a scan of a sequence, worked out on that device."""
        maps, weights = maps.to(device), self.weights(device, sequence)
        raw = predict_age(weights.members, maps, self.card.blend_of(sequence))
        raw = replace(raw, sequence=sequence)
        if not maps.covers_brain:
            widening, heights = self._widening(maps, weights), self._known_heights_mm(maps, weights)
            return replace(raw, widening=widening, known_heights_mm=heights)
        novelty = weights.typical.novelty(maps.features(regional_features))
        one_sided = None
        if weights.sides is not None:
            # As acquired: what harmonisation makes of a lesion is nearer to healthy tissue.
            one_sided = weights.sides.most_one_sided(sides_of(maps.acquired))
        widening = max(1.0, novelty)
        return replace(raw, novelty=novelty, one_sided=one_sided, widening=widening)

    def _widening(self, maps: ScanMaps, weights: Weights) -> float:
        """Return how many times the error of the class of few slices is to be expected."""
        entry = self.card.class_of(min(len(maps.slices), MOST_OF_FEW_SLICES), 0.0)
        usual = FEW_SLICES if entry.least_slices > 0 else 1
        variance = float(np.array(self.card.out_of_fold.ages_years).var())
        fractions = self.card.blend.fractions(maps.covers_brain)
        widenings = [
            sum(f * member[kind].widening(maps, usual, variance) for kind, f in fractions.items())
            for member in weights.members
        ]
        return sum(widenings) / len(widenings)

    def _known_heights_mm(self, maps: ScanMaps, weights: Weights) -> tuple[float, ...]:
        """Return the heights of the slices that count, of the kind of model that reads most."""
        kinds, member = self.card.blend.fractions(maps.covers_brain), weights.members[0]
        return max((member[kind].known_heights_mm(maps) for kind in kinds), key=len)

    def saliency_years(
        self, maps: ScanMaps, device: str, advance: Advance, sequence: SequenceName = "T1w"
    ) -> torch.Tensor:
        """Return where the age of a scan of a sequence comes from (z, y, x), in years."""
        weights, blend = self.weights(device, sequence), self.card.blend_of(sequence)
        return saliency_map(weights.members, maps.to(device), blend, weights.mean_maps, advance)


@torch.inference_mode()
def predict_age(members: Sequence[Member], maps: ScanMaps, blend: Blend) -> RawAge:
    """Return the raw age: the mean over members of what their models say, blended."""
    kinds = blend.fractions(maps.covers_brain)
    # Members may share a model; it is asked once.
    models = dict.fromkeys(member[kind] for member in members for kind in kinds)
    said = {model: model.age_years(maps) for model in models}
    covers, filled_in = maps.covers_brain, maps.filled_in
    ages = tuple(
        blend.raw_age({kind: said[member[kind]] for kind in kinds}, covers, filled_in)
        for member in members
    )
    return RawAge(sum(ages) / len(ages), ages, maps.covers_brain)


@lru_cache(maxsize=8)
def _weights(
    folder: Path, sha256: str, own_sha256: str, device: str, sequence: SequenceName
) -> Weights:
    card = read_card(folder)
    if (card.sha256, card.own_sha256) != (sha256, own_sha256):
        raise InputError(f"the model in {folder} was replaced while it was in use", "start again")
    if sequence != "T1w":
        of_t1 = _weights(folder, sha256, own_sha256, device, "T1w")
        return with_own(of_t1, folder, card, sequence, device)
    return load_weights(folder, card, device)


def load_ensemble(name_or_folder: str | None = None) -> Ensemble:
    """Return a bundled model by its name, or the model in a folder.

    Raises InputError for an unknown one, listing those that are installed.
    """
    name = DEFAULT_MODEL if name_or_folder is None else name_or_folder
    bundled = models_folder() / name
    is_name = Path(name).name == name and name not in (".", "..")
    folder = bundled if is_name and bundled.is_dir() else Path(name)
    if not name or not folder.is_dir():
        choices = ", ".join(installed_models()) or "none"
        raise InputError(f"there is no model {name!r}", f"installed: {choices}; or give a folder")
    return Ensemble(read_card(folder), folder)
