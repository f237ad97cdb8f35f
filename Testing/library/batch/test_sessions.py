"""Sessions: the ages of several sequences side by side, and together where the card knows how."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from BrainAgeLib.batch.index import index_html
from BrainAgeLib.batch.scan_list import read_scan_list
from BrainAgeLib.batch.sessions import COLUMNS, sessions_of, write_sessions
from BrainAgeLib.batch.table import ResultRow, ScanEntry
from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.together import ScanAge
from Testing.library.model_folders import knowing_sets


@pytest.fixture(scope="module")
def card(small_model):
    return knowing_sets(read_card(small_model))


@pytest.fixture
def row(card):
    """Return a maker of rows of person p1 whose interval is as usual, 8 years each way."""

    def make(sequence, age_years, verdict="pass", path="", **changes):
        age = None if age_years is None else float(age_years)
        half = {"T2w": 10.0, "FLAIR": 12.0}.get(sequence, 8.0)
        low, high = (None, None) if age is None else (age - half, age + half)
        scan_age = ScanAge(
            *(
                sequence or "T1w",
                verdict,
                (card.version, card.sha256),
                age,
                high,
                "any scanner",
                58.0,
                None,
            ),
            can_be_joined=age is not None,
        )
        return replace(
            ResultRow(
                path=path or f"/data/DOE/{sequence}.nii.gz",
                id="p1",
                age=58.0,
                brain_age_years=age,
                interval_low=low,
                interval_high=high,
                verdict=verdict,
                model="small 4",
                sequence=sequence,
                scan_age=scan_age,
            ),
            **changes,
        )

    return make


def written(sessions, tmp_path):
    """Return the lines of the table, without what is empty."""
    write_sessions(sessions, tmp_path / "sessions.csv")
    with (tmp_path / "sessions.csv").open(newline="") as lines:
        reader = csv.DictReader(lines)
        rows = [{name: cell for name, cell in line.items() if cell} for line in reader]
    assert tuple(reader.fieldnames) == COLUMNS
    return rows


def test_a_session_is_a_row_with_each_age_and_that_of_all(row, card, tmp_path):
    rows = [row("T1w", 60), row("T2w", 68, "warn"), row("T1w", 50, session="later")]

    first, later = written(sessions_of(rows, card), tmp_path)

    assert first == {
        **{"id": "p1", "age": "58", "model": "small 4"},
        **{"T1w_brain_age_years": "60", "T1w_interval_low": "52", "T1w_interval_high": "68"},
        **{"T1w_verdict": "pass", "T2w_verdict": "warn"},
        **{"T2w_brain_age_years": "68", "T2w_interval_low": "58", "T2w_interval_high": "78"},
        **{"together_brain_age_years": "62", "together_verdict": "warn"},
        **{"together_interval_low": "56", "together_interval_high": "68"},
        **{"together_interval_covers": "any scanner", "together_gap_years": "4"},
        "together_of": "T1w 0.75;T2w 0.25",
    }
    assert (later["session"], later["T1w_brain_age_years"]) == ("later", "50")
    assert "together_of" not in later


def test_what_a_scan_is_tells_the_picture_and_the_better_of_two_counts(row, card):
    rows = [
        row("FLAIR", 70, "warn", "a.nii"),
        row("FLAIR", 72, path="said_to_be_T2w.nii"),
        row("T1w", 60),
        row("T1w", 61, path="again.nii"),
    ]

    (session,) = sessions_of(rows, card)

    assert {name: one.path for name, one in session.scans.items()} == {
        "T1w": "/data/DOE/T1w.nii.gz",
        "FLAIR": "said_to_be_T2w.nii",
    }
    assert session.together is None
    assert tuple(map(str, session.notes)) == (
        "again.nii (pass) is T1w, too, and does not count",
        "a.nii (warn) is FLAIR, too, and does not count",
        "the model's card does not know T1w and FLAIR together",
    )


def test_a_t1_that_no_set_has_is_the_age_to_use(row, card):
    pair = {"sequences": ("T2w", "FLAIR"), "fractions": {"T2w": 0.6, "FLAIR": 0.4}}
    sets = (replace(card.calibration.together[0], **pair),)
    card = replace(card, calibration=replace(card.calibration, together=sets))
    rows = [row("T2w", 68), row("FLAIR", 58)]

    assert sessions_of(rows, card)[0].together.brain_age_years == pytest.approx(64)
    (session,) = sessions_of([*rows, row("T1w", 60)], card)
    assert session.together is None and "the T1's age is" in str(session.notes[-1])


def test_a_refused_scan_has_a_verdict_and_no_number(row, card, tmp_path):
    rows = [row("T1w", 60), row("T2w", 68), row("FLAIR", None, "refuse")]

    ((session, line),) = zip(
        sessions_of(rows, card), written(sessions_of(rows, card), tmp_path), strict=True
    )

    assert (line["FLAIR_verdict"], "FLAIR_brain_age_years" in line) == ("refuse", False)
    assert session.together.sequences == ("T1w", "T2w")


def test_nobody_is_missing(row, card, tmp_path):
    failed = ResultRow("/data/broken.nii", "p2", exit_code=2, error="broken")
    rows = [row("PDw", None, "refuse", "pd.nii"), failed, row(None, None, "refuse", "no.nii")]

    first, second = written(sessions_of(rows, card), tmp_path)

    assert first["notes"] == (
        "pd.nii shows PDw (refuse);no.nii has no sequence that is told (refuse)"
    )
    assert second == {"id": "p2", "notes": "broken.nii has no sequence that is told (failed)"}


def test_a_picture_that_does_not_tell_stands_behind_one_that_does(row, card):
    untold, told = row(None, 50, path="flat.nii"), row("T1w", 60, path="t1.nii")

    (alone,) = sessions_of([untold], card)
    (both,) = sessions_of([untold, told], card)

    assert alone.scans["T1w"] is untold
    assert tuple(map(str, alone.notes)) == (
        "flat.nii does not show its sequence and is read as T1w",
    )
    assert both.scans["T1w"] is told


@pytest.fixture
def listed(row, tmp_path):
    """Return what makes rows of a T1w and a T2w scan from lines of a list."""

    def make(*lines):
        table = tmp_path / "list.csv"
        table.write_text("".join(f"{line}\n" for line in lines))
        scans = zip(read_scan_list(table), (row("T1w", 60), row("T2w", 68)), strict=True)
        return [
            replace(
                made,
                **{"path": entry.path, "id": entry.id, "session": entry.session},
                **{"age": entry.age_years, "sex": entry.sex, "visit": entry.visit},
            )
            for entry, made in scans
        ]

    return make


@pytest.mark.parametrize(
    "lines",
    [
        ("path", "anna/scan.nii.gz", "bert/scan.nii.gz"),
        ("path,age", "anna/scan.nii,58.5", "bert/scan.nii,58.5"),
        ("path,session", "anna/scan.nii,v1", "bert/scan.nii,v1"),
        ("path,id", "a.nii,p1", "b.nii,p1"),
        ("path,id,age", "a.nii,p1,58", "b.nii,p1,58"),
        ("path,id,age", "a.nii,p1,58.5", "b.nii,p1,"),
        ("path,id,age", "a.nii,p1,58.5", "b.nii,p1,58.6"),
        ("path,id,age,sex", "a.nii,p1,58.5,F", "b.nii,p1,58.5,M"),
        ("path,id,session", "a.nii,p1,v1", "b.nii,p1,v2"),
    ],
)
def test_lines_that_may_be_of_two_visits_or_people_are_two_sessions(listed, card, lines):
    sessions = sessions_of(listed(*lines), card)

    assert [list(session.scans) for session in sessions] == [["T1w"], ["T2w"]]


@pytest.mark.parametrize(
    "lines",
    [
        ("path,id,session", "a.nii,p1,v1", "b.nii,p1,v1"),
        ("path,id,session,age", "a.nii,p1,v1,58", "b.nii,p1,v1,"),
        ("path,id,age", "a.nii,p1,58.5", "b.nii,p1,58.5"),
        ("path,session", "a.nii,v1", "a.nii,v1"),
    ],
)
def test_lines_of_a_named_session_or_of_one_exact_age_are_one(listed, card, lines):
    (session,) = sessions_of(listed(*lines), card)

    assert session.together.sequences == ("T1w", "T2w")


def test_a_session_has_what_any_of_its_rows_knows(row, card, tmp_path):
    rows = [row("T1w", 60, age=None), row("T2w", 68, sex="F", group="patients")]

    (line,) = written(sessions_of(rows, card), tmp_path)

    assert (line["age"], line["sex"], line["group"]) == ("58", "F", "patients")


@pytest.mark.parametrize(
    ("changes", "words"), [({"sex": "M"}, "different sexes"), ({"age": 59.0}, "different ages")]
)
def test_scans_that_cannot_be_of_one_visit_have_no_age_together(row, card, changes, words):
    rows = [row("T1w", 60, sex="F"), row("T2w", 68, **changes)]

    (session,) = sessions_of(rows, card)

    assert list(session.scans) == ["T1w", "T2w"]
    assert session.together is None
    assert words in str(session.notes[0])


def test_what_the_card_knows_with_nothing_is_left_out(row, card):
    rows = [row("T1w", 60), row("T1w after contrast", 61), row("T2w", 68)]

    (session,) = sessions_of(rows, card)

    assert session.together.sequences == ("T1w", "T2w")
    assert "the age of T1w after contrast is of a sequence" in str(session.notes[0])


def test_what_cannot_be_joined_is_said(row, card):
    t2 = row("T2w", 68)
    parts = replace(t2, scan_age=replace(t2.scan_age, can_be_joined=False))
    others = replace(t2, scan_age=replace(t2.scan_age, model=("2", "e" * 64)))

    for other, words in ((parts, "of no whole brain"), (others, "of another model than small 4")):
        (session,) = sessions_of([row("T1w", 60), other], card)
        assert session.together is None
        assert words in str(session.notes[0])


def test_a_model_that_knows_no_sets_promises_nothing(row, small_model):
    for card in (None, read_card(small_model)):
        (session,) = sessions_of([row("T1w", 60), row("T2w", 68)], card)
        assert (session.together, session.notes) == (None, ())


def test_the_page_shows_sessions_with_several_sequences(row, card, tmp_path):
    rows = [
        *(row("T1w", 60), row("T2w", 68, "warn"), row("T1w", 50, id="p2")),
        row("T1w", 61, path="/data/DOE/DOE_again.nii"),
    ]
    entries = [ScanEntry(one.path, one.path, one.id, folder=str(n)) for n, one in enumerate(rows)]

    page = index_html(entries, rows, tmp_path, sessions_of(rows, card))
    plain = index_html(entries[2:3], rows[2:3], tmp_path, sessions_of(rows[2:3], card))

    assert page.count("Sessions with several sequences") == 1
    assert "<td>60.0 (52.0 to 68.0), pass</td><td>68.0 (58.0 to 78.0), warn</td>" in page
    assert "<td>62.0 (56.0 to 68.0), warn, raw gap +4.0: T1w 0.75, T2w 0.25</td>" in page
    assert "weighted as the model" in page
    assert "<td>a scan (pass) is T1w, too, and does not count</td>" in page
    assert "DOE" not in page
    assert "several sequences" not in plain
