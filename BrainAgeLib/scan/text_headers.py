"""Read an NRRD or MetaImage file: the checks of its text header, then ITK's reader.

ITK takes a missing spacing as 1 mm and says nothing of use when the data file is missing.
"""

from __future__ import annotations

import re
from pathlib import Path

from BrainAgeLib.errors import InputError, printable
from BrainAgeLib.scan.checks import check_spacing, unknown_orientation
from BrainAgeLib.scan.file_kind import FileKind, read_head
from BrainAgeLib.scan.itk import FileImage, named_as, read_volume

_SUFFIXES = {FileKind.NRRD: (".nrrd", ".nhdr"), FileKind.METAIMAGE: (".mha", ".mhd")}
# "sizes: 3 4 5" and "key:=value" of NRRD, "DimSize = 3 4 5" of MetaImage; "#" is a comment.
_FIELD = re.compile(r"([^#:=]+?)\s*(?::=|:|=)\s*(.*)")
_DATA_FILE = ("elementdatafile", "data file", "datafile")
# Of the spaces of NRRD these say where the patient's left is; "scanner-xyz" and others do not.
_OF_THE_BODY = re.compile(r"(left|right)-(anterior|posterior)-superior|[LR][AP]S", re.IGNORECASE)
_SPACING = ("elementspacing", "elementsize", "spacings", "space directions")


def read_text_headed(path: Path, kind: FileKind, name: str) -> FileImage:
    """Read the volume in an NRRD or MetaImage file, and its data file when the voxels have one.

    ``name``: what messages call the file. Raises InputError when it cannot be read as one scalar
    volume with a place in the world.
    """
    fields = read_text_header(path)
    _check(fields, name)
    findings = () if _says_orientation(fields) else (unknown_orientation(),)
    voxels = _data_file(path, fields, name)
    if voxels is None:
        with named_as(path, *_SUFFIXES[kind]) as readable:
            return FileImage(read_volume(readable, kind, name), (path,), findings)
    if not path.name.endswith(_SUFFIXES[kind]):
        raise InputError(
            f"{name} is a {kind.value} header under another name",
            f"rename it to end in {_SUFFIXES[kind][1]}",
        )
    return FileImage(read_volume(path, kind, name), (path, voxels), findings)


def files_of_text_headed(path: Path, name: str) -> tuple[Path, ...]:
    """Return the file and, where it is a header alone, that of its voxels.

    Raises InputError when that one is missing, and OSError when the header cannot be opened.
    """
    voxels = _data_file(path, read_text_header(path), name)
    return (path,) if voxels is None else (path, voxels)


def read_text_header(path: Path) -> dict[str, str]:
    """Return the fields of the header by lower-case name."""
    fields: dict[str, str] = {}
    for line in read_head(path).decode("utf-8", "surrogateescape").split("\n"):
        # An empty line ends the header of NRRD, the field of the voxels that of MetaImage.
        if not line.strip() or "elementdatafile" in fields:
            break
        if field := _FIELD.match(line.strip()):
            fields[field[1].lower()] = field[2]
    return fields


def _check(fields: dict[str, str], name: str) -> None:
    """Raise InputError unless the header gives a spacing, in numbers that can be one."""
    # MetaIO trusts this number and ends the whole program when it is too large.
    if not re.fullmatch("[1-9]", fields.get("ndims", "3")):
        raise InputError(f"the header of {name} makes no sense", "convert the scan again")
    if fields.get("encoding", "").lower() in ("bz2", "bzip2"):  # ITK has gzip alone
        raise InputError(
            f"the voxels of {name} are packed by bzip2, which is not read",
            "save the scan again with gzip, or without compression",
        )
    given = next((fields[field] for field in _SPACING if field in fields), None)
    if given is None:
        raise InputError(
            f"the header of {name} does not say how large a voxel is",
            "convert the scan again from the original",
        )
    if "(" not in given:  # directions are vectors, and ITK checks them
        check_spacing([_number(word) for word in given.split()[:3]], name)


def _says_orientation(fields: dict[str, str]) -> bool:
    """Say whether the header tells which way the axes run; MetaImage always does."""
    return "ndims" in fields or _OF_THE_BODY.match(fields.get("space", "")) is not None


def _data_file(path: Path, fields: dict[str, str], name: str) -> Path | None:
    """Return the file that holds the voxels, or None when it is ``path`` itself.

    Raises InputError when that file is missing or outside the header's folder, or there are
    several.
    """
    given = next((fields[field] for field in _DATA_FILE if field in fields), "LOCAL")
    if given.upper() == "LOCAL":
        return None
    if given.upper().startswith("LIST") or "%" in given:
        raise InputError(
            f"{name} spreads its voxels over several files", "save the scan as one file"
        )
    if "\0" in given:
        raise InputError(f"the header of {name} makes no sense", "convert the scan again")
    voxels_file = path.parent / given
    # A header that comes from somewhere else must not choose a file of this machine to be read.
    if not voxels_file.resolve().is_relative_to(path.parent.resolve()):
        raise InputError(
            f"the header of {name} names a data file outside its own folder",
            "put the two files into one folder and name the data file without a path",
        )
    if not voxels_file.is_file():
        raise InputError(
            f"the voxels of {name} are in {printable(voxels_file.name)}, which is missing",
            "put the two files into one folder, or save the scan as one file",
        )
    return voxels_file


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")
