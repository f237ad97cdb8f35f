"""What one can ask for when a scan is worked on; the names are those of the command line."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real

from BrainAgeLib.errors import InputError
from BrainAgeLib.records import OLDEST_AGE_YEARS, SequenceName, Sex

AUTOMATIC_DEVICE = "auto"
SEQUENCES: tuple[SequenceName, ...] = (
    "T1w",
    "T2w",
    "FLAIR",
    "PDw",
)  # that a scan may be said to be


@dataclass(frozen=True)
class Options:
    """How a scan is to be worked on.

    ``age_years``, ``sex``: of the person; they win over the scan's header and never touch the raw
    age. ``device``: auto, cpu, cuda, cuda:N or mps. ``threads``: of the CPU; None takes all.
    ``model``: the name of a bundled model or a folder; None takes the bundled one.
    ``brain_extracted``: the scan has no skull. ``in_template_space``: it is brain extracted and
    its world coordinates are MNI152. ``saliency``: also make the map of where the age comes from.
    ``correction``: the name of one of the model's corrections, or none. ``force``: give the age
    although the gate refuses. ``series_uid``: which series of a DICOM folder. ``site``: the file
    of a site calibration, which replaces the correction's line and makes the interval its own.
    ``keep_identifiers``: the record takes along who was scanned, as a DICOM header says.
    ``sequence``: which one the scan is, one of ``SEQUENCES``; None has it told from the picture.
    Raises InputError for values that cannot be.
    """

    age_years: float | None = None
    sex: Sex | None = None
    device: str = AUTOMATIC_DEVICE
    threads: int | None = None
    model: str | None = None
    brain_extracted: bool = False
    in_template_space: bool = False
    saliency: bool = True
    correction: str | None = None
    force: bool = False
    series_uid: str | None = None
    site: str | None = None
    keep_identifiers: bool = False
    sequence: SequenceName | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without a scan."""
        _require_number("age_years", self.age_years, Real, "a number of years")
        _require_number("threads", self.threads, Integral, "a whole number")
        age = self.age_years
        if age is not None and not 0 < age <= OLDEST_AGE_YEARS:
            raise InputError(f"an age of {age:g} years cannot be", "give the age in years")
        if self.sex not in (None, "F", "M"):
            raise InputError(f"the sex {self.sex!r} is not known", "give F or M")
        if self.sequence is not None and self.sequence not in SEQUENCES:
            raise InputError(
                f"the sequence {self.sequence!r} is not known",
                f"give {', '.join(SEQUENCES)}, or none to have it told from the picture",
            )
        if self.threads is not None and self.threads < 1:
            raise InputError(f"{self.threads} threads cannot work", "give 1 or more")
        if self.site == "":  # as an unset variable of the shell leaves it
            raise InputError("site is an empty text", "name a file, or leave it out")
        if self.site is not None and self.correction == "none":
            raise InputError("a site calibration is a correction", "leave out one of the two")

    @property
    def has_no_skull(self) -> bool:
        """Whether the scan is said to hold nothing but a brain."""
        return self.brain_extracted or self.in_template_space


def _require_number(name: str, value: object, kind: type, words: str) -> None:
    """Raise InputError for an option that is given and no number of that kind; a bool is none."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, kind)):
        raise InputError(f"{name} is {value!r}, not {words}", f"give {words}")


@dataclass(frozen=True)
class Deliverables:
    """What is written beside the record and the images.

    ``dicom``: a structured report and a page, if the scan is DICOM. ``thumbnail``: a small picture.
    """

    report: bool = True
    dicom: bool = False
    thumbnail: bool = False
