"""The tables of a batch while it runs."""

from __future__ import annotations

import pytest

from BrainAgeLib import whole_file
from BrainAgeLib.batch import tables_so_far
from BrainAgeLib.batch.table import RESULTS_NAME, ResultRow
from BrainAgeLib.batch.tables_so_far import TablesSoFar
from BrainAgeLib.errors import FileInUseError
from Testing.library.held_files import HeldFiles


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """Return tables that are written with every row."""
    monkeypatch.setattr(tables_so_far, "LEAST_SECONDS_BETWEEN_TABLES", -1.0)
    monkeypatch.setattr(tables_so_far, "MOST_FRACTION_OF_TIME", float("inf"))
    monkeypatch.setattr(whole_file, "PAUSES_SECONDS", ())
    return TablesSoFar(tmp_path, 3, None)


def test_a_table_that_somebody_looks_at_ends_no_batch(tables, tmp_path, monkeypatch, caplog):
    """Excel keeps others from replacing what it shows."""
    held = HeldFiles(monkeypatch, "replace", RESULTS_NAME, times=2)

    done = [tables.add(number, ResultRow(path=f"{number}.nii")) for number in range(3)]

    assert held.refusals == 2
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert caplog.text.count("the batch goes on") == 1
    lines = (tmp_path / RESULTS_NAME).read_text("utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == ["path", "0.nii", "1.nii", "2.nii"]


def test_a_table_that_is_open_at_the_end_is_an_error(tables, monkeypatch):
    HeldFiles(monkeypatch, "replace", RESULTS_NAME)
    tables.add(0, ResultRow(path="0.nii"))

    with pytest.raises(FileInUseError, match=r"results\.csv could not be written"):
        tables.write()
