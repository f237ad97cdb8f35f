"""The one way from a record to strict JSON and back.

A record is a frozen dataclass; what it may hold is what its annotations say: other records, text,
numbers, bool, None, Literal, Enum, tuples, lists, dicts with text keys, any of them optional. What
more must hold, such as a limit, a record checks in ``__post_init__`` by raising ValueError. Files
come from anybody: an unknown field, a missing one, another type or a number that is none is an
error that names the field and the document.
"""

from __future__ import annotations

import enum
import json
import math
import types
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

from BrainAgeLib.errors import BrainAgeError, InputError

MOST_BYTES = 4 * 2**20
# Characters that an error repeats of a value, and in all.
LONGEST_SHOWN = 60
LONGEST_REASON = 300
Record = TypeVar("Record")


@dataclass(frozen=True)
class Source:
    """Where a document comes from, and how people are told that something is wrong with it.

    ``complaint`` begins the message, as in "the model card x.json is damaged".
    """

    complaint: str
    hint: str = ""
    error: type[BrainAgeError] = InputError

    def refuse(self, reason: object) -> BrainAgeError:
        """Return the error for this reason, in one line."""
        words = str(reason) or type(reason).__name__
        shown = "".join(c if c.isprintable() else " " for c in words[:LONGEST_REASON])
        return self.error(f"{self.complaint}: {shown}", self.hint)


def to_plain(record: Any) -> dict[str, Any]:
    """Return the fields of a record as what JSON knows; numpy's numbers become Python's.

    Raises BrainAgeError for a number that is NaN or infinite, and for what JSON does not know.
    """
    return {entry.name: _plain(getattr(record, entry.name), entry.name) for entry in fields(record)}


def to_text(record: Any) -> str:
    """Return a record as the text of a JSON file. Raises BrainAgeError as ``to_plain`` does."""
    return json.dumps(to_plain(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def from_plain(kind: type[Record], document: Any, source: Source) -> Record:
    """Return the record that a JSON document tells of; fields with a default may be missing.

    Raises the error of ``source``, which names the field.
    """
    try:
        return _record(kind, document, "")
    except (ValueError, OverflowError) as error:
        raise source.refuse(error) from error


def read_json(path: Path, source: Source, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises the error of ``source`` for a file that cannot be read, is too large, holds no single
    object, names a field twice, holds a number that is none or is nested beyond reason.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise source.error(f"{path} cannot be read: {reason.lower()}", source.hint) from error
    try:
        return _parsed(content, most_bytes)
    except ValueError as error:
        raise source.refuse(error) from error


def read(kind: type[Record], path: Path, source: Source, most_bytes: int = MOST_BYTES) -> Record:
    """Return the record in a JSON file; see ``read_json`` and ``from_plain`` for what is raised."""
    return from_plain(kind, read_json(path, source, most_bytes), source)


def _parsed(content: bytes, most_bytes: int) -> dict[str, Any]:
    if len(content) > most_bytes:
        raise ValueError(f"it has more than {most_bytes} bytes")
    try:
        document = json.loads(
            content.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_number
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("it holds no object")
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("it names a field twice")
    return document


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _plain(value: Any, place: str) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value.value if isinstance(value, enum.Enum) else value
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name), f"{place}.{f.name}") for f in fields(value)}
    if isinstance(value, enum.Enum):
        return _plain(value.value, place)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        if not math.isfinite(value):
            raise BrainAgeError(f"{place} came out as {float(value)}", "report this as a fault")
        return float(value)
    if isinstance(value, dict):
        return {str(key): _plain(inner, f"{place}.{key}") for key, inner in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(inner, f"{place}[{number}]") for number, inner in enumerate(value)]
    raise BrainAgeError(f"{place} is a {type(value).__name__}, which no document can hold")


@cache
def _annotations(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _record(kind: Any, document: Any, place: str) -> Any:
    if not isinstance(document, dict):
        raise ValueError(f"{place or 'it'} is no object")
    known = {entry.name: entry for entry in fields(kind)}
    if unknown := [name for name in document if name not in known]:
        names = ", ".join(sorted(_shown(_join(place, str(name))) for name in unknown))
        raise ValueError(f"it cannot have {names}")
    for name, entry in known.items():
        if name not in document and not _has_default(entry):
            raise ValueError(f"{_join(place, name)} is missing")
    annotations = _annotations(kind)
    values = {
        name: _value(annotations[name], value, _join(place, name))
        for name, value in document.items()
    }
    try:
        return kind(**values)
    except ValueError as error:
        raise ValueError(f"{place}: {error}" if place else str(error)) from error


def _has_default(entry: Field[Any]) -> bool:
    return entry.default is not MISSING or entry.default_factory is not MISSING


def _value(kind: Any, value: Any, place: str) -> Any:
    """Return a JSON value as what an annotation asks for; ValueError names the place."""
    origin = get_origin(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        return _one_of(get_args(kind), value, place)
    if origin is Literal:
        if not any(value == choice and type(value) is type(choice) for choice in get_args(kind)):
            raise _wrong(place, value, " or ".join(map(repr, get_args(kind))))
        return value
    if origin in (tuple, list):
        return _sequence(origin, get_args(kind), value, place)
    if origin is dict:
        if not isinstance(value, dict):
            raise _wrong(place, value, "an object")
        return {n: _value(get_args(kind)[1], inner, _join(place, n)) for n, inner in value.items()}
    if is_dataclass(kind):
        return _record(kind, value, place)
    if issubclass(kind, enum.Enum):
        try:
            return kind(value)
        except ValueError:
            raise _wrong(place, value, " or ".join(repr(one.value) for one in kind)) from None
    return _scalar(kind, value, place)


def _one_of(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and types.NoneType in kinds:
        return None
    others = [kind for kind in kinds if kind is not types.NoneType]
    for kind in others[:-1]:
        try:
            return _value(kind, value, place)
        except ValueError:
            continue
    return _value(others[-1], value, place)


def _sequence(origin: Any, kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    if not isinstance(value, list):
        raise _wrong(place, value, "a list")
    if origin is list or kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise _wrong(place, value, f"a list of {len(kinds)}")
    return origin(
        _value(kind, inner, f"{place}[{number}]")
        for number, (kind, inner) in enumerate(zip(kinds, value, strict=True))
    )


def _scalar(kind: type, value: Any, place: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        words = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
        raise _wrong(place, value, words.get(kind, kind.__name__))
    if isinstance(value, float) and not math.isfinite(value):
        raise _wrong(place, value, "a number")
    return value


def _wrong(place: str, value: Any, wanted: str) -> ValueError:
    return ValueError(f"{place} is {_shown(value)}, not {wanted}")


def _shown(value: Any) -> str:
    """Return a value as an error repeats it: short, and with nothing that a terminal acts on."""
    text = ascii(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
