"""The words that the whole program speaks: plain records, no behaviour beyond their own arithmetic.

Ages and gaps (predicted minus chronological age) are years; what is not known is None, never 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from BrainAgeLib.findings import WIDENING

if TYPE_CHECKING:
    import numpy as np

NOTICE = (
    "Research use only. Not a medical device. Not for diagnosis, screening or treatment. "
    "A brain age gap in one person is not evidence of disease or of accelerated ageing."
)
SCHEMA_VERSION = "1"
# An age beyond this is a slip of the pen, or what is left of one that somebody removed.
OLDEST_AGE_YEARS = 120.0
DAYS_A_YEAR = 365.25  # of the Julian calendar

Sex = Literal["F", "M"]
Severity = Literal["note", "warn", "refuse"]
Verdict = Literal["pass", "warn", "refuse"]
Plane = Literal["axial", "coronal", "sagittal", "3d"]
SequenceName = Literal["T1w", "T1w after contrast", "T2w", "FLAIR", "PDw", "other"]  # as in BIDS
OTHER_SEQUENCES: tuple[SequenceName, ...] = ("T2w", "FLAIR", "T1w after contrast")  # that are read
T1_LIKE: frozenset[SequenceName] = frozenset({"T1w", "T1w after contrast"})
# Scanners that an interval speaks of: also those that the model never saw, or a calibrated site's.
IntervalCovers = Literal["any scanner", "this site"]
INTERVAL_LEVEL = 0.9  # the part of healthy people whom an interval should hold
ProgressCallback = Callable[[str, float], None]  # the stage's name, how much of all is done, 0-1


@dataclass(frozen=True)
class Finding:
    """One thing that the quality gate noticed.

    ``value`` is what was measured, ``limit`` where the finding begins; numbers or short strings.
    """

    code: str
    severity: Severity
    message: str
    value: float | str | None = None
    limit: float | str | None = None


@dataclass(frozen=True)
class Quality:
    """The gate's findings on one scan."""

    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst severity decides."""
        severities = {finding.severity for finding in self.findings}
        if "refuse" in severities:
            return "refuse"
        return "warn" if "warn" in severities else "pass"


@dataclass(frozen=True)
class Acquisition:
    """How the scan was acquired, as far as its grid and header tell.

    ``slice_spacing_mm`` is the distance of slice centres, ``slice_thickness_mm`` what the header
    says of the slices themselves. ``in_plane_mm``: pixel size along rows and columns. ``scanner``:
    maker, model and field strength; that and the times, in ms, are what a DICOM header says.
    """

    plane: Plane
    slice_count: int
    slice_spacing_mm: float
    slice_thickness_mm: float | None
    in_plane_mm: tuple[float, float]
    scanner: str | None = None
    echo_time_ms: float | None = None
    repetition_time_ms: float | None = None


@dataclass(frozen=True)
class SequenceTags:
    """What a DICOM header, or what lies beside a file, says of the sequence; times in milliseconds.

    ``says_contrast_agent``: whether a contrast agent is named, or a series' or file's name says so.
    """

    modality: str | None = None
    echo_time_ms: float | None = None
    repetition_time_ms: float | None = None
    inversion_time_ms: float | None = None
    says_contrast_agent: bool = False
    scanner: str | None = None
    is_echo_planar: bool = False  # as diffusion is


@dataclass(frozen=True)
class InputRecord:
    """Which scan it was. ``sha256`` is of the file, or of a series' files in slice order."""

    path: str | None
    sha256: str | None
    series_uid: str | None
    brain_extracted: bool | None = None  # what was said; None in records of earlier versions


@dataclass(frozen=True)
class Correction:
    """An age-bias correction: the fitted line that ``method`` names, and what it was fitted on."""

    method: str
    fitted_on: str
    people: int
    age_range_years: tuple[float, float]
    slope: float
    intercept: float
    site: str | None = None


@dataclass(frozen=True)
class ModelRecord:
    """Which model spoke. ``age_range_years``: ages that it was trained on."""

    name: str
    version: str
    sha256: str
    age_range_years: tuple[float, float]


@dataclass(frozen=True)
class SoftwareRecord:
    """Which program ran."""

    name: str
    version: str
    dependencies: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Timings:
    """Wall-clock seconds of each stage; None for a stage that was skipped."""

    read: float | None = None
    brain_extraction: float | None = None
    registration: float | None = None
    prediction: float | None = None
    saliency: float | None = None
    total: float | None = None


@dataclass(frozen=True)
class RegionLeaning:
    """How much of a saliency map lies over one region of the brain; see ``model.saliency``.

    ``times_average``: the mean size of the map there over that of the whole brain. ``mean_years``:
    its mean with the sign, positive where it makes the brain look older.
    """

    region: str
    times_average: float
    mean_years: float


@dataclass(frozen=True)
class Prediction:
    """All that is known about one scan; the fields of ``prediction.json``.

    ``brain_age_years`` is the raw prediction, or None when the gate refused. ``interval_years``
    belongs to the raw prediction and covers ``interval_level`` of healthy people, on the scanners
    of ``interval_covers`` (None: on scanners like that of the training alone). Not in the JSON:
    ``saliency``, an image on the scan's own grid, and ``uncorrected``, no correction was asked for.
    ``leans_on``: the regions over which it is strongest, or None without a map of a whole brain.
    ``identifiers``: who was scanned, only when asked for. ``sequence``: as the picture tells it.
    """

    brain_age_years: float | None
    interval_years: tuple[float, float] | None
    chronological_age_years: float | None
    sex: Sex | None
    corrected_brain_age_years: float | None
    correction: Correction | None
    gap_percentile: float | None
    quality: Quality
    acquisition: Acquisition
    input: InputRecord
    model: ModelRecord
    software: SoftwareRecord
    device: str
    timings_seconds: Timings
    interval_level: float = INTERVAL_LEVEL
    interval_covers: IntervalCovers | None = None
    schema_version: str = SCHEMA_VERSION
    notice: str = NOTICE
    saliency: Any = field(default=None, compare=False, repr=False)
    uncorrected: bool = field(default=False, compare=False, repr=False)
    identifiers: dict[str, str] | None = None
    leans_on: tuple[RegionLeaning, ...] | None = None
    sequence: SequenceName | None = None

    @property
    def has_wide_interval(self) -> bool:
        """Whether the interval is wider than for most scans: few slices, or an unlike brain."""
        return any(finding.code in WIDENING for finding in self.quality.findings)

    @property
    def gap_years(self) -> float | None:
        """Raw brain age minus chronological age."""
        return _difference(self.brain_age_years, self.chronological_age_years)

    @property
    def corrected_gap_years(self) -> float | None:
        """Corrected brain age minus chronological age."""
        return _difference(self.corrected_brain_age_years, self.chronological_age_years)


@dataclass(frozen=True)
class SlicePicture:
    """One slice to look at.

    ``grey``: (row, column) float, 0-1, as a radiologist sees it: axial slices have the face up and
    the patient's left on the right. ``mask``: (row, column) bool, the brain, or None.
    ``saliency_years``: (row, column) float or None. ``pixel_mm``: height and width of a pixel.
    """

    grey: np.ndarray
    pixel_mm: tuple[float, float]
    mask: np.ndarray | None = None
    saliency_years: np.ndarray | None = None


@dataclass(frozen=True)
class Reference:
    """The healthy people that the model was checked on, out of fold, to compare one person with.

    ``ages_years`` and ``predicted_years`` have one entry per person.
    """

    ages_years: tuple[float, ...]
    predicted_years: tuple[float, ...]
    described_as: str


@dataclass(frozen=True)
class Pictures:
    """What the report shows beside the numbers.

    ``input_slices``: all acquired slices from first to last, with the brain mask.
    ``registered_slices`` and ``template_slices``: the same places in scan and template, in pairs.
    """

    input_slices: tuple[SlicePicture, ...]
    registered_slices: tuple[SlicePicture, ...]
    template_slices: tuple[SlicePicture, ...]
    reference: Reference | None = None


@dataclass(frozen=True)
class Result:
    """The prediction, and what lies on the scan's own grid or leads to the template.

    ``brain_mask`` (SimpleITK.Image): None when no brain was found. ``to_template`` (of SimpleITK,
    resamples the scan onto the template): None when nothing was. ``dicom_files``: of its series.
    """

    prediction: Prediction
    brain_mask: Any
    to_template: Any
    pictures: Pictures
    dicom_files: tuple[Path, ...] = ()


def _difference(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b
