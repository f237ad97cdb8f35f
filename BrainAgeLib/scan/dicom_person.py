"""Age and sex of the person in a scan, from the texts of a DICOM header.

Takes texts, so that it serves whoever has read them: this library, or Slicer from its database.
https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_6.2.html (AS, DA)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import DAYS_A_YEAR, OLDEST_AGE_YEARS, Finding, Sex

_SEXES: dict[str, Sex] = {"F": "F", "M": "M"}
# By the first letter, for some write the whole word; a number alone is years.
_AGE_UNITS_YEARS = {"D": 1 / DAYS_A_YEAR, "W": 7 / DAYS_A_YEAR, "M": 1 / 12, "Y": 1.0, "": 1.0}
_AGE = re.compile(
    r"([0-9]{1,9}(?:[.,][0-9]{1,9})?) ?(D|DAYS?|W|WEEKS?|M|MONTHS?|Y|YRS?|YEARS?|)", re.IGNORECASE
)
# What stands for a date that was removed: before the first picture of a person by magnetic
# resonance there is no study, and who was born with the old century is not scanned today.
FIRST_STUDY = date(1977, 7, 3)
FIRST_BIRTH = date(1901, 1, 2)
# An age is given in whole years, and dates may be those of another day of the examination.
MOST_DIFFERENCE_YEARS = 1.5


def age_years_of(patient_age: str, birth_date: str, study_date: str) -> float | None:
    """Return the age as given, such as 063Y, 63, 018M, 010W or 400D, else from the dates.

    0 and more than ``OLDEST_AGE_YEARS`` are what removed data look like, and count as unknown, as
    do dates that no scan can have.
    """
    age_years = _age_given(patient_age)
    return _age_by_dates(birth_date, study_date) if age_years is None else age_years


def two_ages(patient_age: str, birth_date: str, study_date: str) -> Finding | None:
    """Return what is said when the age as given is not that of the dates, or None."""
    given_years, by_dates_years = _age_given(patient_age), _age_by_dates(birth_date, study_date)
    if given_years is None or by_dates_years is None:
        return None
    if abs(given_years - by_dates_years) <= MOST_DIFFERENCE_YEARS:
        return None
    message = (
        f"The DICOM header gives two ages: {given_years:.3g} years, and {by_dates_years:.3g} by "
        "its dates, which may have been shifted. The first was taken; --age gives the right one."
    )
    difference_years = round(by_dates_years - given_years, 1)
    return Finding(FindingCode.TWO_AGES, "warn", message, difference_years, MOST_DIFFERENCE_YEARS)


def age_not_read(patient_age: str, is_there: bool = True) -> Finding | None:
    """Return what is said of an age that no text tells, or None; ``is_there``: the element is."""
    if not is_there or _AGE.fullmatch(patient_age.strip()):
        return None
    message = (
        "The DICOM header holds an age that cannot be read as one. Only its dates were looked at "
        "instead; --age gives the age."
    )
    return Finding(FindingCode.AGE_NOT_READ, "note", message)


def age_unlike_header(given_years: float, header_years: Sequence[float]) -> Finding | None:
    """Return what is said of an age that is none of those of a header, or None."""
    if not header_years:
        return None
    nearest_years = min(header_years, key=lambda years: abs(years - given_years))
    if abs(given_years - nearest_years) <= MOST_DIFFERENCE_YEARS:
        return None
    message = (
        f"The age given is {given_years:.3g} years, the DICOM header says {nearest_years:.3g}. The "
        "one given was taken; check it, and that the scan is this person's."
    )
    difference_years = round(given_years - nearest_years, 1)
    return Finding(FindingCode.TWO_AGES, "warn", message, difference_years, MOST_DIFFERENCE_YEARS)


def sex_unlike_header(given: Sex, header: Sex) -> Finding | None:
    """Return what is said of a sex that is not the header's, or None."""
    if given == header:
        return None
    message = (
        f"The sex given is {given}, the DICOM header says {header}. The one given was taken; check "
        "it, and that the scan is this person's."
    )
    return Finding(FindingCode.TWO_SEXES, "note", message, given, header)


def _age_given(patient_age: str) -> float | None:
    given = _AGE.fullmatch(patient_age.strip())
    if given is None:
        return None
    age_years = float(given[1].replace(",", ".")) * _AGE_UNITS_YEARS[given[2][:1].upper()]
    return age_years if _can_be(age_years) else None


def _age_by_dates(birth_date: str, study_date: str) -> float | None:
    born, seen = _date(birth_date), _date(study_date)
    if born is None or seen is None or born < FIRST_BIRTH or seen < FIRST_STUDY:
        return None
    age_years = (seen - born).days / DAYS_A_YEAR
    return age_years if _can_be(age_years) else None


def sex_of(patient_sex: str) -> Sex | None:
    """Return F, M or None: the model knows no other."""
    return _SEXES.get(patient_sex.upper())


def day_of_study(study_date: str) -> date | None:
    """Return the day of a study, or None where it was removed."""
    seen = _date(study_date)
    return None if seen is None or seen < FIRST_STUDY else seen


def _can_be(age_years: float) -> bool:
    return 0 < age_years <= OLDEST_AGE_YEARS


def _date(text: str) -> date | None:
    """Return a date such as 20240131, or 2024.01.31 of old files."""
    try:
        return datetime.strptime(text.replace(".", ""), "%Y%m%d").date()
    except ValueError:
        return None
