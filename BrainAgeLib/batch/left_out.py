"""Folders and people without a scan: each is a line of ``selection.csv`` that says so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from BrainAgeLib.batch.files import folders_below, images_among, others_among
from BrainAgeLib.batch.table import FAILURE_NAME, Decision
from BrainAgeLib.scan.file_kind import cannot_be_read
from BrainAgeLib.tables.participants import NAME as PARTICIPANTS_NAME

MOST_NAMED = 20  # of the files of a folder, in one line


def folders_without_scan(root: Path, output: Path, known: set[str]) -> list[Decision]:
    """Return a line for each folder that is empty, has files of no kind that is read, or is closed.

    ``known``: paths of files and folders of which something is said already.
    """
    errors: list[OSError] = []
    decisions = []
    for folder, names in folders_below(root, output, errors.append):
        others = others_among(folder, names)
        # Notes and reports are no scans; where there is nothing else, somebody's scan is missing.
        is_end = folder != root and not any(folder.glob("[!.]*/"))
        if is_end and FAILURE_NAME not in names and not images_among(folder, names):
            others = [folder / name for name in names]
        if str(folder) in known or not known.isdisjoint(map(str, others)):
            continue
        if others or (is_end and not names):
            path = others[0] if len(others) == 1 else folder
            why = (
                f"no scan of a kind that is read: {_named(others)}" if others else "an empty folder"
            )
            decisions.append(_line(root, folder, path, why))
    return decisions + _lines_of_closed(root, errors)


def closed_folders(root: Path, output: Path | None) -> list[Decision]:
    """Return a line for each folder that cannot be read: whatever lies in it is left out."""
    errors: list[OSError] = []
    for _ in folders_below(root, output, errors.append):
        pass
    return _lines_of_closed(root, errors)


def _lines_of_closed(root: Path, errors: list[OSError]) -> list[Decision]:
    lines = []
    for error in errors:
        folder = Path(error.filename)
        why = cannot_be_read("the folder", error).message
        lines.append(_line(root, folder, folder, why))
    return lines


def _line(root: Path, folder: Path, path: Path, why: str) -> Decision:
    parts = folder.relative_to(root).parts or (folder.name,)
    study, session = "/".join(parts), "_".join(parts[1:])
    return Decision(study, str(path), None, "", False, why, parts[0], session)


def _named(paths: list[Path]) -> str:
    rest = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return ", ".join(path.name for path in paths[:MOST_NAMED]) + rest


def bids_folders_without_scan(dataset: Path, known: set[Path]) -> list[Decision]:
    """Return a line for each person's folder of a BIDS dataset of whose files nothing is said."""
    spoken_of = {parent for path in known for parent in path.parents}
    folders = [path for path in sorted(dataset.glob("sub-*/")) if path not in spoken_of]
    why = "no image file with a name of BIDS in this person's folder"
    return [Decision(path.name, str(path), None, "", False, why, path.name) for path in folders]


def people_without_scan(
    dataset: Path, named: Sequence[str], sequences: Sequence[str]
) -> list[Decision]:
    """Return a line for each person whom the table names and who has no scan of ``sequences``."""
    table = str(dataset / PARTICIPANTS_NAME)
    which = " or ".join(filter(None, (", ".join(sequences[:-1]), sequences[-1])))
    why = f"named in {PARTICIPANTS_NAME}, no {which} scan"
    return [Decision(name, table, None, "", False, why, name) for name in named]
