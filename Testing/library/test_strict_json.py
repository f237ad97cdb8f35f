"""JSON that is not quite JSON is refused."""

from __future__ import annotations

import pytest

from BrainAgeLib.strict_json import read_strict_json


@pytest.fixture
def written(tmp_path):
    """Return what writes a file and gives its path."""

    def write(content):
        path = tmp_path / "card.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_an_object_is_read(written):
    assert read_strict_json(written('{"a": [1, 2.5, "é", null]}')) == {"a": [1, 2.5, "é", None]}


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
    with pytest.raises(ValueError, match=words):
        read_strict_json(written(content))


def test_a_file_that_is_too_large(written):
    path = written('{"a": "' + "x" * 100 + '"}')

    assert read_strict_json(path)
    with pytest.raises(ValueError, match="more than 100 bytes"):
        read_strict_json(path, most_bytes=100)
