"""Any folder tree of scans: the studies in it, and the scan of each: a T1, if there is one."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from BrainAgeLib.batch.choice import choose, place_of
from BrainAgeLib.batch.files import (
    before_sequence,
    folders_below,
    images_among,
    is_dicom,
    looks_like_dicom,
    others_among,
    stem,
    without_sequence,
    without_sequence_at_ends,
)
from BrainAgeLib.batch.left_out import folders_without_scan
from BrainAgeLib.batch.series import SeriesFacts, facts_of_file, facts_of_series
from BrainAgeLib.batch.table import Decision, ScanEntry, with_folders
from BrainAgeLib.records import SequenceName
from BrainAgeLib.scan.dicom import dicom_series_in
from BrainAgeLib.scan.itk import quiet_itk

# MR Image Storage and Enhanced MR Image Storage.
_MR_IMAGES = ("1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1")


@dataclass
class Study:
    """Series that belong to one examination. ``name``: its place in the tree, or a made-up one.

    ``beside``: of the person's files of all studies, which contrast would be taken first.
    """

    name: str
    parts: tuple[str, ...]
    series: list[SeriesFacts] = field(default_factory=list)
    is_dicom: bool = False
    beside: int | None = None


def read_tree(
    root: Path, output: Path, wish: SequenceName | None = None
) -> tuple[list[ScanEntry], list[Decision]]:
    """Return one scan for each study below ``root``, and what was decided on every series.

    A study is what shares a DICOM study UID, or image files of one folder whose names differ by the
    sequence only. A DICOM study without a series to take is an entry with a complaint. ``wish``:
    the sequence to take; None takes T2w or FLAIR where a study has no T1. ``output`` and other
    results of this program are passed over.
    """
    with quiet_itk():
        scans, decisions = _scans_of(list(_studies(root, output)), wish)
    return scans, decisions + folders_without_scan(root, output, {item.path for item in decisions})


def read_files(
    root: Path, images: list[Path], wish: SequenceName | None = None
) -> tuple[list[ScanEntry], list[Decision]]:
    """Return the same for image files of one folder, ``root``, alone."""
    with quiet_itk():
        return _scans_of(list(_file_studies(root, root, images)), wish)


def _scans_of(
    studies: list[Study], wish: SequenceName | None
) -> tuple[list[ScanEntry], list[Decision]]:
    decided = [_decide(study, wish) for study in _with_beside(studies)]
    told_apart = iter(_told_apart([entry for entries, _ in decided for entry in entries]))
    scans: list[ScanEntry] = []
    decisions: list[Decision] = []
    for entries, of_study in decided:
        rows = [next(told_apart) for _ in entries]
        decisions += [_as_row_says(decision, rows) for decision in of_study]
        scans += rows
    return with_folders(scans), decisions


def _told_apart(entries: list[ScanEntry]) -> list[ScanEntry]:
    """Give scans of one id and session what tells them apart as sessions, too."""
    # Names may differ by what tells the format, series of one folder by their UID alone.
    for name_of in (lambda row: stem(Path(row.path)), lambda row: Path(row.path).name, _series_of):
        names: dict[tuple[str, str], set[str]] = {}
        for entry in entries:
            names.setdefault((entry.id, entry.session), set()).add(name_of(entry))
        entries = [
            _in_session(entry, name_of(entry)) if len(names[entry.id, entry.session]) > 1 else entry
            for entry in entries
        ]
    return _numbered(entries)


def _series_of(entry: ScanEntry) -> str:
    uid = entry.further.get("series_uid", "")
    return _of_uid("series", uid) if uid else ""


def _in_session(entry: ScanEntry, name: str) -> ScanEntry:
    return replace(entry, session="_".join(filter(None, (entry.session, name))))


def _numbered(entries: list[ScanEntry]) -> list[ScanEntry]:
    """Give scans that nothing tells apart, or whose new session is another's, a number."""
    times = Counter((entry.id, entry.session) for entry in entries)
    taken = {key for key, count in times.items() if count == 1}
    numbered = []
    for entry in entries:
        named, copy = entry, 1
        while times[entry.id, entry.session] > 1 and (named.id, named.session) in taken:
            copy += 1
            named = _in_session(entry, str(copy))
        taken.add((named.id, named.session))
        numbered.append(named)
    return numbered


def _as_row_says(decision: Decision, rows: list[ScanEntry]) -> Decision:
    """Return a decision with id and session of its row, or of the first one of its study."""
    if not rows:
        return decision
    own = {(row.path, row.further.get("series_uid", "")): row for row in rows}
    row = own.get((decision.path, decision.series_uid or ""), rows[0])
    return replace(decision, id=row.id, session=row.session)


def _with_beside(studies: list[Study]) -> list[Study]:
    """Tell studies of files what other files of the person are.

    Which files are a study is a guess: ``T1_5mm`` and ``T2_4mm`` lie side by side, or in folders.
    """
    first: dict[tuple[str, ...], int] = {}
    for study in studies:
        for facts in () if study.is_dicom else choose(study.series).taken:
            place = place_of(facts)
            if place is not None:
                first[_owner(facts)] = min(place, first.get(_owner(facts), place))

    def of_person(study: Study) -> int | None:
        owners = () if study.is_dicom else map(_owner, study.series)
        return min((first[owner] for owner in owners if owner in first), default=None)

    return [replace(study, beside=of_person(study)) for study in studies]


def _owner(facts: SeriesFacts) -> tuple[str, ...]:
    """Return what names of folders and file say before they speak of a sequence."""
    path = Path(facts.path)
    return tuple(name for name in map(before_sequence, map(Path, path.parts)) if name)


def _decide(study: Study, wish: SequenceName | None) -> tuple[list[ScanEntry], list[Decision]]:
    choice = choose(study.series, wish, study.beside)
    decisions = [
        Decision(
            study.name,
            facts.path,
            facts.series_uid,
            facts.description,
            facts in choice.taken,
            reason,
            *_id_and_session(study),
        )
        for facts, reason in zip(study.series, choice.reasons, strict=True)
    ]
    if choice.taken:
        return [_entry(study, facts, selection=choice.why) for facts in choice.taken], decisions
    if not study.is_dicom:
        return [], decisions  # whether these files are a study of their own is a guess
    of_what = wish or "T1-weighted, T2-weighted or FLAIR"
    complaint = f"no {of_what} series among {len(study.series)}: {'; '.join(choice.reasons)}"
    where = os.path.commonpath([facts.path for facts in study.series])
    nothing = SeriesFacts(where, None, "", None, 0)
    return [_entry(study, nothing, complaint)], decisions


def _id_and_session(study: Study) -> tuple[str, str]:
    return study.parts[0], "_".join(study.parts[1:])


def _entry(
    study: Study, facts: SeriesFacts, complaint: str | None = None, selection: str = ""
) -> ScanEntry:
    identifier, session = _id_and_session(study)
    return ScanEntry(
        path=facts.path,
        scan=facts.path,
        id=identifier,
        session=session,
        series_uid=None if facts.is_alone else facts.series_uid,
        further={"series_uid": facts.series_uid or ""} if study.is_dicom else {},
        folder="_".join(study.parts),
        complaint=complaint,
        selection=selection,
    )


def _studies(root: Path, output: Path) -> Iterator[Study]:
    by_uid: dict[str, list[tuple[Path, SeriesFacts]]] = {}
    for folder, names in folders_below(root, output):
        yield from _file_studies(root, folder, images_among(folder, names))
        others = others_among(folder, names)
        if any(map(is_dicom, others)):
            for uid, facts in _series(folder):
                by_uid.setdefault(uid, []).append((folder, facts))
        else:
            yield from _broken_study(root, folder, others)
    yield from _dicom_studies(root, by_uid)


def _file_studies(root: Path, folder: Path, images: list[Path]) -> Iterator[Study]:
    groups: dict[str, list[Path]] = {}
    for path in images:
        groups.setdefault(without_sequence(path), []).append(path)
    above = folder.relative_to(root).parts
    for key, paths in groups.items():
        own = key if len(paths) > 1 else without_sequence_at_ends(paths[0])
        # Several groups are several people or visits; which, the names do not say.
        alone = len(groups) == 1 and above
        parts = above if alone else ("_".join((*above, own or stem(paths[0]))),)
        yield Study("_".join(parts), parts, [facts_of_file(path) for path in paths])


def _broken_study(root: Path, folder: Path, others: list[Path]) -> Iterator[Study]:
    """Yield a study of a folder whose files only have the names of DICOM."""
    broken = [path for path in others if looks_like_dicom(path)]
    if broken:
        words = f"{len(broken)} files that have names of DICOM and are none, or are not there"
        parts = folder.relative_to(root).parts or (folder.name,)
        facts = SeriesFacts(str(folder), None, "", None, 0, complaint=words)
        yield Study("/".join(parts), parts, [facts])


def _series(folder: Path) -> Iterator[tuple[str, SeriesFacts]]:
    """Yield each DICOM series of a folder with its study; damaged slices are a series, too."""
    series, others = dicom_series_in(folder)
    for headers in series.values():
        yield headers[0].study_uid, facts_of_series(folder, headers, len(series) == 1)
    if not series and any(header.object_class in _MR_IMAGES for header in others):
        complaint = "holds DICOM files but no complete image"
        yield str(folder), SeriesFacts(str(folder), None, "", None, 0, complaint=complaint)


def _dicom_studies(
    root: Path, by_uid: dict[str, list[tuple[Path, SeriesFacts]]]
) -> Iterator[Study]:
    places = {
        uid: Path(os.path.commonpath([folder for folder, _ in series])).relative_to(root).parts
        for uid, series in by_uid.items()
    }
    studies_at = Counter(places.values())
    for uid, series in by_uid.items():
        parts = places[uid]
        if not parts or studies_at[parts] > 1:
            # No number of a patient or of a study may become a name: of the UID only this is shown.
            parts = (*parts, _of_uid("study", uid))
        yield Study("/".join(parts), parts, [facts for _, facts in series], is_dicom=True)


def _of_uid(what: str, uid: str) -> str:
    return f"{what}-{sha256(uid.encode()).hexdigest()[:8]}"
