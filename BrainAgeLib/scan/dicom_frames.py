"""Read a scan from a DICOM file of many frames (Enhanced MR).

GDCM stacks frames as they are stored and, when their places do not fit that, falls back to 1 mm
without a word, so their places are taken from the functional groups here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.records import Finding
from BrainAgeLib.scan import dicom_header as tag
from BrainAgeLib.scan import functional_groups as of_frames
from BrainAgeLib.scan.dicom_header import DicomHeader
from BrainAgeLib.scan.dicom_repetitions import choose_repetition
from BrainAgeLib.scan.file_kind import FileKind
from BrainAgeLib.scan.itk_reader import open_header, read_voxels
from BrainAgeLib.scan.scan import check_pixels, check_size, check_spacing
from BrainAgeLib.scan.slice_stack import stack_slices

# In the words that files of one slice use.
_COMPONENTS = {"MAGNITUDE": "M", "PHASE": "P", "REAL": "R", "IMAGINARY": "I"}


def read_frames(
    header: DicomHeader, name: str
) -> tuple[sitk.Image, float | None, tuple[Finding, ...]]:
    """Return the volume (3D, float32) that the frames make up, and the slice thickness in mm.

    The third is what had to be chosen: of several echoes or acquisitions one is taken. Raises
    InputError when the file does not say where each frame lies or they are not one volume.
    """
    check_pixels(header.pixel_id, name)
    check_size(header.size, name)
    groups = of_frames.functional_groups(header.path)
    positions_mm = of_frames.decimals(groups, of_frames.POSITION, 3)
    if len(positions_mm) != header.size[2]:
        raise _unplaced(name)
    orientation = _shared(groups, of_frames.ORIENTATION, 6, name)
    row_mm, column_mm = _shared(groups, of_frames.PIXEL_SPACING, 2, name)
    check_spacing((row_mm, column_mm), name)
    for scaling in of_frames.RESCALE:
        if len(set(of_frames.decimals(groups, scaling, 1))) > 1:
            raise InputError(
                f"the frames of {name} are not scaled alike", "convert it, for one by dcm2niix"
            )
    frames, findings = _one_repetition(header, groups, positions_mm)
    stack = stack_slices([positions_mm[frame] for frame in frames], orientation, name)
    order = [frames[place] for place in stack.order]
    stored = read_voxels(open_header(header.path, FileKind.DICOM, name), name)
    image = sitk.GetImageFromArray(sitk.GetArrayViewFromImage(stored)[order])
    image.SetSpacing((column_mm, row_mm, stack.spacing_mm))
    image.SetDirection(stack.direction.ravel().tolist())
    image.SetOrigin(positions_mm[order[0]])
    thickness_mm = of_frames.decimals(groups, of_frames.SLICE_THICKNESS, 1)
    return image, thickness_mm[0][0] if thickness_mm else header.slice_thickness_mm, findings


def _one_repetition(
    header: DicomHeader, groups: bytes, positions_mm: Sequence[Sequence[float]]
) -> tuple[list[int], tuple[Finding, ...]]:
    """Return the numbers of the frames to take, and what was chosen.

    Each frame is shown as the slice of a series that it would be.
    """
    count = len(positions_mm)
    kinds = of_frames.words(groups, of_frames.FRAME_TYPE)
    components = of_frames.words(groups, of_frames.COMPLEX_COMPONENT)
    said = {
        tag.IMAGE_TYPE: [
            "\\".join(filter(None, (kind, _COMPONENTS.get(component))))
            for kind, component in zip(
                _of_each(kinds, count), _of_each(components, count), strict=True
            )
        ]
    }
    for name, element, kind in (
        (tag.ECHO_TIME, of_frames.EFFECTIVE_ECHO_TIME, b"FD"),
        (tag.TEMPORAL_POSITION, of_frames.TEMPORAL_POSITION_INDEX, b"UL"),
        (tag.ACQUISITION_NUMBER, of_frames.FRAME_ACQUISITION_NUMBER, b"US"),
    ):
        numbers = of_frames.numbers_of(groups, element, kind)
        said[name] = _of_each([f"{number:g}" for number in numbers], count)
    slices = []
    for frame, position in enumerate(positions_mm):
        tags = {name: texts[frame] for name, texts in said.items()}
        tags[tag.IMAGE_POSITION] = "\\".join(map(str, position))
        slices.append(replace(header, tags=tags))
    chosen, findings = choose_repetition(slices)
    taken = {id(one) for one in chosen}
    return [frame for frame, one in enumerate(slices) if id(one) in taken], findings


def _of_each(texts: list[str], count: int) -> list[str]:
    """Return what is said of each frame; what is said of all at once tells none apart."""
    return texts if len(texts) == count else [""] * count


def _shared(groups: bytes, element: bytes, count: int, name: str) -> tuple[float, ...]:
    """Return the numbers that all frames have in common."""
    found = of_frames.decimals(groups, element, count)
    if not found:
        raise _unplaced(name)
    if not np.allclose(found, found[0], atol=1e-3):
        raise InputError(
            f"the frames of {name} differ in direction or pixel size: not one volume",
            "give one acquisition alone",
        )
    return found[0]


def _unplaced(name: str) -> InputError:
    return InputError(
        f"{name} does not say where each of its frames lies", "convert it, for one by dcm2niix"
    )
