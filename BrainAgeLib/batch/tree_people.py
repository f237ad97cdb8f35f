"""Who the people of a folder tree are, by a ``participants.tsv`` in it."""

from __future__ import annotations

from pathlib import Path

from BrainAgeLib.batch.choice import Wish, sequences_of
from BrainAgeLib.batch.files import may_be_file
from BrainAgeLib.batch.left_out import people_without_scan
from BrainAgeLib.batch.table import Decision, ScanEntry, with_person
from BrainAgeLib.tables.participants import Participants, names_of_most


def with_people(
    root: Path, entries: list[ScanEntry], decisions: list[Decision], wish: Wish | None
) -> tuple[list[ScanEntry], list[Decision]]:
    """Return scans and decisions of a tree with what the table says of their people.

    A person is who a folder above the scan is called after: of all depths, that at which the table
    names most people, since visits or groups may come first. Only scans of ``root`` itself are
    known by their files' names, which others may share. Raises InputError when the table cannot be
    read.
    """
    above = [_folders(entry.path, root) for entry in entries]
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
    told = [
        with_person(entry, people.facts(*visit, "" if folders else Path(entry.path).name))
        for entry, visit, folders in zip(entries, visits, above, strict=True)
    ]
    people.tell_who_is_missing()
    people.tell_unclear_sexes()
    # Of whom a line says already why there is no scan, it need not be said again.
    spoken_of = {_name(item.id, _folders(item.path, root), depth) for item in decisions}
    missing = people.without_scan(spoken_of)
    return told, decisions + people_without_scan(root, missing, sequences_of(wish))


def _folders(path: str, root: Path) -> tuple[str, ...]:
    """Return the folders below ``root`` on the way to a scan, which may be a folder itself."""
    parts = Path(path).relative_to(root).parts
    return parts[:-1] if may_be_file(Path(path)) else parts


def _name(identifier: str, folders: tuple[str, ...], depth: int) -> str:
    """Return what a person is called at a depth of folders: nothing where there is no folder."""
    return "".join(folders[depth : depth + 1]) if folders else identifier
