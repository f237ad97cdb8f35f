"""Images and transforms as files, written atomically through sitk."""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.scan.geometry import image_affine
from BrainAgeLib.scan.itk import quiet_itk
from BrainAgeLib.whole_file import full_disk_error, written_atomically

# Less free space than this after a failed write means that the disk was the reason: the outputs
# of one scan are smaller.
NO_ROOM_BYTES = 1 << 20
STRAIGHT = 1e-5  # of cosines: what is nearer to right angles is rounding of single precision
QFORM_CODE = slice(252, 254)
SFORM = slice(280, 328)  # of a NIfTI header: three rows of the affine, index to RAS


def write_image(image: sitk.Image, path: Path) -> None:
    """Write ``image`` to ``path`` (``.nii.gz``), compressed, all of it or nothing.

    Raises BrainAgeError when it cannot be written.
    """

    def write(temporary: Path) -> None:
        sitk.WriteImage(image, str(temporary), useCompression=True)
        _keep_axes(image, temporary)
        # ITK says nothing when the disk fills while it compresses; the checksum at the end does.
        with gzip.open(temporary) as stream:
            while stream.read(1 << 20):
                pass

    _write_checked(path, write)


def _keep_axes(image: sitk.Image, path: Path) -> None:
    """Give a written image its own affine where ITK has turned its axes to right angles.

    A header's rounding of the axes is read as it is, so that the outputs have to lie on it, too.
    """
    axes = np.reshape(image.GetDirection(), (3, 3))
    if np.abs(axes.T @ axes - np.eye(3)).max() < STRAIGHT:
        return
    content = bytearray(gzip.decompress(path.read_bytes()))
    to_ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image_affine(image)
    content[SFORM] = to_ras[:3].astype("<f4").tobytes()
    content[QFORM_CODE] = bytes(2)  # a quaternion has right angles: readers are to leave it
    path.write_bytes(gzip.compress(content, mtime=0))


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
            with quiet_itk():  # its libraries complain past the one line that says it
                write(temporary)
        except (RuntimeError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            if shutil.disk_usage(path.parent).free < NO_ROOM_BYTES:
                raise full_disk_error(path) from error
            reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
            raise BrainAgeError(
                f"{path} could not be written: {reason}", "see that the folder is still there"
            ) from error
