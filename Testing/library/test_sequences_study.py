"""The study of other sequences sets their ages beside those of a T1 of the same people."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL, SEQUENCE_PROTOCOLS, write_rows
from Testing.library.model_folders import out_of_fold_rows, with_sequence_rows
from Testing.studies.network import sequences


def cells_of(text):
    """Return the cells of each line of a table, by the first one."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines()[2:]]
    return {first: rest for first, *rest in lines}


@pytest.fixture(scope="module")
def rows():
    """Return rows of 200 people, of whom all but the first have other sequences."""
    made = with_sequence_rows(out_of_fold_rows(200))
    others = SEQUENCE_PROTOCOLS.values()
    first = made[0].participant_id
    return [row for row in made if row.participant_id != first or row.protocol not in others]


def test_validation_people_and_held_out_ones_have_a_line_for_each_scan(rows):
    lines = cells_of(sequences.markdown(rows))

    scans = ["T1w, axial 5+1 mm", *SEQUENCE_PROTOCOLS.values()]
    assert list(lines) == scans + [f"{scan}, held out" for scan in scans]
    assert sum(int(lines[scan][0]) for scan in (scans[0], f"{scans[0]}, held out")) == 199
    for scan in scans[1:]:
        assert lines[scan][0] == lines[scans[0]][0]
        # Ten years too old, which the curve takes back.
        assert float(lines[scan][4]) == pytest.approx(0.0, abs=0.5)
        assert float(lines[scan][3]) - float(lines[scans[0]][3]) == pytest.approx(
            float(lines[scan][4]), abs=0.02
        )
        # The noise of one scan, stretched by the curve.
        assert float(lines[scan][5]) < 2.5


def test_a_run_without_other_sequences_has_no_table():
    with pytest.raises(ValueError, match="no scans"):
        sequences.markdown(out_of_fold_rows(40))


def test_a_run_of_one_sequence_has_its_lines_alone(rows):
    flair = SEQUENCE_PROTOCOLS["FLAIR"]
    lines = cells_of(sequences.markdown([r for r in rows if r.protocol in (MAIN_PROTOCOL, flair)]))

    assert list(lines) == [
        f"T1w, {MAIN_PROTOCOL}", flair, f"T1w, {MAIN_PROTOCOL}, held out", f"{flair}, held out"
    ]  # fmt: skip


def test_sets_of_sequences_have_a_line_each_with_what_they_gain(rows):
    lines = cells_of(sequences.sets_markdown(rows))

    # Of four sequences; made-up ones all err alike, so that no set gains anything.
    assert len(lines) == 11
    for parts, (error, less, held_out) in lines.items():
        assert sum(float(part.split()[-1]) for part in parts.split(", ")) == pytest.approx(1.0)
        assert float(error) > 1.0
        assert float(held_out) > 1.0
        low, high = (float(end) for end in less.split("(")[1].strip(")").split(" to "))
        assert low <= float(less.split()[0]) <= high


def test_two_held_out_people_are_too_few(rows):
    few = {row.participant_id for row in rows if row.held_out}
    few = set(sorted(few)[:2])
    kept = [row for row in rows if not row.held_out or row.participant_id in few]

    assert cells_of(sequences.markdown(kept))["FLAIR, axial 5+1 mm, held out"][:2] == [
        "2", "too few"
    ]  # fmt: skip


def test_the_tables_go_into_the_page(rows, tmp_path, monkeypatch, capsys):
    page = tmp_path / "model.md"
    marks = ("sequences", "sets of sequences")
    parts = [f"<!-- {mark}: begin -->\nold\n<!-- {mark}: end -->\n" for mark in marks]
    page.write_text("\n".join(["before", *parts, "after\n"]))
    write_rows([replace(row, by_kind={}) for row in rows], tmp_path / "out_of_fold.csv")
    monkeypatch.setattr(sequences, "PAGE", page)
    monkeypatch.setattr(sys, "argv", ["sequences", str(tmp_path)])

    sequences.main()

    text = page.read_text("utf-8")
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) > len(marks)
    assert set(printed) <= set(text.splitlines())
    assert "old" not in text
    assert text.startswith("before") and text.endswith("after\n")
