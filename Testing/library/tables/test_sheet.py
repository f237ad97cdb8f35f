"""A table is the same table, whichever program saved it."""

from __future__ import annotations

import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.tables.sheet import find_sheet, legible, read_sheet

COLUMNS = ("path", "id", "age", "note")
ROWS = (("a b.nii", "Müller", "63,5", "x"), ("c.nii", "p2", "", "y; z"))


def written(separator, quote=True):
    """Return the table as text with this separator."""

    def cell(text):
        needs = quote and any(sign in text for sign in (separator, '"'))
        return f'"{text}"' if needs else text

    return "".join(f"{separator.join(map(cell, row))}\n" for row in (COLUMNS, *ROWS))


def read(tmp_path, content):
    table = tmp_path / "table.csv"
    table.write_bytes(content)
    return read_sheet(table, ("path",), "give a list")


def cells_of(sheet):
    return tuple(tuple(map(legible, row.cells.values())) for row in sheet.rows)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "mac"])
def test_separators_encodings_and_line_ends(tmp_path, separator, encoding, line_end):
    sheet = read(tmp_path, written(separator).replace("\n", line_end).encode(encoding))

    assert sheet.columns == COLUMNS
    assert cells_of(sheet) == ROWS
    assert sheet.separator == separator


def test_columns_between_spaces(tmp_path):
    sheet = read(tmp_path, b"id  path   age\np1  a.nii  63\np2  b.nii  64\n")

    assert cells_of(sheet) == (("p1", "a.nii", "63"), ("p2", "b.nii", "64"))


def test_a_word_of_excel_blank_lines_and_empty_cells_at_the_end(tmp_path):
    sheet = read(tmp_path, b"sep=;\r\n;;\r\npath;age;;\r\n\r\na.nii;63;;;;\r\n;;;\r\nb.nii\r\n")

    assert [(row.line, row.cells["path"], row.cells["age"]) for row in sheet.rows] == [
        (5, "a.nii", "63"),
        (7, "b.nii", ""),
    ]


def test_cells_of_several_lines_and_the_lines_that_they_stand_on(tmp_path):
    sheet = read(tmp_path, b'path,note\na.nii,"two\nlines"\nb.nii,one\n')

    assert [(row.line, row.cells["note"]) for row in sheet.rows] == [(2, "two\nlines"), (4, "one")]


def test_an_inch_in_a_table_with_tabs(tmp_path):
    sheet = read(tmp_path, b'path\tnote\na.nii\t"5 foot 2\nb.nii\t5\'2"\n')

    assert cells_of(sheet) == (("a.nii", '"5 foot 2'), ("b.nii", "5'2\""))


def test_two_columns_of_one_name_are_both_there(tmp_path):
    (row,) = read(tmp_path, b"path,age,Age,age\na.nii,1,2,3\n").rows

    assert row.cells == {"path": "a.nii", "age": "1", "Age (2)": "2", "age (3)": "3"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"id,age\np1,63\n", "has no column path"),
        (b"", "has no column path"),
        (b"path to scan,age\na.nii,63\n", "has no column path"),
        (b"path,age\na.nii,63,5\n", "line 2 of .* has more cells than the header"),
        (b'path,age\n"a.nii,63\nb.nii,64\n', "is no table"),
        (b"PK\x03\x04" + bytes(100), "is a workbook"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "is a workbook"),
        ("path\na.nii\n".encode("utf-16")[:-1], "is no text"),
        (b"path\n" + b"x" * 200_000, "is no table"),
    ],
)
def test_what_is_no_such_table(tmp_path, content, words):
    with pytest.raises(InputError, match=words):
        read(tmp_path, content)


def test_a_table_without_the_column_may_be_asked_for(tmp_path):
    (tmp_path / "table.csv").write_text("name,age\np1,63\n")

    assert find_sheet(tmp_path / "table.csv", ("path",), "") is None


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_sheet(tmp_path, ("path",), "")


@pytest.mark.parametrize("sign", ["\u200b", "\ufeff", "\u00a0", "\0", "\u200e", "\u2060"])
def test_signs_that_nobody_sees_around_a_cell_are_none(tmp_path, sign):
    path = tmp_path / "list.csv"
    path.write_text(f"path,{sign}age\na,{sign} 30{sign}\n", encoding="utf-8")

    sheet = read_sheet(path, ("path",), "")

    assert [dict(row.cells) for row in sheet.rows] == [{"path": "a", "age": "30"}]
