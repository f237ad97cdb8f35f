"""JSON files from outside, read without trust."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

MOST_BYTES = 4 * 2**20


def read_strict_json(path: Path, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises ValueError for a file that is too large, holds no single object, names a field twice,
    holds a number that is none or is nested beyond reason; OSError when it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ValueError(f"it has more than {most_bytes} bytes")
    try:
        document = json.loads(
            content.decode("utf-8"), object_pairs_hook=_fields, parse_constant=_no_number
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("it holds no object")
    return document


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("it names a field twice")
    return fields


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")
