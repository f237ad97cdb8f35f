"""Tables of any dialect: no person is lost, none doubled, no age changed."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from BrainAgeLib.batch.bids import read_bids
from BrainAgeLib.batch.scan_list import read_scan_list

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252")
SEPARATORS = (",", ";", "\t")
LINE_ENDS = ("\n", "\r\n", "\r")
AGE_COLUMNS = {
    "age": (1, None),
    "Age": (1, "years"),
    "AGE (years)": (1, None),
    "age_months": (12, None),
    "Age in days": (365.25, None),
    "Age ": (12, "months"),
}
# A Latin-1 letter and signs that tables care for, none of which a label can do without.
LABELS = st.text("abyzAZ019ü'_ ;,\"", min_size=1, max_size=8).map(lambda text: f"x{text.strip()}x")
AGES = st.one_of(st.none(), st.integers(1, 119), st.integers(10, 1190).map(lambda n: n / 10))
DIALECTS = st.tuples(
    st.sampled_from(ENCODINGS),
    st.sampled_from(SEPARATORS),
    st.sampled_from(LINE_ENDS),
    st.sampled_from(sorted(AGE_COLUMNS)),
    st.booleans(),  # commas in numbers
    st.booleans(),  # every cell in quotes
    st.booleans(),  # a blank line and empty cells at the end
)
quickly = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def cell_of(age_years, column, comma):
    """Return an age as a column of that name has it."""
    if age_years is None:
        return ""
    text = f"{age_years * AGE_COLUMNS[column][0]:.10g}"
    return text.replace(".", ",") if comma else text


def written(path, rows, dialect):
    """Write a table as the dialect has it, and the file beside it that names the unit."""
    encoding, separator, line_end, column, _, is_quoted, is_padded = dialect
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=separator, lineterminator=line_end, quoting=quoting)
    writer.writerows([*rows[:1], *([["", ""]] if is_padded else []), *rows[1:]])
    content = text.getvalue() + (separator * 3 + line_end if is_padded else "")
    path.write_bytes(content.encode(encoding))
    unit = AGE_COLUMNS[column][1]
    path.with_suffix(".json").write_text(json.dumps({column: {"Units": unit}} if unit else {}))


def expected(age_years):
    return None if age_years is None else pytest.approx(age_years, abs=1e-6)


@quickly
@given(
    people=st.lists(st.tuples(LABELS, AGES, st.sampled_from("FM")), min_size=1, max_size=6),
    names=st.sampled_from((("path", "id", "sex"), ("Path", "ID", "Gender"), ("PATH", "Id", "SEX"))),
    dialect=DIALECTS,
)
def test_a_list(people, names, dialect):
    column, comma = dialect[3], dialect[4]
    rows = [[*names[:2], column, names[2]]]
    rows += [
        [f"{number}.nii", name, cell_of(age, column, comma), sex]
        for number, (name, age, sex) in enumerate(people)
    ]
    with tempfile.TemporaryDirectory() as folder:
        written(Path(folder) / "list.csv", rows, dialect)
        entries = read_scan_list(Path(folder) / "list.csv")

    assert [(entry.path, entry.id, entry.sex) for entry in entries] == [
        (f"{number}.nii", name, sex) for number, (name, _, sex) in enumerate(people)
    ]
    assert [entry.complaint for entry in entries] == [None] * len(people)
    assert [entry.age_years for entry in entries] == [expected(age) for _, age, _ in people]


@quickly
@given(
    ages=st.dictionaries(
        st.tuples(
            st.sampled_from((1, 2, 10, 20, 100, 201)), st.sampled_from(("", "ses-1", "ses-02"))
        ),
        AGES,
        min_size=1,
        max_size=9,
    ),
    width=st.integers(3, 5),
    prefix=st.sampled_from(("sub-", "", "SUB-")),
    id_column=st.sampled_from(("participant_id", "Participant_ID", "SUBJECT")),
    keeps_zeros=st.booleans(),
    is_repeated=st.booleans(),
    dialect=DIALECTS,
)
def test_a_dataset(ages, width, prefix, id_column, keeps_zeros, is_repeated, dialect):
    column, comma = dialect[3], dialect[4]
    rows = [[id_column, "session_id", column]]
    for (number, session), age in ages.items():
        name = f"{prefix}{number:0{width if keeps_zeros else 1}}"
        shown = session if keeps_zeros else session.removeprefix("ses-").lstrip("0")
        row = [name, shown, cell_of(age, column, comma)]
        rows += [row, row] if is_repeated else [row]
    visits = {(f"sub-{number:0{width}}", session): age for (number, session), age in ages.items()}
    with tempfile.TemporaryDirectory() as folder:
        for subject, session in visits:
            anat = Path(folder, subject, session, "anat")
            anat.mkdir(parents=True)
            name = "_".join(filter(None, (subject, session, "T1w.nii.gz")))
            (anat / name).touch()
        written(Path(folder) / "participants.tsv", rows, dialect)
        entries, decisions = read_bids(Path(folder))

    assert sorted((entry.id, entry.session) for entry in entries) == sorted(visits)
    assert len(decisions) == len(visits)
    for entry in entries:
        of_person = {age for (subject, _), age in visits.items() if subject == entry.id}
        if entry.session or len(of_person) == 1:
            assert entry.complaint is None
            assert entry.age_years == expected(visits[entry.id, entry.session])
        elif entry.complaint is None:  # the scan names no session, but the table names several
            assert entry.age_years == expected(visits[entry.id, entry.session])
