"""One scan of a batch as the input names it, before anything is known of what comes of it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from BrainAgeLib.batch.results_table import NOT_KNOWN, number
from BrainAgeLib.records import OLDEST_AGE_YEARS, Sex

_SEX_WORDS: dict[str, Sex] = {"f": "F", "female": "F", "m": "M", "male": "M"}
_OTHER_SEX = NOT_KNOWN | {"o", "other", "u", "unknown"}
LONGEST_FOLDER_NAME = 120


@dataclass(frozen=True)
class ScanEntry:
    """One scan.

    ``path`` is what the table of results shows, ``scan`` what is read. ``folder``: where its
    outputs go, below the output folder, with "/" between parts. ``complaint``: why the input says
    nothing that could be worked on, or None.
    """

    path: str
    scan: str
    id: str = ""
    session: str = ""
    group: str = ""
    age_years: float | None = None
    sex: Sex | None = None
    series_uid: str | None = None
    further: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    complaint: str | None = None


def age_of(text: str | None) -> float | None:
    """Return the age in years in a cell, or None for an empty one and for "89+", which hides it.

    Raises ValueError, with a sentence, when it cannot be an age.
    """
    if (text or "").strip().endswith("+"):
        return None
    try:
        age_years = number(text)
    except ValueError:
        raise ValueError(f"the age {text!r} is not a number of years") from None
    # "nan" is what is not known; "inf" is a number to Python
    if age_years is not None and not 0 < age_years <= OLDEST_AGE_YEARS:
        raise ValueError(f"an age of {age_years:g} years cannot be")
    return age_years if age_years is None or math.isfinite(age_years) else None


def sex_of(text: str | None) -> Sex | None:
    """Return F, M or None from a cell. Raises ValueError, with a sentence, for anything else."""
    word = (text or "").strip().lower()
    if word in _OTHER_SEX:
        return None
    if word not in _SEX_WORDS:
        raise ValueError(f"the sex {text!r} is not known: F or M")
    return _SEX_WORDS[word]


def with_folders(entries: Iterable[ScanEntry]) -> list[ScanEntry]:
    """Give each entry a folder of its own: the one that it names, made safe and unique.

    Names differ by more than case, for disks that do not tell it apart.
    """
    taken: set[str] = set()
    named = []
    for entry in entries:
        wanted = "/".join(filter(None, map(_safe, entry.folder.split("/")))) or "scan"
        folder, copy = wanted, 1
        while folder.lower() in taken:
            copy += 1
            folder = f"{wanted}_{copy}"
        taken.add(folder.lower())
        named.append(replace(entry, folder=folder))
    return named


def _safe(name: str) -> str:
    """Return a name that every file system takes; neither hidden nor a way out of the folder."""
    plain = re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip(".-")
    return plain[:LONGEST_FOLDER_NAME]
