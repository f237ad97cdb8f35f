"""Any folder tree of scans: the studies in it, and the scan of each: a T1, if there is one."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from BrainAgeLib.batch.choice import EACH, Wish, choose, taken_as
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
from BrainAgeLib.batch.left_out import folders_without_scan
from BrainAgeLib.batch.series import SeriesFacts, facts_of_file
from BrainAgeLib.batch.split_series import SeriesPart, part_of, series_of
from BrainAgeLib.batch.study import Study, of_one_visit, with_beside
from BrainAgeLib.batch.table import Decision, ScanEntry, with_folders
from BrainAgeLib.batch.told_apart import of_uid, told_apart
from BrainAgeLib.errors import printable
from BrainAgeLib.scan.dicom import dicom_series_in
from BrainAgeLib.scan.dicom_header import DicomHeader
from BrainAgeLib.scan.dicom_visit import patient_id
from BrainAgeLib.scan.file_kind import cannot_be_read
from BrainAgeLib.scan.itk import quiet_itk

# MR Image Storage and Enhanced MR Image Storage.
_MR_IMAGES = ("1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1")


class _StudyKey(NamedTuple):
    """What series of one study share. Anonymisers leave all people one UID, or an empty one.

    ``folder``: of a study without a UID. ``patient``: only tells studies apart; never written.
    """

    uid: str
    folder: str
    patient: str


def read_tree(
    root: Path, output: Path, wish: Wish | None = None
) -> tuple[list[ScanEntry], list[Decision]]:
    """Return one scan for each study below ``root``, and what was decided on every series.

    A study is what shares a DICOM study UID and a patient ID (a folder, where it has no UID), or
    image files of one folder whose names differ by the sequence only. A DICOM study without a
    series to take is an entry with a complaint. ``wish``: the sequence to take, or ``EACH``; None
    takes T2w or FLAIR where a study has no T1. ``output`` and other results of this program are
    passed over.
    """
    with quiet_itk():
        studies = list(_studies(root, output))
        scans, decisions = _scans_of(studies, wish, root)
    known = {item.path for item in decisions}
    known |= {part for study in studies for facts in study.series for part in facts.split}
    return scans, decisions + folders_without_scan(root, output, known)


def read_files(
    root: Path, images: list[Path], wish: Wish | None = None
) -> tuple[list[ScanEntry], list[Decision]]:
    """Return the same for image files of one folder, ``root``, alone."""
    with quiet_itk():
        return _scans_of(list(_file_studies(root, root, images)), wish, root)


def _scans_of(
    studies: list[Study], wish: Wish | None, root: Path
) -> tuple[list[ScanEntry], list[Decision]]:
    studies = of_one_visit(studies, root) if wish == EACH else with_beside(studies)
    decided = [_decide(study, wish) for study in studies]
    scans: list[ScanEntry] = []
    decisions: list[Decision] = []
    told = told_apart([entries for entries, _ in decided])
    for rows, (_, of_study) in zip(told, decided, strict=True):
        decisions += [_as_row_says(decision, rows) for decision in of_study]
        scans += rows
    return with_folders(scans), decisions


def _as_row_says(decision: Decision, rows: list[ScanEntry]) -> Decision:
    """Return a decision with id and session of its row, or of the first one of its study."""
    if not rows:
        return decision
    own = {(row.path, row.further.get("series_uid", "")): row for row in rows}
    row = own.get((decision.path, decision.series_uid or ""), rows[0])
    return replace(decision, id=row.id, session=row.session)


def _decide(study: Study, wish: Wish | None) -> tuple[list[ScanEntry], list[Decision]]:
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
        # What else cannot be read, reading it says.
        entries = [
            _entry(study, facts, facts.complaint if facts.split else None, choice.why)
            for facts in choice.taken
        ]
        if wish == EACH:
            entries = list(map(_as_taken, entries, choice.taken))
        return entries, decisions
    if not study.is_dicom:
        return [], decisions  # whether these files are a study of their own is a guess
    of_what = "T1-weighted, T2-weighted or FLAIR" if wish in (None, EACH) else wish
    complaint = f"no {of_what} series among {len(study.series)}: {'; '.join(choice.reasons)}"
    where = os.path.commonpath([facts.path for facts in study.series])
    nothing = SeriesFacts(where, None, "", None, 0)
    return [_entry(study, nothing, complaint)], decisions


def _as_taken(entry: ScanEntry, facts: SeriesFacts) -> ScanEntry:
    """Return the row of one of several sequences of a study, in a folder of its own."""
    sequence = taken_as(facts)
    return replace(
        entry,
        folder=f"{entry.folder}_{sequence}",
        selection="" if sequence == "T1w" else entry.selection,
        taken_as=sequence,
    )


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
    by_key: dict[_StudyKey, list[SeriesPart]] = {}
    for folder, names in folders_below(root, output):
        yield from _file_studies(root, folder, images_among(folder, names))
        others = others_among(folder, names)
        if any(map(is_dicom, others)):
            for key, part in _series(folder):
                by_key.setdefault(key, []).append(part)
        else:
            yield from _broken_study(root, folder, others)
    yield from _dicom_studies(root, _with_their_patients(by_key))


def _with_their_patients(
    by_key: dict[_StudyKey, list[SeriesPart]],
) -> dict[_StudyKey, list[SeriesPart]]:
    """Return the studies with series of no patient, as derived maps are, at the only patient's."""
    patients: dict[str, list[str]] = {}
    for key in by_key:
        patients.setdefault(key.uid, []).extend(filter(None, [key.patient]))
    found: dict[_StudyKey, list[SeriesPart]] = {}
    for key, parts in by_key.items():
        if key.uid and not key.patient and len(patients[key.uid]) == 1:
            key = key._replace(patient=patients[key.uid][0])
        found.setdefault(key, []).extend(parts)
    return found


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
        words = (
            f"{len(broken)} files that have names of DICOM and are none, not there or not readable"
        )
        parts = folder.relative_to(root).parts or (folder.name,)
        facts = SeriesFacts(str(folder), None, "", None, 0, complaint=words)
        yield Study("/".join(parts), parts, [facts])


def _series(folder: Path) -> Iterator[tuple[_StudyKey, SeriesPart]]:
    """Yield each DICOM series of a folder with its study; damaged slices are a series, too."""
    try:
        yield from _readable_series(folder)
    except OSError as error:  # predict could not read this folder, either
        name = printable(Path(error.filename or folder).name)
        yield _unread_series(folder, cannot_be_read(name, error).message)


def _readable_series(folder: Path) -> Iterator[tuple[_StudyKey, SeriesPart]]:
    series, others = dicom_series_in(folder)
    for headers in series.values():
        yield _study_of(folder, headers[0]), part_of(folder, headers, len(series) == 1)
    if not series and any(header.object_class in _MR_IMAGES for header in others):
        yield _unread_series(folder, "holds DICOM files but no complete image")


def _unread_series(folder: Path, complaint: str) -> tuple[_StudyKey, SeriesPart]:
    facts = SeriesFacts(str(folder), None, "", None, 0, complaint=complaint)
    return _StudyKey("", str(folder), ""), SeriesPart(folder, facts)


def _study_of(folder: Path, header: DicomHeader) -> _StudyKey:
    """Return the study of a series, told apart from those of others that share its UID."""
    uid = header.study_uid.strip()
    return _StudyKey(uid, "" if uid else str(folder), patient_id(header.path) or "")


def _dicom_studies(root: Path, by_key: dict[_StudyKey, list[SeriesPart]]) -> Iterator[Study]:
    places = {
        key: Path(os.path.commonpath([part.folder for part in held])).relative_to(root).parts
        for key, held in by_key.items()
    }
    studies_at = Counter(places.values())
    named: Counter[tuple[str, ...]] = Counter()
    for key, held in by_key.items():
        parts = places[key]
        if not parts or studies_at[parts] > 1:
            # No number of a patient or of a study may become a name: of the UID only this is shown.
            parts = (*parts, of_uid("study", key.uid))
            named[parts] += 1
            if named[parts] > 1:
                parts = (*parts[:-1], f"{parts[-1]}-{named[parts]}")
        yield Study("/".join(parts), parts, series_of(held), is_dicom=True)
