"""Which files below a folder look like scans, by their names; broken ones are not passed over."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from BrainAgeLib.report.output_folder import RECORD_NAME
from BrainAgeLib.scan.file_kind import FileKind, has_dicom_suffix, is_lost, kind_of

# The first are read; of the others a run says what to do with them.
SUFFIXES = (
    *(".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".mgz", ".mgh", ".hdr", ".img"),
    *(".nii.bz2", ".nii.xz", ".nii.zst", ".img.gz", ".hdr.gz", ".mnc.gz", ".mnc", ".par"),
    *(".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tar", ".zip", ".7z", ".rar"),
)
_NO_IMAGES = (".json", ".tsv", ".csv", ".txt", ".html", ".bval", ".bvec", ".md", ".pdf", ".tfm")
_LEFT_OUT = ("derivatives", "sourcedata", "code")  # of BIDS
# Words of a file name that tell a sequence, not a person.
_CONTRAST = "t1(?:n|c|ce|gd|gad|km|post)?|t2|pd|flair|dwi|dti|adc|swi|mprage"
_FURTHER = "ce|gd|km|tse|se|fse|gre|tra|ax|axial|cor|sag|2d|3d|brain|bet|mask|post|pre|star"
_END = "(?:w|wi|weighted)?"
_SEQUENCE_WORD = re.compile(f"(?:{_CONTRAST}|{_FURTHER}){_END}", re.IGNORECASE)
_CONTRAST_WORD = re.compile(f"(?:{_CONTRAST}){_END}", re.IGNORECASE)
# Of a contrast agent or of an operation: two visits, it may be.
_BEFORE_OR_AFTER = re.compile("pre|post|t1post", re.IGNORECASE)
_WORD = r"([^\W_]+)([\W_]*)"
_SLICE_SIZE = re.compile(r"(?<![^\W_])\d+(?:[.,]\d+)?mm(?![^\W_])", re.IGNORECASE)


def folders_below(
    root: Path, output: Path | None, on_error: Callable[[OSError], None] | None = None
) -> Iterator[tuple[Path, list[str]]]:
    """Yield every folder with the names of its files, in order, each once in spite of links.

    Links to files that are not there count as files, and so do names that nobody may look behind.
    ``output``, other folders of results and hidden ones do not count. ``on_error`` hears of the
    folders that cannot be read, which are passed over.
    """
    seen = set() if output is None else {output.resolve()}
    for where, folders, names in os.walk(root, onerror=on_error, followlinks=True):
        here = Path(where)
        if here.resolve() in seen or RECORD_NAME in names:
            folders.clear()
            continue
        seen.add(here.resolve())
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _LEFT_OUT)
        files = [name for name in sorted(names) if not name.startswith(".")]
        yield here, [name for name in files if may_be_file(here / name)]


def may_be_file(path: Path) -> bool:
    """Say whether a path is a file, or one that nobody may look at."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def images_among(folder: Path, names: list[str]) -> list[Path]:
    """Return the files that are images by their names; a header and its voxels are one."""
    images = [folder / name for name in names if name.lower().endswith(SUFFIXES)]
    headers = {path.with_suffix("") for path in images if path.suffix.lower() == ".hdr"}
    return [
        path
        for path in images
        if not (path.suffix.lower() == ".img" and path.with_suffix("") in headers)
        and not (path.suffix.lower() == ".img" and is_dicom(path))
    ]


def others_among(folder: Path, names: list[str]) -> list[Path]:
    """Return the files that may be DICOM, whose names may be anything."""
    images = set(images_among(folder, names))
    none = (*SUFFIXES, *_NO_IMAGES)
    return [
        folder / name
        for name in names
        if folder / name not in images
        and (not name.lower().endswith(none) or is_dicom(folder / name))
    ]


def is_dicom(path: Path) -> bool:
    """Say whether a file is DICOM; one that cannot be opened is none."""
    try:
        return kind_of(path) is FileKind.DICOM
    except OSError:
        return False


def looks_like_dicom(path: Path) -> bool:
    """Say whether a file that is no DICOM was meant to be some."""
    return is_lost(path) or has_dicom_suffix(path)


def stem(path: Path) -> str:
    """Return a file's name without what tells its format."""
    name = path.name
    suffix = next((end for end in (*SUFFIXES, ".dcm") if name.lower().endswith(end)), "")
    return name[: len(name) - len(suffix)]


def without_sequence(path: Path) -> str:
    """Return what a file's name says beside the sequence: files alike in it are of one study."""
    return _joined([pair for pair in _words(path) if not _SEQUENCE_WORD.fullmatch(pair[0])])


def without_sequence_at_ends(path: Path) -> str:
    """Return a file's name without the words of the sequence that it begins and ends with."""
    words = _words(path)
    while words and _SEQUENCE_WORD.fullmatch(words[0][0]):
        words = words[1:]
    while words and _SEQUENCE_WORD.fullmatch(words[-1][0]):
        words = words[:-1]
    return _joined(words)


def before_sequence(path: Path) -> str:
    """Return what a name says before the first word of a sequence, all of it without one."""
    words = _words(path)
    told = [number for number, (word, _) in enumerate(words) if _SEQUENCE_WORD.fullmatch(word)]
    return _joined(words[: told[0]] if told else words)


def of_visit(path: Path) -> tuple[str, ...]:
    """Return what folders and file say beside sequences and slice sizes: whose scan, which visit.

    Words that may as well be initials, ``km`` say, tell a sequence beside its contrast alone.
    """
    said = []
    for part in path.parts:
        words = re.findall(_WORD, _SLICE_SIZE.sub("", stem(Path(part))))
        if any(_CONTRAST_WORD.fullmatch(word) for word, _ in words):
            words = [
                (word, after)
                for word, after in words
                if not _SEQUENCE_WORD.fullmatch(word) or _BEFORE_OR_AFTER.fullmatch(word)
            ]
        said.append(_joined(words))
    return tuple(filter(None, said))


def _words(path: Path) -> list[tuple[str, str]]:
    return re.findall(_WORD, stem(path))


def _joined(words: list[tuple[str, str]]) -> str:
    return re.sub(r"^[\W_]+|[\W_]+$", "", "".join(word + after for word, after in words))
