"""The elements of a DICOM file, as pydicom reads them: silent, and whatever the file holds.

Tags: https://dicom.nema.org/medical/dicom/current/output/chtml/part06/chapter_6.html
"""

from __future__ import annotations

import io
import logging
import math
import os
import threading
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from numbers import Number
from pathlib import Path
from typing import BinaryIO, Literal

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.encaps import parse_fragments
from pydicom.filereader import dcmread, read_dataset, read_partial
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pydicom.valuerep import PersonName

Numbers = tuple[float, ...]

_PIXEL_DATA = 0x7FE00010
_CHARACTER_SET = (b"\x08\0\x05\0", b"\0\x08\0\x05")  # its tag, in both orders of bytes
_UNDEFINED = 0xFFFFFFFF  # a length
# How far to read: to the end, or past what tells the series, or to the data set.
_PLACES_TO_STOP = (0xFFFFFFFF, 0x0020000F, 0)
_UNPACKED = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
_MOST_UNPACKED_BYTES = 2**26  # 64 MiB, of a deflated data set
_LARGE_BYTES = 2**16
_HEAD_BYTES = 8
# A group of up to 16, of which the first is there when any is; pydicom's list of names has it not.
_OF_REPEATED_GROUPS = {"OverlayRows": 0x60000010}
_one_at_a_time = threading.RLock()


@cache
def _tag(keyword: str) -> int:
    tag = _OF_REPEATED_GROUPS.get(keyword) or tag_for_keyword(keyword)
    if tag is None:
        raise ValueError(keyword)
    return tag


class Elements:
    """What a data set, or an item of a sequence in it, says; by pydicom's keywords.

    An element that cannot be read counts as one that is not there.
    """

    def __init__(self, dataset: Dataset | None = None) -> None:
        self._dataset = Dataset() if dataset is None else dataset

    def words(self, keyword: str) -> tuple[str, ...]:
        """Return the values of an element as text."""
        value = self._value(keyword)
        values = value if isinstance(value, MultiValue) else [value]
        shown = [v for v in values if isinstance(v, (str, Number, PersonName))]
        return tuple(str(value).strip(" \0") for value in shown)

    def holds(self, keyword: str) -> bool:
        """Say whether an element is there with something in it, be it in no way to be read."""
        value = getattr(self._dataset.get_item(_tag(keyword)), "value", None)
        return bool(value.strip(b" \0") if isinstance(value, bytes) else value)

    def text(self, keyword: str) -> str:
        """Return the values of an element as one text, parted by backslashes as in the file."""
        return "\\".join(self.words(keyword))

    def numbers(self, keyword: str, count: int) -> Numbers | None:
        """Return the ``count`` finite numbers of an element, or None when it holds no such."""
        try:
            numbers = tuple(float(word) for word in self.words(keyword))
        except ValueError:
            return None
        return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None

    def number(self, keyword: str) -> float | None:
        """Return the only number of an element, or None when it holds no such."""
        numbers = self.numbers(keyword, 1)
        return numbers[0] if numbers else None

    def items(self, keyword: str) -> list[Elements]:
        """Return the items of a sequence."""
        value = self._value(keyword)
        return [Elements(item) for item in value] if isinstance(value, DicomSequence) else []

    def _value(self, keyword: str) -> object:
        try:
            return self._dataset[_tag(keyword)].value
        except Exception:  # not there; over damaged bytes every part of pydicom raises its own
            return None


@dataclass(frozen=True)
class PixelElement:
    """The pixels of a file. ``promised_bytes``: their length as the element gives it.

    ``is_packed``: by some compression, so that the length says nothing of the image's size.
    """

    promised_bytes: int
    present_bytes: int
    is_packed: bool


class FileElements(Elements):
    """What a DICOM file says before its pixels; ``pixels`` is None when it holds none."""

    def __init__(self, dataset: Dataset, meta: Elements, pixels: PixelElement | None) -> None:
        super().__init__(dataset)
        self.meta = meta
        self.pixels = pixels


@contextmanager
def elements_of(path: Path, keywords: Sequence[str]) -> Iterator[FileElements]:
    """Give those elements of a DICOM file; of a damaged one as many as can be had.

    They can be looked at within the context only. Raises OSError when the file cannot be opened.
    """
    with silent_pydicom(), _CarefulFile(io.FileIO(path)) as file:
        yield _read(file, [_tag(keyword) for keyword in keywords])


def _read(file: _CarefulFile, tags: Sequence[int]) -> FileElements:
    for stop in _PLACES_TO_STOP:
        file.seek(0)
        try:
            return _read_until(stop, file, tags)
        except Exception:  # as above; what lies before the damage is read in another try
            continue
    return FileElements(Dataset(), Elements(), None)


def _read_until(stop: int, file: _CarefulFile, tags: Sequence[int]) -> FileElements:
    """Read the elements whose tags are below ``stop``, and find the pixels."""
    walk = _Walk(stop, file, file.size)
    dataset: Dataset
    meta: Dataset = Dataset()
    try:
        dataset = read_partial(file, walk, force=True, specific_tags=list(tags))
        meta = dataset.file_meta
    except _DeflatedError:
        packed = io.BufferedReader.read(file)
        unpacked = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, _MOST_UNPACKED_BYTES)
        stream = io.BytesIO(unpacked)
        walk = _Walk(stop, stream, _UNDEFINED)
        dataset = read_dataset(stream, False, True, None, walk, specific_tags=list(tags))
        meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    pixels = None
    if walk.pixels is not None and not walk.is_broken:
        is_packed = meta.get("TransferSyntaxUID", ImplicitVRLittleEndian) not in _UNPACKED
        pixels = PixelElement(*walk.pixels, is_packed)
    return FileElements(dataset, Elements(meta), pixels)


class _Walk:
    """Tells pydicom where to stop, and remembers what was passed on the way to there.

    ``pixels``: their bytes as promised and as present. ``is_broken``: an element is longer than the
    rest of the file. GDCM would set that much memory aside, so the end is looked at, too.
    """

    def __init__(self, stop: int, stream: BinaryIO, size: int) -> None:
        self._stop, self._stream, self._size = stop, stream, size
        self.pixels: tuple[int, int] | None = None
        self.is_broken = False

    def __call__(self, tag: int, _representation: str | None, length: int) -> bool:
        """Say whether an element is far enough; it is called at the beginning of its value."""
        tag = int(tag)  # pydicom's own comparison is slow
        if tag == _PIXEL_DATA and self.pixels is None:
            self.pixels = length, self._size - self._stream.tell()
        if length == _UNDEFINED and tag == _PIXEL_DATA:
            self.is_broken = not self._holds_fragments()
            return True
        if length == _UNDEFINED:
            return tag >= self._stop
        if length > _LARGE_BYTES and length > self._size - self._stream.tell():
            self.is_broken = True
        return self.is_broken or tag >= self._stop

    def _holds_fragments(self) -> bool:
        """Say whether all the parts of compressed pixels are there, each as long as it says."""
        start = self._stream.tell()
        try:
            _, places = parse_fragments(self._stream)
        except ValueError:
            return False
        self._stream.seek(places[-1] + 4 if places else start)
        length = int.from_bytes(self._stream.read(4), "little")
        end = self._stream.tell() + length
        self._stream.seek(start)
        return bool(places) and end <= self._size


class _DeflatedError(Exception):
    """The data set has to be unpacked first."""


class _CleanFile(io.BufferedReader):
    """A file in which no name of a character set holds a zero, which is an error to pydicom.

    pydicom reads the eight bytes of an element's head, then its value.
    """

    _value_bytes = 0  # of the character set whose head was read last

    def read(self, size: int | None = -1, /) -> bytes:
        """Return that many bytes, or as many as there are."""
        content = super().read(size)
        if 0 < self._value_bytes == size:
            content = content.replace(b"\0", b" ")
        self._value_bytes = 0
        if len(content) == _HEAD_BYTES and content.startswith(_CHARACTER_SET):
            order: Literal["little", "big"] = "little" if content[0] else "big"
            has_letters = content[4:6] == b"CS"
            self._value_bytes = int.from_bytes(content[6:] if has_letters else content[4:], order)
        return content


class _CarefulFile(_CleanFile):
    """A file whose lengths are not believed: memory is set aside for what it holds, not promises.

    pydicom reads to the end only for a data set to unpack, which it does to whatever size.
    """

    def __init__(self, file: io.FileIO) -> None:
        super().__init__(file)
        self.size = os.fstat(file.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Return that many bytes, or as many as there are."""
        if size is None or size < 0:
            raise _DeflatedError
        if size > _LARGE_BYTES:
            size = max(0, min(size, self.size - self.tell()))
        return super().read(size)


def whole_dataset(path: Path, *, with_pixels: bool = True) -> Dataset:
    """Return all that a DICOM file holds, by pydicom. Raises whatever pydicom raises, and OSError.

    Values are looked at within ``silent_pydicom`` alone.
    """
    with silent_pydicom(), _CleanFile(io.FileIO(path)) as file:
        return dcmread(file, stop_before_pixels=not with_pixels, force=True)


@contextmanager
def silent_pydicom() -> Iterator[None]:
    """Keep pydicom from showing values that it finds odd, a name perhaps, in warnings or its log.

    It looks at values when they are asked for, and not before.
    """
    log = logging.getLogger("pydicom")
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        was_disabled, log.disabled = log.disabled, True
        try:
            yield
        finally:
            log.disabled = was_disabled
