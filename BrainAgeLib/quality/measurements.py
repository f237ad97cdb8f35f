"""The measured facts that the gate judges.

Whoever fills them in knows images; the gate does not.
"""

from __future__ import annotations

from dataclasses import dataclass

from BrainAgeLib.records import Acquisition


@dataclass(frozen=True)
class Measurements:
    """What was measured on one scan; None for what was skipped or does not apply.

    ``brain_volume_ml``: volume of the mask. ``template_overlap``: Dice overlap of the mask with
    the registered template brain, within the scan's field of view. ``similarity``: correlation
    with the template after registration. ``template_coverage``: share of the template brain that
    lies in the field of view. ``scale``: the three scale factors from scan to template, smallest
    first. ``slices_in_view``: slices that show brain, as the network sees them.
    ``share_in_template``: share of these slices' brain that lies in the template's brain, for a
    scan that is said to be in template space. ``members_years``: age by each member of the
    ensemble.
    """

    acquisition: Acquisition
    brain_volume_ml: float
    slices_in_view: int
    template_overlap: float | None = None
    similarity: float | None = None
    template_coverage: float | None = None
    scale: tuple[float, float, float] | None = None
    share_in_template: float | None = None
    brain_age_years: float | None = None
    members_years: tuple[float, ...] = ()
    chronological_age_years: float | None = None
    trained_age_range_years: tuple[float, float] | None = None
