"""Any folder tree of scans: the studies in it, and the T1-weighted scan of each."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

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
from BrainAgeLib.scan.file_kind import FileKind, kind_of
from BrainAgeLib.scan.itk import quiet_itk

SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
_NO_IMAGES = (".json", ".tsv", ".csv", ".txt", ".html", ".bval", ".bvec", ".md", ".pdf", ".tfm")
_OUTPUT_OF_OURS = "prediction.json"
_LEFT_OUT = ("derivatives", "sourcedata", "code")  # of BIDS
# MR Image Storage and Enhanced MR Image Storage.
_MR_IMAGES = ("1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1")
# Words of a file name that tell a sequence, not a person.
_SEQUENCE_WORD = re.compile(
    r"(?:t1(?:n|c|ce|gd|gad|km|post)?|t2|pd|flair|dwi|dti|adc|swi|ce|gd|km|tse|se|fse|gre|tra|ax|axial|cor|sag|2d|3d|mprage"
    r"|brain|bet|mask|post|pre|star)(?:w|wi|weighted)?",
    re.IGNORECASE,
)


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
    entries: list[ScanEntry] = []
    decisions: list[Decision] = []
    with quiet_itk():
        studies = _studies(root, output)
    for study in studies:
        of_study, decided = _decide(study)
        entries += of_study
        decisions += decided
    return with_folders(entries), decisions


def _decide(study: Study) -> tuple[list[ScanEntry], list[Decision]]:
    best, reasons = choose(study.series)
    chosen = [best] if best is not None else _unreadable(study.series)
    decisions = [
        Decision(
            study.name, facts.path, facts.series_uid, facts.description, facts in chosen, reason
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


def _unreadable(series: Iterable[SeriesFacts]) -> list[SeriesFacts]:
    """Return what may be the T1 but cannot be read: a row of the results has to say so."""
    return [item for item in series if item.complaint and contrast_of(item)[0] in ("", "T1")]


def _entry(study: Study, facts: SeriesFacts, complaint: str | None = None) -> ScanEntry:
    return ScanEntry(
        path=facts.path,
        scan=facts.path,
        id=study.parts[0],
        session="_".join(study.parts[1:]),
        series_uid=facts.series_uid,
        further={"series_uid": facts.series_uid or ""} if study.is_dicom else {},
        folder="_".join(study.parts),
        complaint=complaint,
    )


def _studies(root: Path, output: Path) -> Iterator[Study]:
    by_uid: dict[str, list[tuple[Path, SeriesFacts]]] = {}
    for folder, names in _folders(root, output):
        images = [folder / name for name in names if name.lower().endswith(SUFFIXES)]
        yield from _file_studies(root, folder, images)
        others = [name for name in names if not name.lower().endswith(SUFFIXES + _NO_IMAGES)]
        if any(kind_of(folder / name) is FileKind.DICOM for name in others):
            for uid, facts in _series(folder):
                by_uid.setdefault(uid, []).append((folder, facts))
    yield from _dicom_studies(root, by_uid)


def _folders(root: Path, output: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield every folder with the names of its files, in order, each once in spite of links."""
    seen = {output.resolve()}
    for where, folders, names in os.walk(root, followlinks=True):
        here = Path(where)
        if here.resolve() in seen or _OUTPUT_OF_OURS in names:
            folders.clear()
            continue
        seen.add(here.resolve())
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _LEFT_OUT)
        files = [name for name in sorted(names) if not name.startswith(".")]
        yield here, [name for name in files if (here / name).is_file()]


def _file_studies(root: Path, folder: Path, images: list[Path]) -> Iterator[Study]:
    groups: dict[str, list[Path]] = {}
    for path in images:
        groups.setdefault(_without_sequence(path), []).append(path)
    above = folder.relative_to(root).parts
    for key, paths in groups.items():
        # Several groups are several people or visits; which, the names do not say.
        alone = len(groups) == 1 and above
        name = "_".join((*above, key or _stem(paths[0])))
        parts = above if alone else (name,)
        yield Study(name, parts, [facts_of_file(path) for path in paths])


def _without_sequence(path: Path) -> str:
    words = re.findall(r"([^\W_]+)([\W_]*)", _stem(path))
    kept = [word + after for word, after in words if not _SEQUENCE_WORD.fullmatch(word)]
    return re.sub(r"^[\W_]+|[\W_]+$", "", "".join(kept))


def _stem(path: Path) -> str:
    suffix = next(end for end in SUFFIXES if path.name.lower().endswith(end))
    return path.name[: -len(suffix)]


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
