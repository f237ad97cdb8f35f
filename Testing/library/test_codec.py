"""Records go to strict JSON and back; what is not quite right is named."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytest

from BrainAgeLib.codec import Source, from_plain, read, read_json, to_plain, to_text
from BrainAgeLib.errors import BrainAgeError, InputError, InstallationError


class Plane(enum.Enum):
    AXIAL = "axial"
    CORONAL = "coronal"


@dataclass(frozen=True)
class Line:
    slope: float
    ages_years: tuple[float, float] = (20.0, 80.0)

    def __post_init__(self):
        if self.slope <= 0:
            raise ValueError("slope does not rise")


@dataclass(frozen=True)
class Card:
    name: str
    people: int
    plane: Plane
    lines: tuple[Line, ...]
    sex: Literal["F", "M"] | None = None
    limit: float | str | None = None
    by_kind: dict[str, Line] | None = None
    is_bundled: bool = False
    other: Any = None


CARD = Card("a", 3, Plane.AXIAL, (Line(0.5), Line(1.0, (1.0, 2.0))), "F", "T2", {"x": Line(2.0)})
SOURCE = Source("the card x.json is damaged", "make it again", InstallationError)


def changed(**changes):
    """Return the document of the card with other fields."""
    return to_plain(CARD) | changes


@pytest.fixture
def written(tmp_path):
    """Return what writes a file and gives its path."""

    def write(content):
        path = tmp_path / "card.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_record_comes_back(written):
    assert read(Card, written(to_text(CARD)), SOURCE) == CARD
    assert from_plain(Card, json.loads(json.dumps(to_plain(CARD))), SOURCE) == CARD


def test_the_numbers_of_numpy_become_plain():
    plain = to_plain(Card("a", np.int64(3), Plane.AXIAL, (Line(np.float32(0.5)),)))

    assert (plain["people"], plain["lines"][0]["slope"]) == (3, 0.5)
    assert json.dumps(plain)


def test_what_has_a_default_may_be_missing():
    document = {"name": "a", "people": 3, "plane": "axial", "lines": []}

    assert from_plain(Card, document, SOURCE) == Card("a", 3, Plane.AXIAL, ())


def test_a_whole_number_is_a_number():
    assert from_plain(Line, {"slope": 2}, SOURCE).slope == 2.0


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "it is no object"),
        (changed(nam="b"), "it cannot have 'nam'"),
        (changed(lines=[{"slope": 1.0, "bend": 2.0}]), r"it cannot have 'lines\[0\]\.bend'"),
        ({"name": "a", "people": 3, "plane": "axial"}, "lines is missing"),
        (changed(lines=[{}]), r"lines\[0\]\.slope is missing"),
        (changed(lines=[{"slope": -1.0}]), r"lines\[0\]: slope does not rise"),
        (changed(lines={}), r"lines is \{\}, not a list"),
        (changed(lines=[{"slope": 1.0, "ages_years": [1.0]}]), "not a list of 2"),
        (changed(by_kind={"x": 3}), "by_kind.x is no object"),
        (changed(by_kind=[]), r"by_kind is \[\], not an object"),
        (changed(name=3), "name is 3, not text"),
        (changed(people=2.5), "people is 2.5, not a whole number"),
        (changed(people=True), "people is True, not a whole number"),
        (changed(people=None), "people is None"),
        (changed(lines=[{"slope": True}]), "not a number"),
        (changed(lines=[{"slope": float("nan")}]), "not a number"),
        (changed(lines=[{"slope": 10**400}]), "too large"),
        (changed(plane="oblique"), "not 'axial' or 'coronal'"),
        (changed(sex="X"), "sex is 'X', not 'F' or 'M'"),
        (changed(limit=[]), r"limit is \[\], not text"),
        (changed(is_bundled=1), "not true or false"),
    ],
)
def test_what_is_wrong_is_named(document, words):
    with pytest.raises(InstallationError, match=words) as caught:
        from_plain(Card, document, SOURCE)

    assert caught.value.message.startswith("the card x.json is damaged: ")
    assert caught.value.hint == "make it again"


@pytest.mark.parametrize("text", ["x" * 10_000, "\x1b[2J", "a\nb"])
def test_an_error_repeats_nothing_that_a_terminal_acts_on(text):
    for document in (changed(sex=text), changed(**{text: 1}), changed(by_kind={text: 1})):
        with pytest.raises(InstallationError) as caught:
            from_plain(Card, document, SOURCE)

        assert len(caught.value.message) < 400
        assert caught.value.message.isprintable()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan")])
def test_a_number_that_is_none_is_not_written(value):
    with pytest.raises(BrainAgeError, match=r"lines\[0\]\.ages_years\[1\] came out as"):
        to_plain(Card("a", 3, Plane.AXIAL, (Line(1.0, (1.0, value)),)))


def test_what_no_document_can_hold_is_not_written():
    with pytest.raises(BrainAgeError, match="other is a set"):
        to_plain(Card("a", 3, Plane.AXIAL, (), other={1}))


def test_an_object_is_read(written):
    document = read_json(written('{"a": [1, 2.5, "é", null]}'), SOURCE)

    assert document == {"a": [1, 2.5, "é", None]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[1]", "no object"),
        ('"text"', "no object"),
        ("", "Expecting value"),
        ('{"a": 1', "Expecting"),
        ('{"a": 1, "a": 2}', "names a field twice"),
        ('{"a": {"b": 1, "b": 1}}', "names a field twice"),
        ('{"a": NaN}', "no number"),
        ('{"a": -Infinity}', "no number"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        (b'{"a": "\xff"}', "utf-8"),
        ('{"a": ' + "9" * 5000 + "}", "digits"),
        ("\N{ZERO WIDTH NO-BREAK SPACE}{}", "BOM"),
    ],
)
def test_what_is_not_quite_json(written, content, words):
    with pytest.raises(InstallationError, match=f"is damaged: .*{words}"):
        read_json(written(content), SOURCE)


def test_a_file_that_is_too_large(written):
    path = written('{"a": "' + "x" * 100 + '"}')

    assert read_json(path, SOURCE)
    with pytest.raises(InstallationError, match="more than 100 bytes"):
        read_json(path, SOURCE, most_bytes=100)


@pytest.mark.parametrize("name", ["nowhere.json", "a\0b"])
def test_a_file_that_is_not_there(tmp_path, name):
    with pytest.raises(InputError, match="cannot be read: "):
        read_json(tmp_path / name, Source("never said"))
