"""Who the people of a folder tree are, by a ``participants.tsv`` in it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from BrainAgeLib.batch.bids import is_bids
from BrainAgeLib.batch.choice import Wish, sequences_of
from BrainAgeLib.batch.files import may_be_file
from BrainAgeLib.batch.left_out import people_without_scan
from BrainAgeLib.batch.table import Decision, ScanEntry, with_person
from BrainAgeLib.errors import printable
from BrainAgeLib.tables.participants import Participants, names_of_most

logger = logging.getLogger(__name__)


def with_people(
    root: Path, entries: list[ScanEntry], decisions: list[Decision], wish: Wish | None
) -> tuple[list[ScanEntry], list[Decision]]:
    """Return scans and decisions of a tree with what the table says of their people.

    A person is who a folder above the scan is called after: of all depths, that at which the table
    names most people, since visits or groups may come first; then these are the session, and the
    row has the person's id. Only scans of ``root`` itself are known by their files' names, which
    others may share. Raises InputError when the table cannot be read.
    """
    above = [_folders_of_study(entry, root) for entry in entries]
    names = [
        [_name(entry.id, folders, depth) for entry, folders in zip(entries, above, strict=True)]
        for depth in range(max(map(len, above), default=0) or 1)
    ]
    depth = names_of_most(root, names)
    visits = [
        (name, "_".join(folders[:depth] + folders[depth + 1 :]))
        for name, folders in zip(names[depth], above, strict=True)
    ]
    people = Participants(root, visits)
    told, called = [], {}
    for entry, visit, folders in zip(entries, visits, above, strict=True):
        name = "" if folders else Path(entry.path).name
        own = entry.id, entry.session
        called[own] = visit if depth and visit[0] and own == _called(folders) else own
        known = with_person(entry, people.facts(*visit, name))
        told.append(replace(known, id=called[own][0], session=called[own][1]))
    people.tell_who_is_missing()
    people.tell_unclear_sexes()
    # Of whom a line says already why there is no scan, it need not be said again.
    spoken_of = {_name(item.id, _folders(item.path, root), depth) for item in decisions}
    missing = people.without_scan(spoken_of)
    lines = [_with_id(line, *called.get((line.id, line.session), ())) for line in decisions]
    _tell_of_datasets(root, told)
    return told, lines + people_without_scan(root, missing, sequences_of(wish))


def _tell_of_datasets(root: Path, entries: Iterable[ScanEntry]) -> None:
    """Log where people of a dataset further down are called by a folder above it, all alike."""
    inside: dict[Path, None] = {}
    for entry in entries:
        folders = _folders(entry.path, root)
        depth = next((n for n, name in enumerate(folders) if name.startswith("sub-")), 0)
        if depth and entry.id != folders[depth]:
            inside[root.joinpath(*folders[:depth])] = None
    if datasets := [folder for folder in inside if is_bids(folder)]:
        logger.warning(
            "%s below this folder (%d such) is a BIDS dataset: so its people are not told apart by "
            "id, and its participants.tsv is not read; give the dataset itself",
            *(printable(datasets[0].name), len(datasets)),
        )


def _with_id(line: Decision, identifier: str = "", session: str = "") -> Decision:
    return replace(line, id=identifier, session=session) if identifier else line


def _folders_of_study(entry: ScanEntry, root: Path) -> tuple[str, ...]:
    """Return the folders that a scan's id and session are of; all above it where these differ."""
    folders = _folders(entry.path, root)
    first = (folders[:count] for count in range(1, len(folders) + 1))
    return next((some for some in first if _called(some) == (entry.id, entry.session)), folders)


def _called(folders: tuple[str, ...]) -> tuple[str, str]:
    """Return the id and session of a study that has these folders to itself."""
    return "".join(folders[:1]), "_".join(folders[1:])


def _folders(path: str, root: Path) -> tuple[str, ...]:
    """Return the folders below ``root`` on the way to a scan, which may be a folder itself."""
    parts = Path(path).relative_to(root).parts
    return parts[:-1] if may_be_file(Path(path)) else parts


def _name(identifier: str, folders: tuple[str, ...], depth: int) -> str:
    """Return what a person is called at a depth of folders: nothing where there is no folder."""
    return "".join(folders[depth : depth + 1]) if folders else identifier
