"""The measured facts that the gate judges.

Whoever fills them in knows images, headers or networks; the gate does not. None stands for what was
skipped, does not apply or could not be measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from BrainAgeLib.records import Acquisition, SequenceTags


@dataclass(frozen=True)
class Placement:
    """How the brain lies in the template, by the registration.

    ``coverage``: share of the template brain in the field of view. ``cut_top``, ``cut_bottom``,
    ``cut_sides``: share of it that is beyond that end of the image. ``overlap``: Dice overlap of
    the mask with the template brain within the field of view. ``leak_share``: share of the mask
    well outside the template brain. ``missed_share``: share of the template brain's inside in view
    that the mask leaves out. ``edge_share``: share of the mask's outline, within slices, that lies
    on the edge of the image. ``pattern``: correlation of scan and template inside the brain alone.
    ``pattern_turned``: the best correlation of the scan turned upside down, back to front or both.
    ``signal_around``: brightness around the brain, skull and scalp, as a share of the brain's.
    ``rim_share``: share of what lies within 4 mm outside the mask that is as bright as brain.
    """

    coverage: float
    cut_top: float
    cut_bottom: float
    cut_sides: float
    overlap: float
    leak_share: float
    missed_share: float
    edge_share: float
    pattern: float
    pattern_turned: float
    signal_around: float
    rim_share: float | None = None


@dataclass(frozen=True)
class Stretch:
    """What the registration had to do to the head's shape.

    ``similarity``: correlation of the registered scan with the template, -1 to 1. ``scale``: the
    three scale factors from scan to template, smallest first. ``shear``: largest shear along the
    template's axes beyond that of the average head. ``slice_scale``: stretch along the slices'
    normal against the stretch within them, 1 for the average head; one over the factor by which a
    header gives the slice spacing too large. ``pixel_scale``: the same of one in-plane axis
    against the other.
    """

    similarity: float
    scale: tuple[float, float, float]
    shear: float
    slice_scale: float
    pixel_scale: float


@dataclass(frozen=True)
class Contrast:
    """Brightness of the tissues where the template expects them, the coil's field removed.

    ``grey_to_white``, ``csf_to_white``: brightness as a share of white matter's. ``csf_to_white``
    is of the ventricles. ``tissue_contrast``: grey-white difference in robust standard deviations
    within a tissue, positive when white matter is brighter. ``tissue_spread``: that deviation, of
    the logarithm of the brightness. ``field_sd``: standard deviation of
    the logarithm of the smooth field. ``bright_share``: share of the brain much brighter than white
    matter. ``negative_share``: share of the brain whose values are zero or less.
    ``negative_image_share``: share of the whole image that is clearly below zero.
    """

    grey_to_white: float | None
    csf_to_white: float | None
    tissue_contrast: float | None
    tissue_spread: float | None
    field_sd: float | None
    bright_share: float | None
    negative_share: float
    negative_image_share: float = 0.0


@dataclass(frozen=True)
class Artefacts:
    """What disturbs the picture.

    ``noise``: standard deviation of pixel noise as a share of the brain's brightness.
    ``slice_jump``: how far a slice's brightness typically is from that of its neighbours, as a
    share. ``slice_shift_mm``: how far the middle of the brain in a slice typically is from the
    middle of those in its neighbours. ``ghost``: signal in the air along one in-plane axis beyond
    that along the other, as a share of the brain's.
    """

    noise: float | None
    slice_jump: float | None
    slice_shift_mm: float | None
    ghost: float | None


@dataclass(frozen=True)
class Measurements:
    """What was measured on one scan.

    ``brain_volume_ml``: volume of the mask. ``slices_in_view``: slices that show brain, as the
    network sees them. ``placement`` and ``stretch`` are None for a scan that is said to be in
    template space, and then ``share_in_template`` is the share of its brain that lies in the
    template's. ``is_extracted``: the caller says that the scan has no skull.
    ``covers_brain``: whether the slices do, without a hole, so that the models for whole brains
    speak; where not, ``known_heights_mm`` are those of the slices, in the template and from the
    lowest, that the models for few slices know.
    ``members_years``: age by each member of the ensemble. ``novelty``: distance of the scan from
    the training data in the model's features, as a multiple of the distance that 99 % of healthy
    scans stay under.
    """

    acquisition: Acquisition
    brain_volume_ml: float
    slices_in_view: int
    placement: Placement | None = None
    stretch: Stretch | None = None
    contrast: Contrast | None = None
    artefacts: Artefacts | None = None
    tags: SequenceTags = SequenceTags()
    share_in_template: float | None = None
    is_extracted: bool = False
    covers_brain: bool | None = None
    known_heights_mm: tuple[float, ...] | None = None
    brain_age_years: float | None = None
    members_years: tuple[float, ...] = ()
    novelty: float | None = None
    chronological_age_years: float | None = None
    trained_age_range_years: tuple[float, float] | None = None
