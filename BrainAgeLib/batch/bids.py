"""The scans of a BIDS dataset to predict from, and the output of one as a BIDS derivative.

A session's T1w scans are taken, or its T2w or FLAIR ones where it has none; or all of them.

Its rules: https://bids-specification.readthedocs.io. ancpbids takes the names apart. Its reader of
whole datasets is not used: it walks into derivatives and around links in a circle, and the time it
takes grows with the square of the number of people.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from BrainAgeLib import __version__
from BrainAgeLib.batch.bids_names import (
    in_template,
    is_after_agent,
    person_and_session,
    reason_against,
    suffix_of,
    why_no_scan,
)
from BrainAgeLib.batch.choice import (
    EACH,
    EACH_OF,
    IN_PLACE_OF_T1,
    NO_NATIVE_T1,
    Wish,
    asked_for,
    instead,
    preferred,
    sequences_of,
)
from BrainAgeLib.batch.files import folders_below, images_among
from BrainAgeLib.batch.left_out import (
    bids_folders_without_scan,
    closed_folders,
    people_without_scan,
)
from BrainAgeLib.batch.table import Decision, ScanEntry, with_folders, with_person
from BrainAgeLib.batch.tree import read_files
from BrainAgeLib.options import SEQUENCES
from BrainAgeLib.records import SequenceName
from BrainAgeLib.software import NAME
from BrainAgeLib.tables.participants import NAME as PARTICIPANTS_NAME
from BrainAgeLib.tables.participants import Participants
from BrainAgeLib.tables.person import Facts
from BrainAgeLib.whole_file import write_atomically

DESCRIPTION, BIDSIGNORE = "dataset_description.json", ".bidsignore"
# Of the release whose names the folders of the output follow.
BIDS_VERSION = "1.10.0"
# A folder has BIDS entities in its name; the files in it are those of every other scan.
NOT_BIDS = (
    *("results.csv", "sessions.csv", "selection.csv", "batch.json", "index.html"),
    *(f"**/*_{suffix}/**" for suffix in SEQUENCES),
)
AFTER_AGENT = "after contrast agent, by name or JSON file"
# The last is not BIDS: files with its names, without its folders.
_PLACES = ("sub-*/anat/*.nii*", "sub-*/ses-*/anat/*.nii*", "sub-*.nii*")


def is_bids(folder: Path) -> bool:
    """Say whether a folder is a BIDS dataset, described or only named like one.

    Names of other sequences than T1w are not enough: ``sub-01_T2w`` may lie beside ``sub-01_T1``.
    """
    is_described = any((folder / name).is_file() for name in (DESCRIPTION, PARTICIPANTS_NAME))
    suffixes = SEQUENCES if is_described else SEQUENCES[:1]
    return any(suffix_of(path) in suffixes for place in _PLACES for path in folder.glob(place))


def read_bids(
    dataset: Path, output: Path | None = None, wish: Wish | None = None
) -> tuple[list[ScanEntry], list[Decision]]:
    """Return the scans of every session to predict from, in the order of the names, and why.

    ``wish``: the sequence to take. Without it those are every T1w scan before contrast agent, else
    those after it, else every T2w, else every FLAIR; with ``EACH`` all of these, in this order in
    each session. Age, sex and group come from the person's line in ``participants.tsv``, or that of
    the session in ``sub-*_sessions.tsv`` when it has them; their other columns are carried along.
    Raises InputError when one of these tables cannot be read. ``output`` is passed over.
    """
    suffixes = sequences_of(wish)
    found = {path: reason_against(dataset, path) for path in _named(dataset)}
    candidates = [path for path in found if suffix_of(path) in suffixes]
    usable = [path for path in candidates if found[path] is None]
    taken = _each(usable) if wish == EACH else _taken(usable, suffixes)
    people = Participants(dataset, map(person_and_session, candidates))
    useless_t1 = {
        person_and_session(path) for path in candidates if found[path] and suffix_of(path) == "T1w"
    }
    entries, decisions = [], []
    for path, reason in found.items():
        visit = person_and_session(path)
        of_visit = taken.get(visit, [])
        own = next((one for one in of_visit if path in one.scans), None)
        first = own or (of_visit[0] if of_visit else _Taken())
        selection, why = _why(path, first, wish, visit in useless_t1)
        decisions.append(_decision(dataset, path, suffix_of(path) or "", bool(own), reason or why))
        if own is not None:
            entry = _entry(path, *visit, people.facts(*visit, path.name), selection)
            entries.append(replace(entry, taken_as=own.taken_as if wish == EACH else None))
    if wish == EACH:
        entries = _by_visit(entries)
    people.tell_who_is_missing()
    people.tell_unclear_sexes()
    of_others, others = _others(dataset, set(found), output, wish)
    decisions += others + closed_folders(dataset, output)
    decisions += bids_folders_without_scan(dataset, {Path(item.path) for item in decisions})
    decisions += people_without_scan(dataset, people.without_scan(), suffixes)
    return with_folders(entries + of_others), decisions


def _named(dataset: Path) -> list[Path]:
    """Return the files that lie and are called as scans are, in the order of their names."""
    paths = {path for place in _PLACES for path in dataset.glob(place)}
    return sorted(path for path in paths if suffix_of(path) is not None)


@dataclass(frozen=True)
class _Taken:
    """The scans to take of a person's session, all of one sequence."""

    scans: tuple[Path, ...] = ()
    sequence: SequenceName | None = None
    are_after_agent: bool = False

    @property
    def taken_as(self) -> SequenceName | None:
        """As which of ``EACH_OF`` they are taken."""
        is_enhanced = self.sequence == "T1w" and self.are_after_agent
        return "T1w after contrast" if is_enhanced else self.sequence


def _each(paths: list[Path]) -> dict[tuple[str, str], list[_Taken]]:
    """Return the scans of each person's sessions, of every sequence that is there."""
    of_visits: dict[tuple[str, str], list[_Taken]] = {}
    for suffix in ("T1w", *IN_PLACE_OF_T1):
        scans = [path for path in paths if suffix_of(path) == suffix]
        after = [path for path in scans if suffix == "T1w" and is_after_agent(path)]
        for some in ([path for path in scans if path not in after], after):
            for visit, (one,) in _taken(some, (suffix,)).items():
                of_visits.setdefault(visit, []).append(one)
    return of_visits


def _by_visit(entries: list[ScanEntry]) -> list[ScanEntry]:
    """Return the scans of each session side by side, the T1 first: tables count the first one."""
    visits = list(dict.fromkeys((entry.id, entry.session) for entry in entries))
    order = {visit: number for number, visit in enumerate(visits)}
    place = {name: number for number, name in enumerate(EACH_OF)}
    return sorted(
        entries,
        key=lambda entry: (order[entry.id, entry.session], place[entry.taken_as or EACH_OF[0]]),
    )


def _taken(
    paths: list[Path], suffixes: Iterable[SequenceName]
) -> dict[tuple[str, str], list[_Taken]]:
    """Return the scans to take of each person's sessions: of the first sequence that is there."""
    taken: dict[tuple[str, str], list[_Taken]] = {}
    for suffix in suffixes:
        of_visits: dict[tuple[str, str], list[Path]] = {}
        for path in paths:
            if suffix_of(path) == suffix and person_and_session(path) not in taken:
                of_visits.setdefault(person_and_session(path), []).append(path)
        for visit, scans in of_visits.items():
            native = [path for path in scans if not is_after_agent(path)]
            taken[visit] = [_Taken(tuple(native or scans), suffix, not native)]
    return taken


def _why(path: Path, taken: _Taken, wish: Wish | None, has_useless_t1: bool) -> tuple[str, str]:
    """Return what the results say of why a scan was taken, and why it was, or was not."""
    suffix = suffix_of(path)
    if path in taken.scans:
        selection = NO_NATIVE_T1 if taken.are_after_agent and suffix == "T1w" else ""
        if suffix != "T1w" or (wish == EACH and selection):
            selection = instead(suffix, has_useless_t1) if wish is None else asked_for(wish)
        selection = "; ".join(filter(None, (selection, in_template(path))))
        return selection, "; ".join(filter(None, (f"a {suffix} scan", selection)))
    if suffix == taken.sequence:
        return "", AFTER_AGENT
    if wish is not None and wish != EACH:
        return "", f"{suffix}; {asked_for(wish)}"
    is_less = taken.scans and wish is None
    other = f"--sequence {suffix} chooses it"
    return "", f"{suffix}: {preferred(taken.sequence, suffix) if is_less else other}"


def _others(
    dataset: Path, known: set[Path], output: Path | None, wish: Wish | None
) -> tuple[list[ScanEntry], list[Decision]]:
    """Return the scans beside the folders of people, whose names are anybody's, and why not more.

    What else lies in those folders is left out, each file with a line that says so.
    """
    beside, decisions = [], []
    for folder, names in folders_below(dataset, output):
        for path in images_among(folder, names):
            if path not in known and folder == dataset:
                beside.append(path)
            elif path not in known:
                decisions.append(_decision(dataset, path, path.name, False, why_no_scan(path)))
    entries, of_files = read_files(dataset, beside, wish)
    return entries, decisions + of_files


def _decision(dataset: Path, path: Path, description: str, is_taken: bool, why: str) -> Decision:
    subject, session = person_and_session(path)
    study = "/".join(filter(None, (subject, session)))
    reason = f"{path.relative_to(dataset).as_posix()} is {why}" if is_taken else why
    return Decision(study, str(path), None, description, is_taken, reason, subject, session)


def _entry(path: Path, subject: str, session: str, facts: Facts, selection: str) -> ScanEntry:
    name = path.name.removesuffix(".gz").removesuffix(".nii")
    entry = ScanEntry(
        path=str(path),
        scan=str(path),
        id=subject,
        session=session,
        folder="/".join(filter(None, (subject, session, "anat", name))),
        selection=selection,
    )
    return with_person(entry, facts)


def describe_derivative(output: Path) -> None:
    """Write ``dataset_description.json`` and ``.bidsignore``. Raises BrainAgeError."""
    description = {
        "Name": "Brain age",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": NAME, "Version": __version__}],
    }
    write_atomically(output / DESCRIPTION, f"{json.dumps(description, indent=2)}\n".encode())
    write_atomically(output / BIDSIGNORE, "".join(f"{name}\n" for name in NOT_BIDS).encode())
