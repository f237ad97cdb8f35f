"""The T1-weighted scans of a BIDS dataset.

The rules of its names are ancpbids' (https://bids-specification.readthedocs.io). It is given the
files of one person at a time, and only those next to scans: what it takes grows with the square of
the number of folders, and it would walk into derivatives and around links in a circle.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from ancpbids import DatasetOptions, load_dataset

from BrainAgeLib.cohort.choice import Decision
from BrainAgeLib.cohort.results_table import ENCODING_ERRORS
from BrainAgeLib.cohort.scan_entry import ScanEntry, age_of, sex_of, with_folders

DESCRIPTION = "dataset_description.json"
_OWN_COLUMNS = frozenset({"participant_id", "session_id", "file", "age", "sex", "group"})
Table = dict[str, dict[str, str]]


# The last is not BIDS: files with its names, without its folders.
_PLACES = ("sub-*/anat/*_T1w.nii*", "sub-*/ses-*/anat/*_T1w.nii*", "sub-*_T1w.nii*")


def is_bids(folder: Path) -> bool:
    """Say whether a folder is a BIDS dataset, described or only named like one."""
    return any(any(folder.glob(place)) for place in _PLACES)


def read_bids(dataset: Path) -> tuple[list[ScanEntry], list[Decision]]:
    """Return every T1-weighted scan without contrast agent, in the order of the names.

    Age, sex and group come from the person's line in ``participants.tsv``, or that of the session
    in ``sub-*_sessions.tsv`` when it has them; their other columns are carried along.
    """
    people = _table(dataset / "participants.tsv", "participant_id")
    by_file = _table(dataset / "participants.tsv", "file")  # a line a scan, not one a person
    entries, decisions = [], []
    for path, names in _scans(dataset):
        if not names.get("sub") or "ce" in names:
            reason = (
                "after contrast agent (ce-): the model was trained without"
                if "ce" in names
                else "its name is not one of BIDS: sub-LABEL_..._T1w, parts as key-value"
            )
            study = path.relative_to(dataset).parts[0]
            decisions.append(Decision(study, str(path), None, "T1w", False, reason))
            continue
        subject, visit = f"sub-{names['sub']}", f"ses-{names['ses']}" if "ses" in names else ""
        study = "/".join(filter(None, (subject, visit)))
        sessions = _table(dataset / subject / f"{subject}_sessions.tsv", "session_id")
        person = by_file.get(path.name) or people.get(subject, {})
        session = sessions.get(visit, {})
        person = person | {
            name: cell for name, cell in session.items() if cell or name not in person
        }
        entries.append(_entry(path, study, person))
        shown = path.relative_to(dataset).as_posix()
        decisions.append(Decision(study, str(path), None, "T1w", True, f"{shown} is a T1w scan"))
    return with_folders(entries), decisions


def _scans(dataset: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield each T1-weighted scan with the parts of its name, none where it is not of BIDS."""
    options = DatasetOptions(ignore_pickle_file=True)  # nothing that a dataset brings is run
    found = sorted(
        path.relative_to(dataset).as_posix() for place in _PLACES for path in dataset.glob(place)
    )
    for _, group in groupby(found, lambda path: path.split("/")[0]):
        paths = list(group)
        layout: Any = load_dataset(str(dataset), options, paths=paths)
        scans = layout.query(suffix="T1w", extension=[".nii", ".nii.gz"])
        names = {scan.get_relative_path(): scan.entities for scan in scans}
        yield from ((dataset / path, names.get(path, {})) for path in paths)


def _entry(path: Path, study: str, person: dict[str, str]) -> ScanEntry:
    subject, _, session = study.partition("/")
    name = path.name.removesuffix(".gz").removesuffix(".nii")
    entry = ScanEntry(
        path=str(path),
        scan=str(path),
        id=subject,
        session=session,
        group=person.get("group", ""),
        further={name: cell for name, cell in person.items() if name not in _OWN_COLUMNS},
        folder="/".join(filter(None, (subject, session, "anat", name))),
    )
    try:
        return replace(entry, age_years=age_of(person.get("age")), sex=sex_of(person.get("sex")))
    except ValueError as error:
        return replace(entry, complaint=f"participants.tsv: {error}")


def _table(path: Path, key: str) -> Table:
    """Return the lines of a table by what stands in one column; nothing when it is not there."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8-sig", errors=ENCODING_ERRORS, newline="") as lines:
        rows = [
            {(name or "").strip(): _cell(text) for name, text in row.items() if name}
            for row in csv.DictReader(lines, delimiter="\t")
        ]
    return {row[key]: row for row in rows if row.get(key)}


def _cell(text: str | None) -> str:
    """Return what a cell says; n/a is how BIDS leaves one empty."""
    stripped = (text or "").strip()
    return "" if stripped == "n/a" else stripped
