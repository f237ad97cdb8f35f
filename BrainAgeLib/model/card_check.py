"""What a card may say at all, whichever networks it describes.

A card comes with a model from anywhere: its name ends up in paths, terminals and pages, and its
numbers decide how much memory is asked for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from BrainAgeLib.records import OLDEST_AGE_YEARS

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SHA256 = re.compile(r"[0-9a-f]{64}")
MOST_MEMBERS = 100
MOST_OF_A_NETWORK = 2048  # of any count: widths, channels; ten times what the bundled model has
LONGEST_TEXT = 10_000


def check_card(text: dict[str, Any]) -> None:
    """Raise ValueError for a card that says what no card may say; a missing field is no matter."""
    for value in _values(text):
        _check_value(value)
    for field, pattern in (("name", NAME), ("version", NAME), ("sha256", SHA256)):
        if field in text and not (isinstance(text[field], str) and pattern.fullmatch(text[field])):
            raise ValueError(f"{field} cannot be {text[field]!r}")
    if "members" in text and not 1 <= _whole(text["members"], "members") <= MOST_MEMBERS:
        raise ValueError(f"members cannot be {text['members']!r}")
    for value in _values(text.get("network", {})):
        if isinstance(value, (int, float)) and abs(value) > MOST_OF_A_NETWORK:
            raise ValueError(f"a network cannot have {value!r} of anything")
    if "age_range_years" in text:
        low, high = text["age_range_years"]
        if not 0 <= low < high <= OLDEST_AGE_YEARS:
            raise ValueError(f"age_range_years cannot be {low!r} to {high!r}")


def _whole(value: Any, field: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{field} is no whole number")
    return value


def _values(item: Any) -> Iterator[Any]:
    """Yield every single value and every name of a field."""
    if isinstance(item, dict):
        for name, value in item.items():
            yield name
            yield from _values(value)
    elif isinstance(item, list):
        for value in item:
            yield from _values(value)
    else:
        yield item


def _check_value(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is not finite")
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise ValueError("a text is too long")
        if not all(character.isprintable() or character == "\n" for character in value):
            raise ValueError("a text holds characters that cannot be shown")
