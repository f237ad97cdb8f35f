"""What one can ask for when a scan is worked on; the names are those of the command line."""

from __future__ import annotations

from dataclasses import dataclass

from BrainAgeLib.errors import InputError
from BrainAgeLib.records import OLDEST_AGE_YEARS, Sex

AUTOMATIC_DEVICE = "auto"


@dataclass(frozen=True)
class Options:
    """How a scan is to be worked on.

    ``age_years`` and ``sex`` win over the scan's header; they never touch the raw age.
    ``brain_extracted``: the scan has no skull. ``in_template_space``: it is brain extracted and
    its world coordinates are MNI152. ``force``: give the age although the gate refuses. ``site``:
    the file of a site calibration, which replaces the model's line of the correction.
    ``keep_identifiers``: the record takes along who was scanned, as a DICOM header says.
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

    def __post_init__(self) -> None:
        """Check what can be checked without a scan."""
        age = self.age_years
        if age is not None and not 0 < age <= OLDEST_AGE_YEARS:
            raise InputError(f"an age of {age:g} years cannot be", "give the age in years")
        if self.sex not in (None, "F", "M"):
            raise InputError(f"the sex {self.sex!r} is not known", "give F or M")
        if self.threads is not None and self.threads < 1:
            raise InputError(f"{self.threads} threads cannot work", "give 1 or more")
        if self.site is not None and self.correction == "none":
            raise InputError("a site calibration is a correction", "leave out one of the two")
