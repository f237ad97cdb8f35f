"""What a cell says of an age or a sex, however people write it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from BrainAgeLib.records import DAYS_A_YEAR, OLDEST_AGE_YEARS, Sex

NOT_KNOWN = frozenset(
    ("", "n/a", "nan", "na", "none", "null", "#n/a", "n.a.", "unknown", "missing", "-", "?", ".")
)
# A spreadsheet that puts semicolons or tabs between cells may have commas in its numbers.
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")
MAYBE_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")
_SEX_WORDS: dict[str, Sex] = {
    **dict.fromkeys(
        ("f", "female", "w", "woman", "weiblich", "femme", "mujer", "femmina", "frau", "girl"), "F"
    ),
    **dict.fromkeys(
        ("m", "male", "man", "männlich", "homme", "hombre", "maschio", "mann", "boy"), "M"
    ),
}
_NO_SEX = NOT_KNOWN | {"u"}  # of "unknown"
# How many of it are a year.
UNITS = {"years": 1.0, "months": 12.0, "weeks": DAYS_A_YEAR / 7, "days": DAYS_A_YEAR}
_UNIT_WORDS = {
    "years": r"y(?:ea)?rs?|ys?|a|ann(?:um|i)|jahre?|ans?|a[nñ]os?|år|jaar|lat|let",
    "months": r"mo(?:n?ths?)?|mons?|m|monate?",
    "weeks": r"w(?:ee)?ks?|w|wochen?",
    "days": r"days?|d|tage?",
}
_NUMBER = r"\d+(?:[.,]\d*)?"
_WITH_UNIT = re.compile(
    rf"({_NUMBER})\s*(?:{'|'.join(f'(?P<{unit}>{words})' for unit, words in _UNIT_WORDS.items())})?"
    r"(?![^\W\d_])"
    r"(?:\.|\s*(?:old|of age))?(?:\s*(?:,|and|und)?\s*)"
)
# What hides an age: 89+, >89, 60-65, "90 or older".
_HIDDEN = re.compile(
    rf"(?:(?:[<>≥≤]=?|over|above|under|below|at least)\s*{_NUMBER}"
    rf"|{_NUMBER}\s*(?:\+|(?:years )?(?:and|or) (?:older|over|above|more|younger))"
    rf"|{_NUMBER}\s*(?:-|–|to|\.\.)\s*{_NUMBER})(?:\s*y(?:ea)?r?s?\.?)?"
)


def age_of(text: str | None, unit: str = "years") -> float | None:
    """Return the age in years in a cell: "63,5", "063Y", "6 months", "62 y 3 m".

    ``unit``: of a number that names none, a key of ``UNITS``. None for an empty cell and for one
    that hides the age, as "89+" does. Raises ValueError, with a sentence, when it cannot be an age.
    """
    word = " ".join((text or "").lower().split())
    if word in NOT_KNOWN or _HIDDEN.fullmatch(word):
        return None
    parts = list(_WITH_UNIT.finditer(word))
    if not parts or "".join(part[0] for part in parts) != word:
        raise ValueError(f"the age {text!r} is not a number of years")
    units = [_unit(part) or (unit if len(parts) == 1 else "") for part in parts]
    if "" in units or len(set(units)) < len(units):
        raise ValueError(f"the age {text!r} is not a number of years")
    if any(_may_be_thousands(part[1], name) for part, name in zip(parts, units, strict=True)):
        raise ValueError(f"the age {text!r} may have a sign between thousands: leave that out")
    numbers = [float(part[1].replace(",", ".")) for part in parts]
    years = sum(number / UNITS[name] for number, name in zip(numbers, units, strict=True))
    if not 0 < years <= OLDEST_AGE_YEARS:
        raise ValueError(f"an age of {years:g} years cannot be")
    return years


def _may_be_thousands(number: str, unit: str) -> bool:
    """Say whether 11,000 of a unit is an age, too, when its sign stands between thousands."""
    parts = re.fullmatch(r"(\d{1,3})[.,](\d{3})", number)
    return parts is not None and int(parts[1] + parts[2]) / UNITS[unit] <= OLDEST_AGE_YEARS


def _unit(part: re.Match[str]) -> str:
    return next((unit for unit in UNITS if part[unit]), "")


def unit_of(text: str) -> str:
    """Return which of ``UNITS`` a description of a column names, "years" when it names none.

    Raises ValueError, with a sentence, when it names another or several.
    """
    words = re.findall(r"[^\W\d_]+", text.lower())
    named = {
        unit
        for unit, pattern in _UNIT_WORDS.items()
        if any(re.fullmatch(pattern, word) for word in words)
    }
    if len(named) > 1 or (words and not named and text.strip().lower() not in NOT_KNOWN):
        raise ValueError(f"ages in {text!r} are not understood: years, months, weeks or days")
    return next(iter(named), "years")


def sex_of(text: str | None) -> Sex | None:
    """Return F, M or None from a cell. Raises ValueError, with a sentence, for anything else."""
    word = (text or "").strip().lower()
    if word in _NO_SEX:
        return None
    if word not in _SEX_WORDS:
        raise ValueError(f"the sex {text!r} is not known: F or M")
    return _SEX_WORDS[word]


def with_points(
    columns: Mapping[str, list[str]], told_by: Collection[str], never_thousands: Collection[str]
) -> dict[str, list[str]]:
    """Return the cells of columns with decimal points for decimal commas.

    1,250 may be a thousand and more: it stays as it is unless its column, or one of ``told_by``,
    which the same program saved, has a comma that can only be decimal, as is any in a column of
    ``never_thousands``. Names of columns are in small letters there.
    """
    told = {
        name
        for name, cells in columns.items()
        if any(map(_has_decimal_comma, cells))
        or (name.lower() in never_thousands and any(map(_DECIMAL_COMMA.fullmatch, cells)))
    }
    if any(name.lower() in told_by for name in told):
        told = set(columns)
    told |= {name for name in columns if name.lower() in never_thousands}
    return {
        name: list(map(_with_point, cells)) if name in told else cells
        for name, cells in columns.items()
    }


def no_number(cell: str, hint: str) -> tuple[str, str]:
    """Return what is wrong with a cell that is no number, and what to do, ``hint`` if no comma."""
    if MAYBE_THOUSANDS.fullmatch(cell):
        return (
            "whose comma may stand between thousands",
            "leave the comma out if it stands between thousands, write a point if it is a decimal "
            "one",
        )
    if _DECIMAL_COMMA.fullmatch(cell):
        hint = "save the table with semicolons or tabs between its cells, or with decimal points"
    return "which is no number", hint


def _has_decimal_comma(cell: str) -> bool:
    return bool(_DECIMAL_COMMA.fullmatch(cell)) and not MAYBE_THOUSANDS.fullmatch(cell)


def _with_point(cell: str) -> str:
    return cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell
