"""The rows of the study of the gate's limits: what was measured, kept in a file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from BrainAgeLib.gate.coverage import Cut
from BrainAgeLib.gate.gate import FAMILIES
from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.records import Acquisition, SequenceTags
from BrainAgeLib.whole_file import write_atomically
from Testing.studies._pages import PROJECT

Row = dict[str, Any]
# What a scan, its mask and its place in the template are made by.
PLACING = (
    "BrainAgeLib/scan/brain_extraction.py",
    "BrainAgeLib/scan/geometry.py",
    "BrainAgeLib/template/registration.py",
    "BrainAgeLib/template/search.py",
    "BrainAgeLib/template/template.py",
    "Testing/studies/gate/_changes.py",
    "Testing/studies/gate/_grids.py",
    "Testing/studies/gate/_faults.py",
)
SIMULATING = (
    "BrainAgeLib/training/appearance.py",
    "BrainAgeLib/training/thick_slices.py",
    "Testing/studies/gate/_sources.py",
)
MEASURING = tuple(f"BrainAgeLib/{room}/*.py" for room in ("scan", "template", "model", "gate"))
PARTS: dict[str, Any] = {"acquisition": Acquisition, "cut": Cut, "tags": SequenceTags}


class Rows:
    """Rows kept in a file, one JSON object a line: what is there is not measured again.

    A row that other code or another model measured is: only the place of its brain is taken over
    as long as the code that finds it is the same.
    """

    def __init__(self, path: Path, model: str | None) -> None:
        self.path = path
        self.placed_by = {
            is_simulated: _fingerprint(PLACING + SIMULATING * is_simulated)
            for is_simulated in (False, True)
        }
        weights = load_ensemble(model).card.sha256
        self.measured_by = _fingerprint(MEASURING) + weights[:16]
        self.rows: dict[tuple[str, str | None], Row] = {}
        if path.is_file():
            for line in path.read_text("utf-8").splitlines():
                if line.endswith("}"):  # the last line of a run that was killed may be cut off
                    self._take(json.loads(line))
            text = "".join(json.dumps(row) + "\n" for row in self.rows.values())
            write_atomically(path, text.encode())

    @property
    def current(self) -> list[Row]:
        """The rows that the present code and model measured."""
        return [row for row in self.rows.values() if self._is_current(row)]

    def has(self, scan: str, fault: str | None) -> bool:
        """Say whether the present code and model measured that scan with that fault."""
        row = self.rows.get((scan, fault))
        return row is not None and self._is_current(row)

    def place(self, scan: str, fault: str | None) -> list[float] | None:
        """Return where the brain lies, see ``Bench.row``, if the present code found it."""
        row = self.rows.get((scan, fault))
        return row["place"] if row is not None and self._is_placed(row) else None

    def add(self, row: Row) -> None:
        """Keep a row."""
        is_simulated = row["kind"].split(",")[0] != "whole head" or row["is_cut"]
        stamps = {"placed_by": self.placed_by[is_simulated], "measured_by": self.measured_by}
        self._take({**row, **stamps})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**row, **stamps}) + "\n")

    def _take(self, row: Row) -> None:
        self.rows[row["scan"], row["fault"]] = row

    def _is_placed(self, row: Row) -> bool:
        return row.get("placed_by") in self.placed_by.values()

    def _is_current(self, row: Row) -> bool:
        return self._is_placed(row) and row.get("measured_by") == self.measured_by


def _fingerprint(patterns: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for pattern in patterns:
        for path in sorted(PROJECT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def measurements_of(row: Row) -> dict[str, Any]:
    """Return what each family of checks measured, as a row holds it."""
    return {
        name: None if facts is None else FAMILIES[name].record(**_values(facts))
        for name, facts in row["facts"].items()
    }


def _values(facts: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, dict):
            values[name] = PARTS[name](**_values(value))
        else:
            values[name] = tuple(value) if isinstance(value, list) else value
    return values
