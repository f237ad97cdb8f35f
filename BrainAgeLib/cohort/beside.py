"""The records that a batch left beside its ``results.csv``, for what the table does not hold."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path, PurePath

from BrainAgeLib.batch.table import SETTINGS_NAME
from BrainAgeLib.errors import InputError
from BrainAgeLib.records import Prediction
from BrainAgeLib.report.output_folder import RECORD_NAME
from BrainAgeLib.report.record import read_prediction
from BrainAgeLib.run_folder import are_one_path

SAME_YEARS = 1e-3  # set by hand: above the rounding of records, below what two scans differ by


class RecordsBeside:
    """The records of the scans of a results table, where it lies in the folder of its batch."""

    def __init__(self, table: Path) -> None:
        """Read them; there are none where no batch began (an own folder may hold anything)."""
        self._by_name: dict[str, list[Prediction]] = defaultdict(list)
        if not (table.parent / SETTINGS_NAME).is_file():
            return
        for path in sorted(table.parent.rglob(RECORD_NAME)):
            try:
                record = read_prediction(path)
            except InputError:  # damaged, or of another version: as if it were not there
                continue
            if record.input.path is not None:
                self._by_name[PurePath(record.input.path).name].append(record)

    def of(self, path: str, brain_age_years: float) -> Prediction | None:
        """Return the record of a row, told by the path and the brain age; None without one.

        The path of a row is the end of the one in its record, which is absolute, or another way
        to that file: where a batch went on, its input may have been named otherwise.
        """
        parts = [part for part in PurePath(path).parts if part not in ("..", ".")]
        for record in self._by_name.get(parts[-1], ()) if parts else ():
            own, age_years = record.input.path or "", record.brain_age_years
            if age_years is None or abs(age_years - brain_age_years) > SAME_YEARS:
                continue
            if list(PurePath(own).parts[-len(parts) :]) == parts or are_one_path(own, path):
                return record
        return None
