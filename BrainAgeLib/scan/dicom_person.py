"""Age and sex of the person in a scan, from the texts of a DICOM header.

Takes texts, so that it serves whoever has read them: this library, or Slicer from its database.
https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_6.2.html (AS, DA)
"""

from __future__ import annotations

import re
from datetime import date, datetime

from BrainAgeLib.records import OLDEST_AGE_YEARS, Sex

_SEXES: dict[str, Sex] = {"F": "F", "M": "M"}
_AGE_UNITS_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


def age_years_of(patient_age: str, birth_date: str, study_date: str) -> float | None:
    """Return the age as given, such as 063Y, 018M, 010W or 400D, else from the dates.

    0 and more than ``OLDEST_AGE_YEARS`` are what removed data look like, and count as unknown.
    """
    if given := re.fullmatch(r"([0-9]{1,9})([DWMY])", patient_age.upper()):
        age_years = int(given[1]) * _AGE_UNITS_YEARS[given[2]]
        if _can_be(age_years):
            return age_years
    born, seen = _date(birth_date), _date(study_date)
    if born is None or seen is None:
        return None
    age_years = (seen - born).days / 365.25
    return age_years if _can_be(age_years) else None


def sex_of(patient_sex: str) -> Sex | None:
    """Return F, M or None: the model knows no other."""
    return _SEXES.get(patient_sex.upper())


def _can_be(age_years: float) -> bool:
    return 0 < age_years <= OLDEST_AGE_YEARS


def _date(text: str) -> date | None:
    """Return a date such as 20240131, or 2024.01.31 of old files."""
    try:
        return datetime.strptime(text.replace(".", ""), "%Y%m%d").date()
    except ValueError:
        return None
