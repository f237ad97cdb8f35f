"""Small made-up DICOM series and multi-frame files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComprehensiveSRStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    MRImageStorage,
    generate_uid,
)

from BrainAgeLib.scan.geometry import Volume

ROWS, COLUMNS = 12, 14
ROW_MM, COLUMN_MM = 1.1, 0.9
GAP_MM = 6.0
SLICE_COUNT = 6
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORNER_MM = (-20.0, -16.5, 7.25)
SERIES_UID = "1.2.840.99999.7.1"


def slice_pixels(number: int) -> np.ndarray:
    """Return the (row, column) stored pixels of the slice at that place of the stack."""
    pixels = np.random.default_rng(number).integers(1, 1000, (ROWS, COLUMNS))
    return pixels.astype(np.uint16)


def place_of(number: float, orientation: Sequence[float] = AXIAL) -> list[float]:
    """Return the position of the slice at that place of the stack, in mm."""
    normal = np.cross(orientation[:3], orientation[3:])
    return (np.array(CORNER_MM) + normal * GAP_MM * number).round(6).tolist()


def dataset(object_class: str = MRImageStorage, **tags: Any) -> Dataset:
    """Return a data set with what all images have; ``tags`` are added, None removes one."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = object_class
    data.SOPInstanceUID = generate_uid()
    data.file_meta.MediaStorageSOPClassUID = object_class
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.PatientName, data.PatientID = "Doe^Jane", "P-4711"
    data.Modality, data.SeriesDescription = "MR", "T1 tse tra"
    data.StudyInstanceUID, data.SeriesInstanceUID = "1.2.840.99999.7", SERIES_UID
    data.StudyDate = "20200229"
    data.Rows, data.Columns, data.SamplesPerPixel = ROWS, COLUMNS, 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 0
    for tag, value in tags.items():
        setattr(data, tag, value)
    for tag in [tag for tag, value in tags.items() if value is None]:
        delattr(data, tag)
    return data


def state_otherwise(path: Path, stated: bytes, content: bytes) -> None:
    """Give a short element of a file, its head of eight bytes and its value, another value."""
    whole = path.read_bytes()
    assert stated in whole
    length = len(content).to_bytes(2, "little")
    path.write_bytes(whole.replace(stated, stated[:6] + length + content))


def write_slice(path: Path, number: float, pixels: np.ndarray | None = None, **tags: Any) -> Path:
    """Write the slice at that place of the stack; return its path."""
    orientation = tags.get("ImageOrientationPatient") or AXIAL
    own = {
        "ImageOrientationPatient": list(orientation),
        "ImagePositionPatient": place_of(number, orientation),
        "PixelSpacing": [ROW_MM, COLUMN_MM],
        "SliceThickness": 5.0,
        "InstanceNumber": int(number) + 1,
        "PixelData": (slice_pixels(int(number)) if pixels is None else pixels).tobytes(),
    }
    data = dataset(**(own | tags))
    data.save_as(path, enforce_file_format=True)
    return path


def write_series(folder: Path, places: Sequence[float] = range(SLICE_COUNT), **tags: Any) -> Path:
    """Write a slice at each place of the stack, named in that order; return the folder."""
    folder.mkdir(exist_ok=True, parents=True)
    first = len(list(folder.iterdir()))
    for n, place in enumerate(places):
        write_slice(folder / f"IM{first + n:04}", place, **tags)
    return folder


def write_report(path: Path, series_uid: str = "1.2.840.99999.7.99") -> Path:
    """Write a DICOM file without an image, that refers to MR images; return its path."""
    image = ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated")
    stored = ("BitsStored", "HighBit", "PixelRepresentation")
    data = dataset(
        ComprehensiveSRStorage, SeriesInstanceUID=series_uid, **dict.fromkeys(image + stored)
    )
    data.Modality = "SR"
    reference = Dataset()
    reference.ReferencedSOPClassUID = MRImageStorage
    data.ReferencedPerformedProcedureStepSequence = [reference]
    data.save_as(path, enforce_file_format=True)
    return path


def write_table_of_contents(path: Path) -> Path:
    """Write what lies at the root of a disc, whose kind is told before the data set alone."""
    data = dataset(MediaStorageDirectoryStorage)
    contents = Dataset()
    contents.file_meta = data.file_meta
    contents.FileSetID, contents.DirectoryRecordSequence = "DISC", []
    contents.save_as(path, enforce_file_format=True)
    return path


def write_frames(
    path: Path,
    places: Sequence[float] = range(SLICE_COUNT),
    object_class: str = EnhancedMRImageStorage,
    frame_orientations: Sequence[Sequence[float]] | None = None,
    implicit: bool = False,
    **tags: Any,
) -> Path:
    """Write an Enhanced MR file with a frame at each place of the stack; return its path."""
    data = dataset(object_class, NumberOfFrames=len(places), **tags)
    measures, orientation = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [ROW_MM, COLUMN_MM], 5.0
    orientation.ImageOrientationPatient = list(AXIAL)
    shared = Dataset()
    shared.PixelMeasuresSequence = [measures]
    if frame_orientations is None:
        shared.PlaneOrientationSequence = [orientation]
    data.SharedFunctionalGroupsSequence = [shared]
    groups = []
    for n, place in enumerate(places):
        position, group = Dataset(), Dataset()
        position.ImagePositionPatient = place_of(place)
        group.PlanePositionSequence = [position]
        if frame_orientations is not None:
            own = Dataset()
            own.ImageOrientationPatient = list(frame_orientations[n])
            group.PlaneOrientationSequence = [own]
        groups.append(group)
    data.PerFrameFunctionalGroupsSequence = groups
    data.PixelData = np.stack([slice_pixels(int(place)) for place in places]).tobytes()
    if implicit:
        data.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    data.save_as(path, enforce_file_format=True)
    return path


def write_philips_frames(path: Path, places: Sequence[float]) -> Path:
    """Write frames as Philips does: what a private sequence repeats is not so; return the path."""
    write_frames(path, places)
    data = pydicom.dcmread(path)
    for frame in data.PerFrameFunctionalGroupsSequence:
        repeated = Dataset()
        repeated.ImagePositionPatient = [0.0, 0.0, 0.0]
        repeated.ImageOrientationPatient = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0]
        repeated.PixelSpacing = [9.0, 9.0]
        repeated.SliceThickness = 99.0
        block = frame.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
        block.add_new(0x0F, "SQ", [repeated])
        frame[block.get_tag(0x0F)].is_undefined_length = True
    data.save_as(path)
    return path


def write_volume_series(folder: Path, volume: Volume, **tags: Any) -> Path:
    """Write a volume (k, j, i), scaled to the stored range, as a series; return the folder."""
    folder.mkdir(parents=True)
    stored = np.rint(1000.0 * volume.voxels / volume.voxels.max()).clip(0).astype(np.uint16)
    spacing = volume.spacing_mm
    axes = volume.affine[:3, :3] / spacing
    for number, pixels in enumerate(stored):
        place = volume.affine[:3, 3] + number * volume.affine[:3, 2]
        own = {
            "Rows": pixels.shape[0],
            "Columns": pixels.shape[1],
            "PixelSpacing": spacing[[1, 0]].round(6).tolist(),
            "ImageOrientationPatient": np.concatenate([axes[:, 0], axes[:, 1]]).round(8).tolist(),
            "ImagePositionPatient": place.round(6).tolist(),
        }
        write_slice(folder / f"IM{number:03}", number, pixels, **(own | tags))
    return folder
