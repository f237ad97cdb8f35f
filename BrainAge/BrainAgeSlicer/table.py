"""The table that collects every run of the session, and its CSV file.

Its columns are those of ``results.csv``, so what a batch in Slicer leaves can be read by the
commands that read the library's batches.
"""

from __future__ import annotations

import csv
import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.records import NOTICE, Prediction
from BrainAgeSlicer.request import Request
from BrainAgeSlicer.volumes import OURS, sourceFile

# Name and unit. The first cell of a row is never empty: when a scene is loaded, the table's reader
# would drop it and shift the rest.
COLUMNS: tuple[tuple[str, str], ...] = (
    ("id", ""),
    ("path", ""),
    ("session", ""),
    ("group", ""),
    ("age", "years"),
    ("sex", ""),
    ("brain_age_years", "years"),
    ("interval_low", "years"),
    ("interval_high", "years"),
    ("gap_years", "years"),
    ("corrected_gap_years", "years"),
    ("gap_percentile", "%"),
    ("verdict", ""),
    ("findings", ""),
    ("slice_spacing_mm", "mm"),
    ("model", ""),
    ("exit_code", ""),
    ("error", ""),
    ("seconds", "s"),
    ("device", ""),
    ("run_at", ""),
    ("notice", ""),
)
NAMES = tuple(name for name, _unit in COLUMNS)
FILE_NAMES = ("path", "id", *NAMES[2:])
NO_NAME = "-"


def resultsTable() -> Any:
    """Return the scene's table of runs, or None."""
    for node in slicer.util.getNodesByClass("vtkMRMLTableNode"):
        if node.GetAttribute(OURS) == "results":
            return node
    return None


def addRun(volumeNode: Any, prediction: Prediction, exitCode: int) -> Any:
    """Add a row for a result; return the table. What is not known stays empty: it is never 0."""
    return _addRow(volumeNode, _valuesOf(prediction) | {"exit_code": str(exitCode)})


def addFailure(volumeNode: Any, request: Request, error: BrainAgeError) -> Any:
    """Add a row for a run that failed; return the table."""
    known = {
        "age": _text(request.ageYears),
        "sex": request.sex or "",
        "exit_code": str(error.exit_code),
        "error": " ".join(str(error).split()),
    }
    return _addRow(volumeNode, known)


def _addRow(volumeNode: Any, known: dict[str, str]) -> Any:
    node = resultsTable() or _newTable()
    known |= {
        "path": sourceFile(volumeNode),
        "id": volumeNode.GetName() or NO_NAME,
        "run_at": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "notice": NOTICE,
    }
    row = node.AddEmptyRow()
    for column, name in enumerate(NAMES):
        node.SetCellText(row, column, known.get(name, ""))
    return node


def rows(node: Any) -> list[dict[str, str]]:
    """Return the rows of the table."""
    count = node.GetNumberOfRows()
    return [
        {name: node.GetCellText(row, column) for column, name in enumerate(NAMES)}
        for row in range(count)
    ]


def exportTable(path: Path) -> None:
    """Write the table as CSV.

    Raises BrainAgeError when there is no run yet or the file cannot be written.
    """
    node = resultsTable()
    if node is None:
        raise BrainAgeError(_("There is no run to export yet."))
    try:
        _writeRows(path, rows(node))
    except OSError as error:
        raise BrainAgeError(
            _("{path} could not be written: {reason}").format(path=path, reason=error.strerror)
        ) from error


def _writeRows(path: Path, values: Iterable[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FILE_NAMES)
        writer.writeheader()
        writer.writerows(values)


def _valuesOf(prediction: Prediction) -> dict[str, str]:
    low, high = prediction.interval_years or (None, None)
    findings = "; ".join(finding.code for finding in prediction.quality.findings)
    return {
        "age": _text(prediction.chronological_age_years),
        "sex": prediction.sex or "",
        "brain_age_years": _text(prediction.brain_age_years),
        "interval_low": _text(low),
        "interval_high": _text(high),
        "gap_years": _text(prediction.gap_years),
        "corrected_gap_years": _text(prediction.corrected_gap_years),
        "gap_percentile": _text(prediction.gap_percentile),
        "verdict": prediction.quality.verdict,
        "findings": findings,
        "slice_spacing_mm": _text(prediction.acquisition.slice_spacing_mm),
        "model": f"{prediction.model.name} {prediction.model.version}",
        "seconds": _text(prediction.timings_seconds.total),
        "device": prediction.device,
    }


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _newTable() -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", _("Brain age results"))
    node.SetAttribute(OURS, "results")
    node.SetUseColumnTitleAsColumnHeader(True)
    for name, unit in COLUMNS:
        column = vtk.vtkStringArray()  # text, so that what is not known can be empty
        column.SetName(name)
        node.AddColumn(column)
        node.SetColumnTitle(name, f"{name} ({unit})" if unit and unit not in name else name)
        node.SetColumnUnitLabel(name, unit)
    return node
