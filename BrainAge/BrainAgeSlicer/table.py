"""The tables of every run of the session: a short one to look at, and one with all columns.

The columns are those of ``results.csv``, so what a batch in Slicer leaves can be read by the
commands that read the library's batches. Numbers are numbers, so that they sort and plot; what is
not known is no number (NaN), never 0.
"""

from __future__ import annotations

import datetime
import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _

from BrainAgeLib.batch.table import COLUMNS, ResultRow, ScanEntry, predicted_row, write_results
from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.records import NOTICE, Prediction
from BrainAgeSlicer import subject
from BrainAgeSlicer.request import Request
from BrainAgeSlicer.volumes import OURS, sourceFile

FURTHER = ("device", "run_at", "notice")  # what the session adds to the library's columns
# The first cell of a row is never empty: when a scene is loaded, the table's reader would drop it
# and shift the rest.
ALL = ("id", *(name for name in COLUMNS if name != "id"), *FURTHER)
FEW = (
    *("id", "sequence", "age", "sex", "brain_age_years", "interval_low", "interval_high"),
    *("gap_years", "corrected_gap_years", "verdict", "error"),
)
UNITS = {
    **dict.fromkeys(("age", "brain_age_years", "interval_low", "interval_high"), "years"),
    **dict.fromkeys(("gap_years", "corrected_gap_years"), "years"),
    "gap_percentile": "%",
    "slice_spacing_mm": "mm",
    "seconds": "s",
}
NUMBERS = {each.name for each in fields(ResultRow) if str(each.type).startswith(("float", "int"))}
NO_NAME = "-"


def resultsTable() -> Any:
    """Return the scene's table of runs to look at, or None."""
    return _tableOf("results")


def addRun(volumeNode: Any, prediction: Prediction) -> None:
    """Add a row for a result."""
    row = predicted_row(_entryOf(volumeNode), prediction)
    _addRow(row, device=prediction.device)


def addFailure(volumeNode: Any, request: Request, error: BrainAgeError) -> None:
    """Add a row for a run that failed."""
    entry = _entryOf(volumeNode)
    words = " ".join(str(error).split())
    row = ResultRow(entry.path, entry.id, exit_code=int(error.exit_code), error=words)
    request = request.completedBy(subject.ofHeader(volumeNode))
    _addRow(replace(row, age=request.ageYears, sex=request.sex), device="")


def rows() -> list[ResultRow]:
    """Return all runs, first to last."""
    node = _tableOf("allResults")
    if node is None:
        return []
    return [_rowAt(node, index) for index in range(node.GetNumberOfRows())]


def exportTable(path: Path) -> None:
    """Write all runs as CSV.

    Raises BrainAgeError when there is no run yet or the file cannot be written.
    """
    if not rows():
        raise BrainAgeError(_("There is no run to export yet."))
    write_results(rows(), path)


def _entryOf(volumeNode: Any) -> ScanEntry:
    return ScanEntry(sourceFile(volumeNode), scan="", id=volumeNode.GetName() or NO_NAME)


def _addRow(row: ResultRow, device: str) -> None:
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    values = {name: getattr(row, name) for name in COLUMNS}
    values |= {"device": device, "run_at": now, "notice": NOTICE}
    values["findings"] = ";".join(row.findings)
    for role, names, title in (
        ("results", FEW, _("Brain age results")),
        ("allResults", ALL, _("Brain age results, all columns")),
    ):
        node = _tableOf(role) or _newTable(role, title)
        _addColumns(node, names)
        index = node.AddEmptyRow()
        for name in names:
            column = node.GetTable().GetColumnByName(name)
            if name in NUMBERS:
                column.SetValue(index, math.nan if values[name] is None else float(values[name]))
            else:
                column.SetValue(index, values[name] or "")
        node.GetTable().Modified()
        node.Modified()


def _rowAt(node: Any, index: int) -> ResultRow:
    """Return a run; what the table of an older scene has no column for is not known."""
    values: dict[str, Any] = {"path": ""}
    for name in ALL:
        column = node.GetTable().GetColumnByName(name)
        if column is None:
            continue
        cell = column.GetValue(index)
        isKnown = not math.isnan(cell) if name in NUMBERS else bool(cell)
        if isKnown:
            values[name] = cell
    further = {name: values.pop(name, "") for name in FURTHER}
    values["findings"] = tuple(filter(None, values.get("findings", "").split(";")))
    if "exit_code" in values:
        values["exit_code"] = int(values["exit_code"])
    return ResultRow(**values, further=further)


def _tableOf(role: str) -> Any:
    for node in slicer.util.getNodesByClass("vtkMRMLTableNode"):
        if node.GetAttribute(OURS) == role:
            return node
    return None


def _newTable(role: str, title: str) -> Any:
    node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLTableNode")
    node.UnRegister(None)
    node.SetName(title)
    node.SetAttribute(OURS, role)
    node.SetHideFromEditors(role != "results")
    node.SetUseColumnTitleAsColumnHeader(True)
    return slicer.mrmlScene.AddNode(node)


def _addColumns(node: Any, names: tuple[str, ...]) -> None:
    """Add the columns that a table lacks: all to a new one, later ones to that of an old scene."""
    count = node.GetNumberOfRows()
    for name in names:
        if node.GetTable().GetColumnByName(name) is not None:
            continue
        unit = UNITS.get(name, "")
        column = vtk.vtkDoubleArray() if name in NUMBERS else vtk.vtkStringArray()
        column.SetName(name)
        column.SetNumberOfValues(count)
        for index in range(count):
            column.SetValue(index, math.nan if name in NUMBERS else "")
        node.AddColumn(column)
        node.SetColumnTitle(name, f"{name} ({unit})" if unit and unit not in name else name)
        node.SetColumnUnitLabel(name, unit)
        if name in NUMBERS:
            node.SetColumnProperty(name, "nullValue", "nan")  # or a loaded scene says 0
