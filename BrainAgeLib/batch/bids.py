"""The T1-weighted scans of a BIDS dataset, and the output of one as a BIDS derivative.

Its rules: https://bids-specification.readthedocs.io. ancpbids takes the names apart. Its reader of
whole datasets is not used: it walks into derivatives and around links in a circle, and the time it
takes grows with the square of the number of people.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ancpbids.utils import parse_bids_name

from BrainAgeLib import __version__
from BrainAgeLib.batch.files import folders_below, images_among
from BrainAgeLib.batch.left_out import people_without_scan
from BrainAgeLib.batch.table import COLUMNS, Decision, ScanEntry, with_folders
from BrainAgeLib.batch.tree import read_files
from BrainAgeLib.scan.agent_words import is_agent
from BrainAgeLib.scan.sidecar import tags_of_file
from BrainAgeLib.software import NAME
from BrainAgeLib.tables.participants import Participants
from BrainAgeLib.tables.person import Facts
from BrainAgeLib.whole_file import write_atomically

DESCRIPTION = "dataset_description.json"
_EXTENSIONS = (".nii", ".nii.gz")
# Of the release whose names the folders of the output follow.
BIDS_VERSION = "1.10.0"
# A folder has BIDS entities in its name; the files in it are those of every other scan.
NOT_BIDS = ("results.csv", "selection.csv", "batch.json", "index.html", "**/*_T1w/**")
NO_PLACE = "not T1w in a folder sub-*/anat or sub-*/ses-*/anat"
AFTER_AGENT = "after contrast agent, by name or JSON file: the model was trained without"
# The last is not BIDS: files with its names, without its folders.
_PLACES = ("sub-*/anat/*_T1w.nii*", "sub-*/ses-*/anat/*_T1w.nii*", "sub-*_T1w.nii*")


def is_bids(folder: Path) -> bool:
    """Say whether a folder is a BIDS dataset, described or only named like one."""
    return any(any(folder.glob(place)) for place in _PLACES)


def read_bids(dataset: Path, output: Path | None = None) -> tuple[list[ScanEntry], list[Decision]]:
    """Return every T1-weighted scan without contrast agent, in the order of the names, and why.

    Age, sex and group come from the person's line in ``participants.tsv``, or that of the session
    in ``sub-*_sessions.tsv`` when it has them; their other columns are carried along. Raises
    InputError when one of these tables cannot be read. ``output`` is passed over.
    """
    paths = sorted({path for place in _PLACES for path in dataset.glob(place)})
    people = Participants(dataset, [_person_and_session(path) for path in paths])
    entries, decisions, after_agent = [], [], []
    for path in paths:
        subject, session = _person_and_session(path)
        reason = _reason_against(dataset, path)
        decisions.append(_decision(dataset, path, reason))
        if reason is None:
            facts = people.facts(subject, session, path.name)
            entries.append(_entry(path, subject, session, facts))
        elif reason == AFTER_AGENT:
            entry = _entry(path, subject, session, Facts())
            after_agent.append(replace(entry, complaint=reason))
    people.tell_who_is_missing()
    people.tell_unclear_sexes()
    # Who has no other scan has a row that says so.
    taken = {(entry.id, entry.session) for entry in entries}
    entries += [entry for entry in after_agent if (entry.id, entry.session) not in taken]
    entries.sort(key=lambda entry: entry.path)
    of_others, others = _others(dataset, set(paths), output)
    decisions += others
    decisions += people_without_scan(
        dataset, people.without_scan(), {Path(item.path) for item in decisions}
    )
    return with_folders(entries + of_others), decisions


def _others(
    dataset: Path, known: set[Path], output: Path | None
) -> tuple[list[ScanEntry], list[Decision]]:
    """Return the scans beside the folders of people, whose names are anybody's, and why not more.

    What lies in those folders and is no T1w scan is left out, each file with a line that says so.
    """
    beside, decisions = [], []
    for folder, names in folders_below(dataset, output):
        for path in images_among(folder, names):
            if path not in known and folder == dataset:
                beside.append(path)
            elif path not in known:
                name = parse_bids_name(path.name)
                of_what = name["suffix"] if name else "a name that is not one of BIDS"
                decisions.append(_decision(dataset, path, f"{of_what}, {NO_PLACE}"))
    entries, of_files = read_files(dataset, beside)
    return entries, decisions + of_files


def _decision(dataset: Path, path: Path, reason_against: str | None) -> Decision:
    subject, session = _person_and_session(path)
    return Decision(
        "/".join(filter(None, (subject, session))),
        str(path),
        None,
        "T1w" if "_T1w" in path.name else path.name,
        reason_against is None,
        reason_against or f"{path.relative_to(dataset).as_posix()} is a T1w scan",
        subject,
        session,
    )


def _person_and_session(path: Path) -> tuple[str, str]:
    subject, *others = path.name.split("_")
    return subject, next((part for part in others if part.startswith("ses-")), "")


def _reason_against(dataset: Path, path: Path) -> str | None:
    """Say why a file that may be a T1-weighted scan is none to work on."""
    name = parse_bids_name(path.name)
    if name is None or name["suffix"] != "T1w" or name["extension"] not in _EXTENSIONS:
        return "its name is not one of BIDS: key-value parts, no dot but that of .nii or .nii.gz"
    if not name["entities"].get("sub"):
        return "its name does not say whose it is: sub-LABEL comes first"
    for folder in path.relative_to(dataset).parts[:-1]:
        key, _, label = folder.partition("-")
        if label and name["entities"].get(key, label) != label:
            return f"its name says {key}-{name['entities'][key]}, but it lies in {folder}"
    says_agent = is_agent(name["entities"].get("ce", "")) or tags_of_file(path).says_contrast_agent
    return AFTER_AGENT if says_agent else None


def _entry(path: Path, subject: str, session: str, facts: Facts) -> ScanEntry:
    name = path.name.removesuffix(".gz").removesuffix(".nii")
    return ScanEntry(
        path=str(path),
        scan=str(path),
        id=subject,
        session=session,
        group=facts.group,
        age_years=facts.age_years,
        sex=facts.sex,
        further={
            # A scanner's model, say, must not be taken for that of the brain age.
            f"participants_{column}" if column in COLUMNS else column: cell
            for column, cell in facts.further.items()
        },
        folder="/".join(filter(None, (subject, session, "anat", name))),
        complaint=facts.complaint,
    )


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
