"""What a raw age means for one person: interval, corrected age, percentile of the gap."""

from __future__ import annotations

import math
from dataclasses import dataclass

from BrainAgeLib.errors import InputError
from BrainAgeLib.model.calibration import (
    MOST_OF_FEW_SLICES,
    AcquisitionClass,
    corrected_brain_age,
    gap_percentile,
)
from BrainAgeLib.model.card import Card
from BrainAgeLib.model.ensemble import RawAge
from BrainAgeLib.model.site import SiteCalibration
from BrainAgeLib.records import Correction, Finding, IntervalCovers

NO_CORRECTION = "none"


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
class Interpreter:
    """A card that raw ages are read by, with one of its corrections or ``NO_CORRECTION``.

    ``site``: a site's calibration, whose line replaces that of the correction.
    """

    card: Card
    correction_name: str
    site: SiteCalibration | None = None

    def interpret(
        self,
        raw: RawAge,
        age_years: float | None,
        slice_count: int,
        spacing_mm: float,
        has_no_skull: bool = False,
    ) -> Interpretation:
        """Return interval, correction and percentile for a scan with so many slices in view.

        Without a site's calibration the interval is that of a scanner that the model never saw.
        With one it is that within one scanner and as much wider as the site's people of that age
        are off, so that it stays around the raw age; but not where the person's age or the raw age
        is outside those of the site's people, of which the calibration knows nothing.
        """
        if not raw.covers_brain:  # its error is that of few slices, however many there are
            slice_count = min(slice_count, MOST_OF_FEW_SLICES)
        of_t1 = self.card.class_of(slice_count, spacing_mm)
        read = self.card.calibration.sequences.get(raw.sequence)
        entry = read.entry if read else of_t1
        site = None if read else self.site  # a site's people were scanned with T1
        correction = self._correction(entry, site)
        if site and not (site.covers(age_years) and site.covers(raw.age_years)):
            site = None
        corrected = None
        if correction is not None:
            corrected = corrected_brain_age(raw.age_years, age_years, correction)
        return Interpretation(
            self._interval_years(raw, age_years, entry, of_t1, site, has_no_skull),
            corrected,
            correction if corrected is not None else None,
            self._percentile(raw, age_years),
            self._covers(site),
            self._site_findings(raw, age_years, entry, has_no_skull),
        )

    def _site_findings(
        self, raw: RawAge, age_years: float | None, entry: AcquisitionClass, has_no_skull: bool
    ) -> tuple[Finding, ...]:
        """Return what the site's calibration does not cover of this scan."""
        if self.site is None:
            return ()
        if raw.sequence in self.card.calibration.sequences:
            return (self.site.other_sequence(entry.name),)
        return self.site.findings(age_years, raw.age_years, entry.name, has_no_skull)

    def _interval_years(
        self,
        raw: RawAge,
        age_years: float | None,
        entry: AcquisitionClass,
        of_t1: AcquisitionClass,
        site: SiteCalibration | None,
        has_no_skull: bool,
    ) -> tuple[float, float] | None:
        half = raw.widening * entry.half_width_years(raw.age_years)
        read = self.card.calibration.sequences.get(raw.sequence)
        if read is not None:
            # One class was fitted for each sequence: wider slices cost it what they cost a T1.
            usual = self.card.calibration.classes[0].half_width_years(raw.age_years)
            half *= read.real_widening
            half *= max(1.0, of_t1.half_width_years(raw.age_years) / usual)
        if site is not None:
            half += site.deviation_years(age_years)
        elif self.card.calibration.unseen_scanner is not None:
            half *= self.card.calibration.unseen_scanner.factor(has_no_skull)
        low, high = max(0.0, raw.age_years - half), raw.age_years + half
        # Nothing limits what a model says; an interval holds it all the same.
        return (min(low, raw.age_years), high) if math.isfinite(half) else None

    def _correction(
        self, entry: AcquisitionClass, site: SiteCalibration | None
    ) -> Correction | None:
        """Return the line of a class of scans; None where it has none of that name."""
        for correction in entry.corrections:
            if correction.method == self.correction_name:
                return site.adapt(correction) if site else correction
        return None

    def _percentile(self, raw: RawAge, age_years: float | None) -> float | None:
        # The people whom a gap is ranked among were scanned with T1.
        if age_years is None or raw.sequence in self.card.calibration.sequences:
            return None
        people, gap_years = self.card.out_of_fold, raw.age_years - age_years
        return gap_percentile(gap_years, age_years, people.ages_years, people.predicted_years)

    def _covers(self, site: SiteCalibration | None) -> IntervalCovers | None:
        """Return which scanners an interval speaks of; None: those like the training's alone."""
        if site is not None:
            return "this site"
        return None if self.card.calibration.unseen_scanner is None else "any scanner"


def chosen_correction(card: Card, name: str | None) -> str:
    """Return the name of the correction to use; without one, that which the card names.

    Raises InputError for one that the card does not have.
    """
    name = name or card.calibration.default_correction
    known = {c.method for entry in card.calibration.classes for c in entry.corrections}
    if name not in known | {NO_CORRECTION}:
        choices = ", ".join(sorted(known | {NO_CORRECTION}))
        raise InputError(f"the model has no correction {name!r}", f"it has {choices}")
    return name
