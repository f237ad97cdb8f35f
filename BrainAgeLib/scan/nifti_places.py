"""Two places in one NIfTI header: what is said when qform and sform contradict each other.

Both say where the voxels lie, each with a code for the space: 1 is the scanner's, 2 and more are
others. https://nifti.nimh.nih.gov/nifti-1/documentation/nifti1fields/nifti1fields_pages/qsform.html
"""

from __future__ import annotations

from typing import Any

import nibabel
import numpy as np
import SimpleITK as sitk

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import Finding
from BrainAgeLib.scan.geometry import image_affine

SAME_DEGREES, SAME_SCALE, SAME_PLACE_MM = 2.0, 1.02, 5.0  # what rounding and converters leave
# One is the scanner's and the other a space to which the head was aligned: less than this is meant.
ALIGNED_DEGREES, ALIGNED_SCALE = 45.0, 1.2
SCANNER = 1
MM_OF_UNIT = {1: 1000.0, 3: 0.001}  # metre and micron; whatever else the header says is mm
UNIT_OF_LENGTH = 7  # its bits of xyzt_units; the others are of time
RAS_OF_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # and LPS of RAS


def contradiction(header: Any, taken: np.ndarray) -> Finding | None:
    """Return what is said of a header whose two affines differ, or None.

    Whatever the header's unit of length is, its places are compared in mm.

    ``header``: nibabel's of a NIfTI file. ``taken``: 4 x 4, index to RAS world in mm, the one that
    was read.
    """
    try:
        qform, qform_code = header.get_qform(coded=True)
        sform, sform_code = header.get_sform(coded=True)
    except ValueError:  # a quaternion that is none: it says of no place where the voxels lie
        return None
    if qform is None or sform is None or not np.isfinite([qform, sform]).all():
        return None
    degrees, scale = _difference(qform, sform)
    if scale is None:
        return None
    size = np.array((*header.get_data_shape(), 1, 1, 1)[:3])
    middle = np.append((size - 1) / 2, 1)
    qform, sform = in_mm(qform, header), in_mm(sform, header)
    distance_mm = float(np.linalg.norm((qform @ middle - sform @ middle)[:3]))
    spaces_differ = (qform_code == SCANNER) != (sform_code == SCANNER)
    is_same = degrees <= SAME_DEGREES and scale <= SAME_SCALE
    if is_same and (spaces_differ or distance_mm <= SAME_PLACE_MM):
        return None
    is_meant = spaces_differ and degrees <= ALIGNED_DEGREES and scale <= ALIGNED_SCALE
    by_qform, by_sform = (abs(taken - affine).max() for affine in (qform, sform))
    names = ("qform", "sform") if by_qform <= by_sform else ("sform", "qform")
    return Finding(
        FindingCode.TWO_AFFINES,
        "note" if is_meant else "warn",
        f"The header places the voxels in two ways: {names[0]} and {names[1]} differ by "
        f"{degrees:.0f} degrees, {distance_mm:.0f} mm and a factor of {scale:.2f} in size. "
        f"{names[0]} was taken: check the sides and the registered image in the report, or convert "
        "the scan again from the original.",
        round(degrees, 1),
        SAME_DEGREES,
    )


def in_mm(affine: np.ndarray, header: Any) -> np.ndarray:
    """Return an affine (4 x 4) that a NIfTI header gives, in mm whatever its unit of length is."""
    unit = int(header["xyzt_units"]) & UNIT_OF_LENGTH
    return np.diag([MM_OF_UNIT.get(unit, 1.0)] * 3 + [1.0]) @ affine


def nifti_1_header(block: bytes) -> Any:
    """Return nibabel's header of the 348 bytes of a NIfTI-1 file, whatever stands in them."""
    kind: Any = nibabel.Nifti1Header
    header = kind(block, check=False)
    if (
        abs(header["pixdim"][0]) != 1
    ):  # the way of the third axis; 0 stands for 1, as the format says
        header["pixdim"][0] = -1 if header["pixdim"][0] < 0 else 1
    return header


def ras_affine_of(image: sitk.Image) -> np.ndarray:
    """Return the affine (4 x 4) of an image in NIfTI's world: index to RAS in mm."""
    return RAS_OF_LPS @ image_affine(image)


def _difference(one: np.ndarray, other: np.ndarray) -> tuple[float, float | None]:
    """Return by how many degrees the axes of two affines differ at most, and by which factor."""
    lengths = [np.linalg.norm(affine[:3, :3], axis=0) for affine in (one, other)]
    if not all(length.all() for length in lengths):
        return 0.0, None
    axes = [affine[:3, :3] / length for affine, length in zip((one, other), lengths, strict=True)]
    cosines = np.clip((axes[0] * axes[1]).sum(0), -1, 1)
    ratios = lengths[0] / lengths[1]
    return float(np.degrees(np.arccos(cosines.min()))), float(max(ratios.max(), 1 / ratios.min()))
