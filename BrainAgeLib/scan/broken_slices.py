"""Files that lie beside the slices of a DICOM series and should be slices, too, but are damaged.

Without them the stack would be shorter: at its end not even a gap would tell. Of some the header
still says what they are; of those that are empty, of zeros, pointers or links to nothing, the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from BrainAgeLib.errors import InputError, printable
from BrainAgeLib.scan.dicom_header import DicomHeader
from BrainAgeLib.scan.file_kind import (
    FileKind,
    has_dicom_suffix,
    is_compressed,
    is_lost,
    kind_of,
)


def check_no_slice_is_broken(
    folder: Path,
    ours: Sequence[DicomHeader],
    images: Sequence[DicomHeader],
    others: Sequence[DicomHeader],
    name: str,
) -> None:
    """Raise InputError when something in a folder looks like a slice of our series and is none.

    ``ours``: the series, of the ``images`` in the folder. ``others``: its DICOM files without a
    whole image. Raises OSError when a file cannot be opened.
    """
    for header in others:
        # A report is of another kind; of a file cut early nothing is known but its name.
        is_alike = header.object_class == ours[0].object_class
        if is_alike and header.series_uid in ("", ours[0].series_uid):
            raise _broken(header.path, name)
    if ours[0].size[2] > 1:  # one file holds them all
        return
    own_names = [header.path.name for header in ours]
    names_of_others = [h.path.name for h in images if h.path.name not in own_names]
    known = {*own_names, *names_of_others, *(h.path.name for h in others if h.object_class)}
    for path in sorted(folder.iterdir()):
        if path.name in known or path.name.startswith("."):
            continue
        is_named_so = has_dicom_suffix(path) and not _is_named_as(names_of_others, path.name)
        if (is_named_so or _is_named_as(own_names, path.name)) and _is_no_image(path):
            raise _broken(path, name)


def _is_named_as(names: Iterable[str], name: str) -> bool:
    """Say whether a name differs from those of slices in numbers alone that tell these apart."""
    alike = [
        re.findall(r"\d+", one) for one in names if _without_numbers(one) == _without_numbers(name)
    ]
    columns = zip(re.findall(r"\d+", name), *alike, strict=True)
    return bool(alike) and all(own in said or len({*said}) > 1 for own, *said in columns)


def _without_numbers(name: str) -> str:
    return re.sub(r"\d+", "0", name.lower())


def _is_no_image(path: Path) -> bool:
    """Say whether a file has nothing of an image; a packed one beside itself unpacked is a copy."""
    if is_lost(path):
        return True
    if not path.is_file():
        return False
    if is_compressed(path):
        return not path.with_suffix("").is_file()
    return kind_of(path) in (None, FileKind.DICOM)


def _broken(path: Path, name: str) -> InputError:
    shown = printable(path.name)
    if path.is_file() and is_compressed(path):
        return InputError(
            f"a slice of {name} is packed by gzip: {shown}", "unpack it first, by gunzip for one"
        )
    return InputError(
        f"a slice of {name} is incomplete or damaged: {shown}",
        "copy or export the series again; with git-annex, DataLad or Git LFS, get its files first",
    )
