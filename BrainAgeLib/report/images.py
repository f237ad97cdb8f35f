"""Images and transforms as files, written atomically through sitk."""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import SimpleITK as sitk

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.whole_file import full_disk_error, written_atomically

# Less free space than this after a failed write means that the disk was the reason: the outputs
# of one scan are smaller.
NO_ROOM_BYTES = 1 << 20


def write_image(image: sitk.Image, path: Path) -> None:
    """Write ``image`` to ``path`` (``.nii.gz``), compressed, all of it or nothing.

    Raises BrainAgeError when it cannot be written.
    """

    def write(temporary: Path) -> None:
        sitk.WriteImage(image, str(temporary), useCompression=True)
        # ITK says nothing when the disk fills while it compresses; the checksum at the end does.
        with gzip.open(temporary) as stream:
            while stream.read(1 << 20):
                pass

    _write_checked(path, write)


def write_transform(transform: sitk.Transform, path: Path) -> None:
    """Write ``transform`` to ``path`` (``.tfm``), all of it or nothing.

    Raises BrainAgeError when it cannot be written.
    """

    def write(temporary: Path) -> None:
        sitk.WriteTransform(transform, str(temporary))
        # Here too a full disk may go unsaid.
        written = sitk.ReadTransform(str(temporary))
        if written.GetFixedParameters() != transform.GetFixedParameters():
            raise RuntimeError("the file is incomplete")

    _write_checked(path, write)


def _write_checked(path: Path, write: Callable[[Path], None]) -> None:
    with written_atomically(path) as temporary:
        try:
            write(temporary)
        except (RuntimeError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            if shutil.disk_usage(path.parent).free < NO_ROOM_BYTES:
                raise full_disk_error(path) from error
            reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
            raise BrainAgeError(
                f"{path} could not be written: {reason}", "see that the folder is still there"
            ) from error
