"""A model folder in use: the raw age of a scan and what the card makes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.errors import InputError
from BrainAgeLib.model.blend import RawAge, predict_age
from BrainAgeLib.model.brain_maps import FEW_SLICES, ScanMaps, maps_of_scan, regional_features
from BrainAgeLib.model.calibration import (
    LEAST_OF_WHOLE_BRAINS,
    corrected_brain_age,
    gap_percentile,
)
from BrainAgeLib.model.card import Card, read_card
from BrainAgeLib.model.saliency import Advance, saliency_map
from BrainAgeLib.model.sides import sides_of
from BrainAgeLib.model.site import SiteCalibration
from BrainAgeLib.model.weights import Weights, load_weights
from BrainAgeLib.records import Correction, Finding, IntervalCovers, ModelRecord
from BrainAgeLib.resources import installed_models, models_folder
from BrainAgeLib.template.slices import SliceSet

DEFAULT_MODEL = "thick-slice"
NO_CORRECTION = "none"
MOST_OF_FEW_SLICES = LEAST_OF_WHOLE_BRAINS - 1


@dataclass(frozen=True)
class Interpretation:
    """What a raw age means for one person, in years; None where nothing can be said.

    ``interval_covers``: which scanners the interval speaks of. ``findings``: what a site
    calibration does not cover.
    """

    interval_years: tuple[float, float] | None
    corrected_brain_age_years: float | None
    correction: Correction | None
    gap_percentile: float | None
    interval_covers: IntervalCovers | None = None
    findings: tuple[Finding, ...] = ()


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

    def weights(self, device: str) -> Weights:
        """Return the members on a device; loaded once for each."""
        return _weights(self.folder, self.card.sha256, device)

    def predict(self, slices: SliceSet, device: str) -> tuple[RawAge, ScanMaps]:
        """Return the raw age of a set of slices on that device, and the maps it was read from."""
        maps = maps_of_scan(slices.to(device))
        weights = self.weights(device)
        raw = predict_age(weights.members, maps, self.card.blend)
        if not maps.covers_brain:
            widening, heights = self._widening(maps, weights), self._known_heights_mm(maps, weights)
            return replace(raw, widening=widening, known_heights_mm=heights), maps
        novelty = weights.typical.novelty(maps.features(regional_features))
        one_sided = None
        if weights.sides is not None:
            one_sided = weights.sides.most_one_sided(sides_of(maps.volume))
        widening = max(1.0, novelty)
        return replace(raw, novelty=novelty, one_sided=one_sided, widening=widening), maps

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

    def saliency_years(self, maps: ScanMaps, device: str, advance: Advance) -> torch.Tensor:
        """Return where the age comes from (z, y, x), in years, see ``saliency``."""
        weights, blend = self.weights(device), self.card.blend
        return saliency_map(weights.members, maps.to(device), blend, weights.mean_maps, advance)

    def choose_correction(self, name: str | None) -> str:
        """Return the name of the correction to use.

        Raises InputError for one that the card does not have.
        """
        name = name or self.card.calibration.default_correction
        known = {c.method for entry in self.card.calibration.classes for c in entry.corrections}
        if name not in known | {NO_CORRECTION}:
            choices = ", ".join(sorted(known | {NO_CORRECTION}))
            raise InputError(f"the model has no correction {name!r}", f"it has {choices}")
        return name

    def interpret(
        self,
        raw: RawAge,
        age_years: float | None,
        slice_count: int,
        spacing_mm: float,
        correction_name: str,
        site: SiteCalibration | None = None,
        has_no_skull: bool = False,
    ) -> Interpretation:
        """Return interval, correction and percentile for a scan with so many slices in view.

        Without a site's calibration the interval is that of a scanner that the model never saw.
        With one it is that within one scanner and as much wider as the site's people are off, so
        that it stays around the raw age, and the site's line replaces the card's.
        """
        if not raw.covers_brain:  # its error is that of few slices, however many there are
            slice_count = min(slice_count, MOST_OF_FEW_SLICES)
        entry = self.card.class_of(slice_count, spacing_mm)
        half = raw.widening * entry.half_width_years(raw.age_years)
        if site is not None:
            half += abs(site.applied.offset_years)
        elif self.card.calibration.unseen_scanner is not None:
            half *= self.card.calibration.unseen_scanner.factor(has_no_skull)
        low, high = max(0.0, raw.age_years - half), raw.age_years + half
        interval = (low, high) if math.isfinite(half) else None
        correction = next((c for c in entry.corrections if c.method == correction_name), None)
        findings: tuple[Finding, ...] = ()
        if site is not None:
            correction = None if correction is None else site.adapt(correction)
            findings = site.findings(age_years, entry.name)
        corrected = percentile = None
        if correction is not None:
            corrected = corrected_brain_age(raw.age_years, age_years, correction)
        if age_years is not None:
            reference = self.card.out_of_fold
            percentile = gap_percentile(
                raw.age_years - age_years,
                age_years,
                reference.ages_years,
                reference.predicted_years,
            )
        shown = correction if corrected is not None else None
        return Interpretation(interval, corrected, shown, percentile, self._covers(site), findings)

    def _covers(self, site: SiteCalibration | None) -> IntervalCovers | None:
        """Return which scanners an interval speaks of; None: those like the training's alone."""
        if site is not None:
            return "this site"
        return None if self.card.calibration.unseen_scanner is None else "any scanner"


@lru_cache(maxsize=4)
def _weights(folder: Path, sha256: str, device: str) -> Weights:
    card = read_card(folder)
    if card.sha256 != sha256:
        raise InputError(f"the model in {folder} was replaced while it was in use", "start again")
    return load_weights(folder, card, device)


def load_ensemble(name_or_folder: str | None = None) -> Ensemble:
    """Return a bundled model by its name, or the model in a folder.

    Raises InputError for an unknown one, listing those that are installed.
    """
    name = name_or_folder or DEFAULT_MODEL
    bundled = models_folder() / name
    is_name = Path(name).name == name and name not in (".", "..")
    folder = bundled if is_name and bundled.is_dir() else Path(name)
    if not folder.is_dir():
        choices = ", ".join(installed_models()) or "none"
        raise InputError(f"there is no model {name!r}", f"installed: {choices}; or give a folder")
    return Ensemble(read_card(folder), folder)
