"""What lies in a folder that is no single DICOM series: named, with the line to type for each."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from BrainAgeLib.errors import InputError, printable
from BrainAgeLib.scan.dicom_header import DicomHeader, read_dicom_header
from BrainAgeLib.scan.file_kind import (
    FileKind,
    is_compressed,
    is_half_of_a_pair,
    is_lost,
    kind_of,
)
from BrainAgeLib.scan.nifti import half_of_a_pair

MOST_FOLDERS, MOST_FILES = 200, 2000  # that are looked at for a message
MOST_LISTED = 20
# Kinds of DICOM object (SOP class; those of a family, where it ends in a dot) that hold no picture,
# however sound they are.
# https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_B.5.html
_WITHOUT_PICTURE = {
    "1.2.840.10008.1.3.10": "the table of contents of a disc (DICOMDIR)",
    "1.2.840.10008.5.1.4.1.1.88.": "a report",
    "1.2.840.10008.5.1.4.1.1.4.2": "a spectrum",
    "1.2.840.10008.5.1.4.1.1.11.": "a presentation state",
    "1.2.840.10008.5.1.4.1.1.66": "raw data",
}


def described(headers: Sequence[DicomHeader]) -> str:
    """Return what a series is called and how many files it has."""
    count = len(headers)
    return f"{_called(headers[0])}, {count} file{'s' if count > 1 else ''}"


def likeliest(series: dict[str, list[DicomHeader]]) -> str:
    """Return the number of the series to propose: one that is called T1, with the most files."""
    return max(series, key=lambda uid: ("T1" in _called(series[uid][0]).upper(), len(series[uid])))


def line_to_type(name: str, series_uid: str | None = None) -> str:
    """Return the command that works on a file, a folder, or one series of it."""
    choice = f" --series {series_uid}" if series_uid else ""
    return f"brainage predict {shlex.quote(name)}{choice} --output DIR"


def without_picture(header: DicomHeader) -> str | None:
    """Return what a DICOM file without an image is, where its kind never holds one; else None."""
    for kind, what in _WITHOUT_PICTURE.items():
        is_family = kind.endswith(".")
        if header.object_class == kind or (is_family and header.object_class.startswith(kind)):
            return what
    return None


def no_series(folder: Path, name: str, others: Sequence[DicomHeader]) -> InputError:
    """Return the error for a folder without a DICOM image, and what lies there instead.

    ``others``: its DICOM files without a whole image. Raises OSError when it cannot be read.
    """
    if any(is_compressed(header.path) for header in others):
        return InputError(
            f"the DICOM files in {name} are packed by gzip", "unpack them first, by gunzip for one"
        )
    if not all(map(without_picture, others)):
        return InputError(
            f"{name} holds DICOM files but no complete image",
            "copy or export the series again; if another program shows it, convert it with that, "
            "or with dcm2niix",
        )
    found = list(_scans_below(folder))
    if not found and any(is_half_of_a_pair(path) for path in folder.iterdir() if path.is_file()):
        return half_of_a_pair(f"{name} holds no DICOM image, and what it holds")
    if not found and any(is_lost(path) for path in folder.iterdir()):
        return InputError(
            f"{name} holds links to files that are not there, and no DICOM image",
            "with git-annex or DataLad, get them first",
        )
    if not found:
        others_are = ", ".join(sorted({without_picture(header) or "" for header in others}))
        return InputError(
            f"{name} holds no DICOM image" + (f", but {others_are}" if others else ""),
            "give an image file, or the folder that itself holds the files of one DICOM series; "
            "`brainage batch` takes a folder of many scans",
        )
    listing = [line_to_type(printable(str(path))) + f"  # {what}" for path, what in found]
    more = ("…",) if len(found) > MOST_LISTED else ()
    names = ", ".join(dict.fromkeys(what for _, what in found[:MOST_LISTED]))
    return InputError(
        f"{name} holds no DICOM image itself, but scans or folders with scans: {names}",
        f"choose one, or `brainage batch {shlex.quote(name)} --output DIR` for all",
        (*listing[:MOST_LISTED], *more),
    )


def _scans_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield image files and folders of DICOM series at and below a folder, and what they are."""
    files = 0
    for number, (where, folders, names) in enumerate(os.walk(folder)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if number > MOST_FOLDERS:
            return
        for name in sorted(name for name in names if not name.startswith(".")):
            path, files = Path(where) / name, files + 1
            kind = kind_of(path) if path.is_file() and files <= MOST_FILES else None
            if kind is FileKind.DICOM:
                header = read_dicom_header(path)
                if header.is_whole:
                    yield (path.parent, _called(header))
                    break  # the folder stands for its series
            elif kind is not None and not is_half_of_a_pair(path):
                yield path, printable(name)


def _called(header: DicomHeader) -> str:
    return header.series_description or "no description"
