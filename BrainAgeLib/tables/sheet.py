"""A table in a text file, whichever program saved it: its columns and rows, none of them lost.

Commas, semicolons, tabs or spaces; UTF-8, UTF-16 or Latin-1; quotes or none; anybody's line ends.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from BrainAgeLib.errors import InputError, printable

SEPARATORS = (",", ";", "\t", "|", " ")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # of Excel, the new and the old kind
_MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)
# Around a cell: blanks, and what is not to be seen either, as programs and web pages leave it.
_UNSEEN = re.compile(r"^[\s\0\u200b-\u200f\u2060\ufeff]+|[\s\0\u200b-\u200f\u2060\ufeff]+$")
# Of the first bytes of text in UTF-16 about half are zero, all of them at even or at odd places.
_LOOKED_AT = 2048
_FRACTION_OF_ZEROS = 0.3


@dataclass(frozen=True)
class Row:
    """The cells of a row by their columns, stripped, and the line of the file on which it begins.

    Bytes of paths that are not UTF-8 are kept as surrogates; ``legible`` makes text of them.
    """

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Sheet:
    """A table. A column whose name was there before has a number added, as in ``age (2)``.

    ``breaks_off``: the last line lacks cells and its end, as when a file was cut.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    separator: str
    breaks_off: bool = False


def file_is_there(path: Path) -> bool:
    """Say whether there is a file. Raises InputError for a link to what is not there.

    So git-annex and DataLad leave what was not got yet: nothing says what it would tell.
    """
    if path.is_symlink() and not path.exists():
        name, hint = printable(str(path)), "with git-annex or DataLad, get it first"
        raise InputError(f"{name} is a link to a file that is not there", hint)
    return path.is_file()


def read_sheet(path: Path, key: Sequence[str], hint: str) -> Sheet:
    """Return the table in a file; see ``find_sheet``. Raises InputError without such a column."""
    sheet = find_sheet(path, key, hint)
    if sheet is None:
        raise InputError(f"{printable(str(path))} has no column {key[0]}", hint)
    return sheet


def find_sheet(path: Path, key: Sequence[str], hint: str) -> Sheet | None:
    """Return the table in a file, or None when none of its columns has a name in ``key``.

    Case does not matter. Raises InputError when the file cannot be read, is no table, or a row has
    more cells than there are columns.
    """
    name = printable(str(path))
    try:
        text = decoded(path.read_bytes(), name, hint)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise InputError(f"{name} cannot be read: {reason}", hint) from error
    skipped = 0
    if re.match(r"sep=.[\r\n]", text):  # Excel's word to itself
        text, skipped = text.split("\n", 1)[-1], 1
    try:
        separator = _separator(text, key)
        if separator is None:
            return None
        lines = _lines(text, separator)
    except csv.Error as error:  # an open quote, or a scan in its place with a cell of megabytes
        raise InputError(f"{name} is no table: {error}", hint) from error
    columns = _numbered([legible(cell) for cell in lines[0][1]])
    rows = tuple(_row(line + skipped, cells, columns, name) for line, cells in lines[1:])
    breaks_off = not text.endswith(("\n", "\r")) and len(lines[-1][1]) < len(columns)
    return Sheet(columns, rows, separator, breaks_off)


def _row(line: int, cells: list[str], columns: Sequence[str], name: str) -> Row:
    if any(cells[len(columns) :]):
        raise InputError(
            f"line {line} of {name} has more cells than the header",
            "put quotes around a cell that holds the separator",
        )
    padded = cells + [""] * (len(columns) - len(cells))
    return Row(line, dict(zip(columns, padded, strict=False)))


def decoded(content: bytes, name: str, hint: str) -> str:
    """Return the text of a file; bytes that are not UTF-8 pass through as surrogates.

    Raises InputError for a workbook of a spreadsheet program and for text that breaks off.
    """
    if content.startswith(_WORKBOOKS):
        raise InputError(f"{name} is a workbook of a spreadsheet, no text", "save it as CSV")
    encoding = next((found for mark, found in _MARKS if content.startswith(mark)), None)
    encoding = encoding or _utf_16(content[:_LOOKED_AT]) or "utf-8"
    try:
        errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
        return content.decode(encoding, errors)
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is no text: {error.reason}", hint) from error


def legible(text: str) -> str:
    """Return text whose bytes are not UTF-8 as Windows' Latin-1, which wrote it."""
    content = text.encode("utf-8", "surrogateescape")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _utf_16(head: bytes) -> str | None:
    """Return which UTF-16 text without a mark is, or None when it is none."""
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = head[first::2].count(0), head[1 - first :: 2].count(0)
        if zeros > _FRACTION_OF_ZEROS * len(head) and others == 0:
            return encoding
    return None


def _separator(text: str, key: Sequence[str]) -> str | None:
    """Return the separator that finds a column of ``key``; of several that with most columns.

    Raises csv.Error when the first line cannot be taken apart by any.
    """
    found, problem, could_be_read = {}, csv.Error(), False
    for separator in SEPARATORS:
        try:
            _, cells = next(_quoted(text, separator), (0, [""]))
        except csv.Error as error:  # quotes that another separator stands beside
            problem = error
            continue
        could_be_read = True
        is_made_of_words = separator == " " and re.search(r"[,;\t|]", " ".join(cells))
        if not is_made_of_words and not {cell.lower() for cell in cells}.isdisjoint(key):
            found[separator] = len(cells)
    if not could_be_read:
        raise problem
    return max(found, key=lambda separator: found[separator], default=None)


def _lines(text: str, separator: str) -> list[tuple[int, list[str]]]:
    if separator != "\t":
        return list(_quoted(text, separator))
    # Tables with tabs, of BIDS for one, need no quotes, and a quote may be a mere inch: no cell
    # reaches over the next tab.
    with contextlib.suppress(csv.Error):
        lines = list(_quoted(text, separator))
        if not any("\t" in cell for _, cells in lines for cell in cells):
            return lines
    return list(_quoted(text, separator, csv.QUOTE_NONE))


def _quoted(
    text: str, separator: str, quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        quoting=quoting,
        skipinitialspace=separator == " ",
        strict=True,
    )
    begins = 1
    for line in reader:
        cells = [_UNSEEN.sub("", cell) for cell in line]
        if any(cells):
            yield begins, cells
        begins = reader.line_num + 1


def _numbered(names: list[str]) -> tuple[str, ...]:
    """Return the names of the columns, those that were there before with a number."""
    columns: list[str] = []
    for name in names:
        free, number = name, 1
        while name and free.lower() in (column.lower() for column in columns):
            number += 1
            free = f"{name} ({number})"
        columns.append(free)
    return tuple(columns)
