"""What a batch works on: the scans that its input names, and why these."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from BrainAgeLib.batch.bids_dataset import is_bids, read_bids
from BrainAgeLib.batch.choice import Decision
from BrainAgeLib.batch.csv_list import read_scan_list
from BrainAgeLib.batch.results_table import ENCODING, ENCODING_ERRORS
from BrainAgeLib.batch.scan_entry import ScanEntry
from BrainAgeLib.batch.scan_tree import read_tree
from BrainAgeLib.errors import InputError, printable
from BrainAgeLib.whole_file import write_atomically

SELECTION_NAME = "selection.csv"


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
        found = ScanList(read_scan_list(path), [])
    elif is_bids(path):
        found = ScanList(*read_bids(path), is_bids=True)
    else:
        found = ScanList(*read_tree(path, output))
    if not found.entries:
        count = len(found.decisions)
        left_out = f": {count} file{'s' * (count > 1)} or series were left out" if count else ""
        raise InputError(
            f"{name} holds no scan to predict from{left_out}",
            "give a BIDS dataset, a folder tree of T1 scans or a CSV list with the column path",
            tuple(f"{decision.path}: {decision.reason}" for decision in found.decisions[:20]),
        )
    # The same scan, whatever folder the program is started from.
    entries = [replace(entry, scan=str(Path(entry.scan).absolute())) for entry in found.entries]
    return replace(found, entries=entries)


def write_selection(decisions: Sequence[Decision], path: Path) -> None:
    """Write which series were chosen and why. Raises BrainAgeError when it cannot be written."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    names = [entry.name for entry in fields(Decision)]
    writer.writerow(names)
    for decision in decisions:
        values = [getattr(decision, name) for name in names]
        writer.writerow([{True: "yes", False: "no", None: ""}.get(v, v) for v in values])
    write_atomically(path, text.getvalue().encode(ENCODING, ENCODING_ERRORS))
