"""A list of scans in a CSV or TSV file: ``path[,id,age,sex,session,group]`` and further columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from BrainAgeLib.batch.results_table import COLUMNS, ENCODING_ERRORS
from BrainAgeLib.batch.scan_entry import ScanEntry, age_of, sex_of, with_folders
from BrainAgeLib.errors import InputError, printable

SERIES_COLUMN = "series_uid"
_SCAN_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")
_SEPARATORS = (",", ";", "\t")


def read_scan_list(table: Path) -> list[ScanEntry]:
    """Return the scans of a list, in its order, one for each line that names a path.

    Paths are relative to the list's folder, or to the current one. A line whose age or sex makes no
    sense is an entry with a complaint. Raises InputError when the file is no such list.
    """
    name = printable(str(table))
    try:
        text = table.read_text(encoding="utf-8-sig", errors=ENCODING_ERRORS)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}", "check the file") from None
    header = text.split("\n", 1)[0].strip()
    separator = next((s for s in _SEPARATORS if "path" in _names(header, s)), None)
    if separator is None:
        raise InputError(
            f"the list {name} has no column path",
            "its first line is path,id,age,sex,session,group; all but path may be left out",
        )
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    columns = _names(header, separator)
    entries = []
    for line in lines[1:]:
        cells = dict(zip(columns, (cell.strip() for cell in line), strict=False))
        if cells.get("path"):
            entries.append(_entry(cells, table.parent))
    return with_folders(entries)


def _names(header: str, separator: str) -> list[str]:
    """Return the names of the columns; those of ours in any case."""
    names = [name.strip() for name in next(csv.reader([header], delimiter=separator), [])]
    return [name.lower() if name.lower() in (*COLUMNS, SERIES_COLUMN) else name for name in names]


def _entry(cells: Mapping[str, str], folder: Path) -> ScanEntry:
    path = cells["path"]
    complaint = None
    age_years = sex = None
    try:
        age_years, sex = age_of(cells.get("age")), sex_of(cells.get("sex"))
    except ValueError as error:
        complaint = str(error)
    identifier, session = cells.get("id", ""), cells.get("session", "")
    return ScanEntry(
        path=path,
        scan=str(_existing(path, folder)),
        id=identifier or _stem(path),
        session=session,
        group=cells.get("group", ""),
        age_years=age_years,
        sex=sex,
        series_uid=cells.get(SERIES_COLUMN) or None,
        # A table of results is a list, too; what an earlier run wrote is not taken over.
        further={name: cell for name, cell in cells.items() if name and name not in COLUMNS},
        folder="_".join(filter(None, (identifier, session))).replace("/", "-") or _stem(path),
        complaint=complaint,
    )


def _existing(path: str, folder: Path) -> Path:
    """Return where the scan lies: beside the list, or from where the program was started."""
    beside = folder / path
    return Path(path).absolute() if not beside.exists() and Path(path).exists() else beside


def _stem(path: str) -> str:
    """Return a file's name without what tells its format."""
    name = Path(path).name
    suffix = next((end for end in _SCAN_SUFFIXES if name.lower().endswith(end)), "")
    return name[: len(name) - len(suffix)]
