"""Any folder tree of scans: the studies in it, and the T1-weighted scan of each."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from BrainAgeLib.batch.files import (
    folders_below,
    images_among,
    is_dicom,
    looks_like_dicom,
    others_among,
    stem,
    without_sequence,
    without_sequence_at_ends,
)
from BrainAgeLib.batch.series import (
    AFTER_AGENT,
    SeriesFacts,
    choose,
    contrast_of,
    facts_of_file,
    facts_of_series,
)
from BrainAgeLib.batch.table import Decision, ScanEntry, with_folders
from BrainAgeLib.scan.dicom import dicom_series_in
from BrainAgeLib.scan.itk import quiet_itk

# MR Image Storage and Enhanced MR Image Storage.
_MR_IMAGES = ("1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1")

_Told = TypeVar("_Told", ScanEntry, Decision)


@dataclass
class Study:
    """Series that belong to one examination. ``name``: its place in the tree, or a made-up one."""

    name: str
    parts: tuple[str, ...]
    series: list[SeriesFacts] = field(default_factory=list)
    is_dicom: bool = False


def read_tree(root: Path, output: Path) -> tuple[list[ScanEntry], list[Decision]]:
    """Return one scan for each study below ``root``, and what was decided on every series.

    A study is what shares a DICOM study UID, or image files of one folder whose names differ by the
    sequence only. One without a T1-weighted series is an entry with a complaint. ``output`` and
    other results of this program are passed over.
    """
    with quiet_itk():
        return _scans_of(list(_studies(root, output)))


def read_files(root: Path, images: list[Path]) -> tuple[list[ScanEntry], list[Decision]]:
    """Return the same for image files of one folder, ``root``, alone."""
    with quiet_itk():
        return _scans_of(list(_file_studies(root, root, images)))


def _scans_of(studies: list[Study]) -> tuple[list[ScanEntry], list[Decision]]:
    entries: list[ScanEntry] = []
    decisions: list[Decision] = []
    for study in studies:
        of_study, decided = _decide(study)
        entries += of_study
        decisions += decided
    return _told_apart(entries, decisions)


def _told_apart(
    entries: list[ScanEntry], decisions: list[Decision]
) -> tuple[list[ScanEntry], list[Decision]]:
    """Give scans of one id and session the names of their files as sessions, too."""
    for name_of in (stem, lambda path: path.name):  # names may differ by what tells the format
        times = Counter((entry.id, entry.session) for entry in entries)
        entries = [_with_name(one, times, name_of) for one in entries]
        decisions = [_with_name(one, times, name_of) for one in decisions]
    return with_folders(entries), decisions


def _with_name(
    one: _Told, times: Counter[tuple[str, str]], name_of: Callable[[Path], str]
) -> _Told:
    if times[one.id, one.session] < 2:
        return one
    session = "_".join(filter(None, (one.session, name_of(Path(one.path)))))
    return replace(one, session=session)


def _decide(study: Study) -> tuple[list[ScanEntry], list[Decision]]:
    best, reasons = choose(study.series)
    chosen = [best] if best is not None else _unreadable(study.series)
    decisions = [
        Decision(
            study.name,
            facts.path,
            facts.series_uid,
            facts.description,
            facts in chosen,
            reason,
            *_id_and_session(study),
        )
        for facts, reason in zip(study.series, reasons, strict=True)
    ]
    if chosen:
        return [_entry(study, facts) for facts in chosen], decisions
    if not study.is_dicom and not any(reason.startswith(AFTER_AGENT) for reason in reasons):
        return [], decisions  # whether these files are a study of their own is a guess
    complaint = f"no T1-weighted series among {len(study.series)}: {'; '.join(reasons)}"
    where = os.path.commonpath([facts.path for facts in study.series])
    nothing = SeriesFacts(where, None, "", None, 0)
    return [_entry(study, nothing, complaint)], decisions


def _id_and_session(study: Study) -> tuple[str, str]:
    return study.parts[0], "_".join(study.parts[1:])


def _unreadable(series: Iterable[SeriesFacts]) -> list[SeriesFacts]:
    """Return what may be the T1 but cannot be read: a row of the results has to say so."""
    return [item for item in series if item.complaint and contrast_of(item)[0] in ("", "T1")]


def _entry(study: Study, facts: SeriesFacts, complaint: str | None = None) -> ScanEntry:
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
        yield f"{folder}", SeriesFacts(str(folder), None, "", None, 0, complaint=complaint)


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
            parts = (*parts, f"study-{sha256(uid.encode()).hexdigest()[:8]}")
        yield Study("/".join(parts), parts, [facts for _, facts in series], is_dicom=True)
