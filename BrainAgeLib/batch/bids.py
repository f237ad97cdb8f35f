"""The T1-weighted scans of a BIDS dataset, and the output of one as a BIDS derivative.

Its rules: https://bids-specification.readthedocs.io. ancpbids takes the names apart. Its reader of
whole datasets is not used: it walks into derivatives and around links in a circle, and the time it
takes grows with the square of the number of people.
"""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

from ancpbids.utils import parse_bids_name

from BrainAgeLib import __version__
from BrainAgeLib.batch.table import (
    COLUMNS,
    ENCODING_ERRORS,
    Decision,
    ScanEntry,
    age_of,
    sex_of,
    with_folders,
)
from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.agent_words import is_agent
from BrainAgeLib.scan.sidecar import tags_of_file
from BrainAgeLib.software import NAME
from BrainAgeLib.whole_file import write_atomically

DESCRIPTION = "dataset_description.json"
_OWN_COLUMNS = frozenset({"participant_id", "session_id", "file", "age", "sex", "group"})
_EXTENSIONS = (".nii", ".nii.gz")
# Of the release whose names the folders of the output follow.
BIDS_VERSION = "1.10.0"
# A folder has BIDS entities in its name; the files in it are those of every other scan.
NOT_BIDS = ("results.csv", "selection.csv", "batch.json", "index.html", "**/*_T1w/**")
AFTER_AGENT = "after contrast agent, by name or JSON file: the model was trained without"
Table = dict[str, dict[str, str]]
# The last is not BIDS: files with its names, without its folders.
_PLACES = ("sub-*/anat/*_T1w.nii*", "sub-*/ses-*/anat/*_T1w.nii*", "sub-*_T1w.nii*")


def is_bids(folder: Path) -> bool:
    """Say whether a folder is a BIDS dataset, described or only named like one."""
    return any(any(folder.glob(place)) for place in _PLACES)


def read_bids(dataset: Path) -> tuple[list[ScanEntry], list[Decision]]:
    """Return every T1-weighted scan without contrast agent, in the order of the names.

    Age, sex and group come from the person's line in ``participants.tsv``, or that of the session
    in ``sub-*_sessions.tsv`` when it has them; their other columns are carried along. Raises
    InputError when one of these tables cannot be read.
    """
    people = _table(dataset / "participants.tsv", "participant_id")
    by_file = _table(dataset / "participants.tsv", "file")  # a line a scan, not one a person
    entries, decisions, after_agent = [], [], []
    for path in sorted({path for place in _PLACES for path in dataset.glob(place)}):
        subject, *others = path.name.split("_")
        visit = next((part for part in others if part.startswith("ses-")), "")
        study = "/".join(filter(None, (subject, visit)))
        if reason := _reason_against(path):
            decisions.append(Decision(study, str(path), None, "T1w", False, reason))
            if reason == AFTER_AGENT:
                after_agent.append(replace(_entry(path, study, {}), complaint=reason))
            continue
        sessions = _table(dataset / subject / f"{subject}_sessions.tsv", "session_id")
        person = by_file.get(path.name) or people.get(subject, {})
        session = sessions.get(visit, {})
        person = person | {
            name: cell for name, cell in session.items() if cell or name not in person
        }
        entries.append(_entry(path, study, person))
        shown = path.relative_to(dataset).as_posix()
        decisions.append(Decision(study, str(path), None, "T1w", True, f"{shown} is a T1w scan"))
    # Who has no other scan has a row that says so.
    taken = {(entry.id, entry.session) for entry in entries}
    entries += [entry for entry in after_agent if (entry.id, entry.session) not in taken]
    return with_folders(sorted(entries, key=lambda entry: entry.path)), decisions


def _reason_against(path: Path) -> str | None:
    """Say why a file that may be a T1-weighted scan is none to work on."""
    name = parse_bids_name(path.name)
    if name is None or name["suffix"] != "T1w" or name["extension"] not in _EXTENSIONS:
        return "its name is not one of BIDS: key-value parts, no dot but that of .nii or .nii.gz"
    if not name["entities"].get("sub"):
        return "its name does not say whose it is: sub-LABEL comes first"
    says_agent = is_agent(name["entities"].get("ce", "")) or tags_of_file(path).says_contrast_agent
    return AFTER_AGENT if says_agent else None


def _entry(path: Path, study: str, person: dict[str, str]) -> ScanEntry:
    subject, _, session = study.partition("/")
    name = path.name.removesuffix(".gz").removesuffix(".nii")
    entry = ScanEntry(
        path=str(path),
        scan=str(path),
        id=subject,
        session=session,
        group=person.get("group", ""),
        further={
            # A scanner's model, say, must not be taken for that of the brain age.
            f"participants_{name}" if name in COLUMNS else name: cell
            for name, cell in person.items()
            if name not in _OWN_COLUMNS
        },
        folder="/".join(filter(None, (subject, session, "anat", name))),
    )
    try:
        return replace(entry, age_years=age_of(person.get("age")), sex=sex_of(person.get("sex")))
    except ValueError as error:
        return replace(entry, complaint=f"participants.tsv: {error}")


def _table(path: Path, key: str) -> Table:
    """Return the lines of a table by what stands in one column; nothing when it is not there.

    Raises InputError when it is there and cannot be read.
    """
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8-sig", errors=ENCODING_ERRORS, newline="") as lines:
            rows = [
                {_column(name): _cell(text) for name, text in row.items() if name}
                for row in csv.DictReader(lines, delimiter="\t")
            ]
    except (OSError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table: {error}", "mend that file") from error
    return {row[key]: row for row in rows if row.get(key)}


def _column(name: str) -> str:
    """Return the name of a column; those of ours in any case."""
    stripped = name.strip()
    return stripped.lower() if stripped.lower() in _OWN_COLUMNS else stripped


def _cell(text: str | None) -> str:
    """Return what a cell says; n/a is how BIDS leaves one empty."""
    stripped = (text or "").strip()
    return "" if stripped == "n/a" else stripped


def describe_derivative(output: Path) -> None:
    """Write ``dataset_description.json`` and ``.bidsignore``. Raises BrainAgeError."""
    description = {
        "Name": "Brain age",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": NAME, "Version": __version__}],
    }
    write_atomically(output / DESCRIPTION, f"{json.dumps(description, indent=2)}\n".encode())
    write_atomically(output / ".bidsignore", "".join(f"{name}\n" for name in NOT_BIDS).encode())
