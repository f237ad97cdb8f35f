"""What a batch works on: the scans that its input names, and why these.

The input is a BIDS dataset (``bids``), any other folder tree (``tree``), or a list in a CSV or TSV
file: ``path[,id,age,sex,session,group]`` and further columns.
"""

from __future__ import annotations

import logging
import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from BrainAgeLib.batch.bids import is_bids, read_bids
from BrainAgeLib.batch.choice import EACH, Wish
from BrainAgeLib.batch.files import images_among, is_dicom, stem
from BrainAgeLib.batch.table import COLUMNS, Decision, ScanEntry, with_folders
from BrainAgeLib.batch.tree import read_tree
from BrainAgeLib.batch.tree_people import with_people
from BrainAgeLib.errors import InputError, printable
from BrainAgeLib.run_folder import is_there
from BrainAgeLib.scan.file_kind import cannot_be_read
from BrainAgeLib.tables.person import Facts, person_columns, units_beside
from BrainAgeLib.tables.sexes import UnclearSexes
from BrainAgeLib.tables.sheet import legible, read_sheet

logger = logging.getLogger(__name__)

SERIES_COLUMN = "series_uid"
_READ = ("path", "id", "age", "sex", "session", "group")
_OTHER_NAMES = (("id", "participant_id"), ("session", "session_id"))
_HINT = "its first line is path,id,age,sex,session,group; all but path may be left out"


@dataclass(frozen=True)
class ScanList:
    """The scans of a batch in their order. ``decisions`` is empty for a list, which decides.

    ``kept``: the folders of those that this run was not asked for and whose rows stay as they are.
    """

    entries: list[ScanEntry]
    decisions: list[Decision]
    is_bids: bool = False
    kept: frozenset[str] = frozenset()


def find_scans(given: str, output: Path, wish: Wish | None = None) -> ScanList:
    """Return the scans of a BIDS dataset, a folder tree or a CSV list.

    ``wish``: the sequence to take of a study, or ``EACH``; a list decides itself. None takes a T1,
    or T2w or FLAIR where there is none.

    Raises InputError when there is no such input, no scan in it, or a scan in place of a list.
    """
    path, name = Path(given), printable(given)
    if not path.exists():
        raise InputError(f"{name} does not exist", "check the path")
    if path.is_file():
        if images_among(path.parent, [path.name]) or is_dicom(path):
            hint = "batch takes a folder or a CSV list of scans, brainage predict a single scan"
            raise InputError(f"{name} is no list of scans", hint)
        scans = ScanList(read_scan_list(path), [])
    elif _is_dataset(path):
        scans = ScanList(*read_bids(path, output, wish), is_bids=True)
    else:
        scans = ScanList(*with_people(path, *read_tree(path, output, wish), wish))
    if not scans.entries:
        count, of_what = len(scans.decisions), "T1" if wish in (None, EACH) else wish
        left_out = f": {count} file{'s' * (count > 1)} or series were left out" if count else ""
        raise InputError(
            f"{name} holds no scan to predict from{left_out}",
            f"give a BIDS dataset, a folder tree of {of_what} scans or a CSV list with the column "
            "path",
            tuple(f"{decision.path}: {decision.reason}" for decision in scans.decisions[:20]),
        )
    # The same scan, whatever folder the program is started from.
    entries = [replace(entry, scan=str(Path(entry.scan).absolute())) for entry in scans.entries]
    return replace(scans, entries=entries)


def _is_dataset(folder: Path) -> bool:
    try:
        return is_bids(folder)
    except OSError as error:  # nobody may look into it
        raise cannot_be_read(printable(str(folder)), error) from error


def read_scan_list(table: Path) -> list[ScanEntry]:
    """Return the scans of a list, in its order, one for each line that is not empty.

    Paths are relative to the list's folder, or to the current one. A column with the name of one of
    the results, ``sequence`` say, is carried along as ``list_sequence``. A line without a path or
    with an age that makes no sense is an entry with a complaint, and so are two that give one scan
    different ages; a sex that is neither F nor M is left empty and told of, and so is a list none
    of whose columns is one of ages. Raises InputError when the file is no such list.
    """
    sheet = read_sheet(table, ("path",), _HINT)
    names = {name.lower(): name for name in reversed(sheet.columns)}
    names |= {
        ours: names[other] for ours, other in _OTHER_NAMES if ours not in names and other in names
    }
    columns = person_columns(sheet, COLUMNS, units_beside(table))
    unclear = UnclearSexes()
    unclear.count(table.name, columns.sexes, [row.cells for row in sheet.rows])
    unclear.tell()
    if not columns.ages and (others := [name for name in sheet.columns if name not in columns.own]):
        words = "%s has no column age; these are carried along and not looked at: %s"
        logger.warning(words, printable(table.name), ", ".join(map(printable, others)))
    # A table of results is a list, too; what an earlier run wrote is not taken over.
    is_of_results = "brain_age_years" in names
    like_ours = [
        name
        for name in sheet.columns
        if name.lower() in COLUMNS and name.lower() not in _READ and not is_of_results
    ]
    entries = []
    for row in sheet.rows:
        cells = {ours: row.cells[name] for ours, name in names.items()}
        if "\0" in cells["path"]:  # of a damaged list; no system takes it in a name
            cells["path"] = ""
        facts = columns.facts(row)
        kept = {f"list_{name}": legible(row.cells[name]) for name in like_ours}
        facts = replace(facts, further={**facts.further, **kept})
        entry = _entry(cells, facts, table.parent)
        if not cells["path"]:
            entry = replace(
                entry,
                folder=f"line_{row.line}",
                complaint=f"line {row.line} of the list names no path",
            )
        entries.append(entry)
    return with_folders(_without_contradictions(entries))


def _entry(cells: Mapping[str, str], facts: Facts, folder: Path) -> ScanEntry:
    path, scan = _existing(cells["path"], folder)
    identifier, session = legible(cells.get("id", "")), legible(cells.get("session", ""))
    return ScanEntry(
        path=path,
        scan=str(scan),
        id=identifier or stem(Path(path)),
        session=session,
        group=facts.group,
        age_years=facts.age_years,
        sex=facts.sex,
        series_uid=cells.get(SERIES_COLUMN) or None,
        further=facts.further,
        folder="_".join(filter(None, (identifier, session))).replace("/", "-") or stem(Path(path)),
        complaint=facts.complaint,
        visit=_visit(identifier or f"path {path}", session, facts, cells),
    )


def _visit(person: str, session: str, facts: Facts, cells: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the lines of one session share: it names one, or ages to parts of a year.

    People may have visits of which a list names neither; then every line is one of its own.
    """
    if session:
        return "session", person, session
    if facts.age_years is not None and facts.age_years % 1:
        return "age", person, f"{facts.age_years:g}", facts.sex or ""
    return "line", person, cells["path"], cells.get(SERIES_COLUMN, "")


def _without_contradictions(entries: list[ScanEntry]) -> list[ScanEntry]:
    """Give entries of one scan with different ages a complaint each."""
    ages: dict[tuple[str, str | None], set[float]] = {}
    for entry in entries:
        if entry.age_years is not None:
            ages.setdefault((entry.scan, entry.series_uid), set()).add(entry.age_years)
    words = "the list names this scan more than once, with different ages"
    return [
        replace(entry, age_years=None, complaint=entry.complaint or words)
        if len(ages.get((entry.scan, entry.series_uid), ())) > 1
        else entry
        for entry in entries
    ]


def _existing(given: str, folder: Path) -> tuple[str, Path]:
    """Return a path as people read it and where the scan lies.

    It lies beside the list or from where the program was started. Of a name the list may have other
    bytes than the disk: another encoding, composed letters, the signs of Windows between folders.
    """
    text = legible(given)
    spellings = [given, text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))]
    if os.sep == "/":
        spellings += [text.replace("\\", "/")]
    for path in dict.fromkeys(spellings):
        for place in (folder / path, Path(path).absolute()):
            if is_there(place):
                return path, place
    return text, folder / text
