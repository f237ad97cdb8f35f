"""What a batch works on: the scans that its input names, and why these.

The input is a BIDS dataset (``bids``), any other folder tree (``tree``), or a list in a CSV or TSV
file: ``path[,id,age,sex,session,group]`` and further columns.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from BrainAgeLib.batch.bids import is_bids, read_bids
from BrainAgeLib.batch.table import (
    COLUMNS,
    ENCODING_ERRORS,
    Decision,
    ScanEntry,
    age_of,
    sex_of,
    with_folders,
)
from BrainAgeLib.batch.tree import read_tree
from BrainAgeLib.errors import InputError, printable

SERIES_COLUMN = "series_uid"
_SCAN_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")
_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class ScanList:
    """The scans of a batch in their order. ``decisions`` is empty for a list, which decides."""

    entries: list[ScanEntry]
    decisions: list[Decision]
    is_bids: bool = False


def find_scans(given: str, output: Path) -> ScanList:
    """Return the scans of a BIDS dataset, a folder tree or a CSV list.

    Raises InputError when there is no such input or no scan in it.
    """
    path, name = Path(given), printable(given)
    if not path.exists():
        raise InputError(f"{name} does not exist", "check the path")
    if path.is_file():
        scans = ScanList(read_scan_list(path), [])
    elif is_bids(path):
        scans = ScanList(*read_bids(path), is_bids=True)
    else:
        scans = ScanList(*read_tree(path, output))
    if not scans.entries:
        count = len(scans.decisions)
        left_out = f": {count} file{'s' * (count > 1)} or series were left out" if count else ""
        raise InputError(
            f"{name} holds no scan to predict from{left_out}",
            "give a BIDS dataset, a folder tree of T1 scans or a CSV list with the column path",
            tuple(f"{decision.path}: {decision.reason}" for decision in scans.decisions[:20]),
        )
    # The same scan, whatever folder the program is started from.
    entries = [replace(entry, scan=str(Path(entry.scan).absolute())) for entry in scans.entries]
    return replace(scans, entries=entries)


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
    hint = "its first line is path,id,age,sex,session,group; all but path may be left out"
    try:
        header = text.split("\n", 1)[0].strip()
        separator = next((s for s in _SEPARATORS if "path" in _names(header, s)), None)
        if separator is None:
            raise InputError(f"the list {name} has no column path", hint)
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:  # a scan in its place, say, with a cell of megabytes
        raise InputError(f"the list {name} is no table: {error}", hint) from error
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
