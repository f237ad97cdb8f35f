"""The tables of all runs: typed, saved with the scene, and as a file that the library reads."""

from __future__ import annotations

import math

import pytest
import slicer

import phantom
import worker_files
from BrainAgeLib.errors import InputError
from BrainAgeLib.report.record import prediction_from_dict


@pytest.fixture
def table(world):
    """Three runs: with an age, with neither age nor gap, and one that failed."""
    from BrainAgeSlicer import table
    from BrainAgeSlicer.request import Request

    node = phantom.addHead()
    table.addRun(node, prediction_from_dict(worker_files.record()))
    table.addRun(node, prediction_from_dict(worker_files.refusal()))
    table.addFailure(node, Request(ageYears=63.0), InputError("the file holds four images"))
    return table


def test_numbers_are_numbers_and_what_is_not_known_is_none(table):
    columns = table.resultsTable().GetTable()
    ages = columns.GetColumnByName("brain_age_years")
    assert ages.GetValue(0) == 67.4 and math.isnan(ages.GetValue(1))
    assert columns.GetColumnByName("verdict").GetValue(1) == "refuse"
    assert columns.GetNumberOfColumns() <= 11
    predicted, refused, failed = table.rows()
    assert predicted.findings == ("thick_slices",) and predicted.gap_years == 4.4
    assert (refused.brain_age_years, refused.exit_code) == (None, 3)
    assert (failed.age, failed.error, failed.exit_code) == (63.0, "the file holds four images", 2)


def test_a_saved_scene_keeps_every_run(world, table, tmp_path):
    before = table.rows()
    path = tmp_path / "scene.mrb"
    assert world.scene.WriteToMRB(str(path))
    world.clear()
    assert table.rows() == []
    assert slicer.mrmlScene.ReadFromMRB(str(path))
    assert table.rows() == before
    ages = table.resultsTable().GetTable().GetColumnByName("brain_age_years")
    assert math.isnan(ages.GetValue(2))


def test_table_and_file_name_the_sequence_of_each_run(world, tmp_path):
    from BrainAgeSlicer import table

    for sequence in ("FLAIR", "T1w", None):
        record = worker_files.record(sequence=sequence)
        table.addRun(phantom.addHead(), prediction_from_dict(record))
    names = table.resultsTable().GetTable().GetColumnByName("sequence")
    assert [names.GetValue(n) for n in range(3)] == ["FLAIR", "T1w", ""]
    assert [row.sequence for row in table.rows()] == ["FLAIR", "T1w", None]
    table.exportTable(tmp_path / "results.csv")
    assert ",FLAIR," in (tmp_path / "results.csv").read_text("utf-8")


def test_the_tables_of_an_older_scene_take_further_runs(table, tmp_path):
    nodes = slicer.util.getNodesByClass("vtkMRMLTableNode")
    for node in nodes:
        for name in ("sequence", "interval_covers", "seconds"):
            node.GetTable().RemoveColumnByName(name)
    columns = [node.GetTable().GetNumberOfColumns() for node in nodes]
    before = table.rows()
    assert [node.GetTable().GetNumberOfColumns() for node in nodes] == columns  # reading only reads
    assert [row.sequence for row in before] == [None] * 3

    prediction = prediction_from_dict(worker_files.record(sequence="T2w"))
    table.addRun(phantom.addHead(), prediction)

    assert table.rows()[:3] == before and before[0].seconds is None
    assert (table.rows()[3].sequence, table.rows()[3].exit_code) == ("T2w", 0)
    names = table.resultsTable().GetTable().GetColumnByName("sequence")
    assert [names.GetValue(n) for n in range(4)] == ["", "", "", "T2w"]


def test_the_file_has_the_columns_of_a_batch(table, tmp_path):
    import csv

    from BrainAgeLib.batch.table import COLUMNS

    table.exportTable(tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(newline="", encoding="utf-8") as file:
        names, first, _refused, failed = csv.reader(file)
    assert tuple(names) == (*COLUMNS, "device", "run_at", "notice")
    assert dict(zip(names, first, strict=True))["interval_low"] == "57.1"
    assert dict(zip(names, failed, strict=True))["brain_age_years"] == ""
