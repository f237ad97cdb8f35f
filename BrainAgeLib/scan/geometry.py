"""Volumes in world coordinates, and how a scan was acquired, as its grid tells.

World coordinates are ITK's and DICOM's: LPS, in mm, x to the left, y to posterior, z to superior.
Arrays are indexed (k, j, i), slowest axis first, as SimpleITK hands them out; affines map the
index vector (i, j, k) to world coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.records import Acquisition, Plane, SequenceTags

AFFINE_DECIMALS = 9  # of mm: what is beyond is rounding, which the order of the axes would change
CANONICAL = "LPS"  # where the axes of an image in order run
LEAST_SLICES_TO_REGISTER = 8  # fewer hardly tell where in the brain they lie: set by hand
# Set by hand: routine slices are few, and several times as far apart as their pixels are wide; 3D
# scans have many, and voxels that are nearly cubes.
SLICES_TO_PIXELS, SPACING_TO_PIXEL = 4, 1.6
PLANES: tuple[Plane, Plane, Plane] = ("sagittal", "coronal", "axial")


@dataclass(frozen=True)
class Volume:
    """A scalar image with its place in the world.

    ``voxels``: array (k, j, i). ``affine``: 4 x 4, index (i, j, k) to LPS world in mm.
    """

    voxels: np.ndarray
    affine: np.ndarray

    @property
    def spacing_mm(self) -> np.ndarray:
        """Distance between neighbouring voxel centres along i, j, k."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return float(abs(np.linalg.det(self.affine[:3, :3])) / 1000.0)

    def with_voxels(self, voxels: np.ndarray) -> Volume:
        """Return other values on the same grid."""
        if voxels.shape != self.voxels.shape:
            raise ValueError(f"shape {voxels.shape} does not fit the grid {self.voxels.shape}")
        return Volume(voxels, self.affine)

    def part(self, window: tuple[slice, ...]) -> Volume:
        """Return the voxels (k, j, i) of a window where they lie."""
        affine = self.affine.copy()
        first = [kept.start for kept in window[::-1]]
        affine[:3, 3] = apply_affine(self.affine, np.array(first, float))
        return Volume(np.ascontiguousarray(self.voxels[window]), affine.round(AFFINE_DECIMALS))


def image_affine(image: sitk.Image) -> np.ndarray:
    """Return the affine (4 x 4) of a 3D image: index (i, j, k) to LPS world in mm."""
    affine = np.eye(4)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    affine[:3, :3] = direction * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return affine


def volume_from_sitk(image: sitk.Image) -> Volume:
    """Return a float32 volume of a scalar 3D SimpleITK image.

    The affine is rounded: programs pass one place on with differences in the last bits, which the
    many steps of a registration would make into a tenth of a year.
    """
    affine = image_affine(image)
    voxels = sitk.GetArrayFromImage(image).astype(np.float32)
    return Volume(voxels, affine.round(AFFINE_DECIMALS))


def sitk_from_volume(volume: Volume) -> sitk.Image:
    """Return a SimpleITK image of a volume whose axes are orthogonal."""
    image = sitk.GetImageFromArray(volume.voxels)
    spacing = volume.spacing_mm
    image.SetSpacing(spacing.tolist())
    image.SetDirection((volume.affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(volume.affine[:3, 3].tolist())
    return image


def to_canonical(image: sitk.Image) -> sitk.Image:
    """Permute and flip the axes to be nearest to L, P, S.

    Every one of the 48 ways to store one scan becomes the same image, so that all later steps
    give the same result. No voxel is interpolated.
    """
    return sitk.DICOMOrient(image, CANONICAL)


def to_grid_of(canonical: sitk.Image, original: sitk.Image) -> sitk.Image:
    """Undo :func:`to_canonical`: bring an image back to the axes of ``original``."""
    # Asked of a few voxels with these directions: where two axes are equally near to one of the
    # world's, the orientation by its letters is not the way back.
    probe = sitk.Image(2, 2, 2, sitk.sitkUInt8)
    probe.SetDirection(original.GetDirection())
    way = sitk.DICOMOrientImageFilter()
    way.SetDesiredCoordinateOrientation(CANONICAL)
    way.Execute(probe)
    back = np.argsort(way.GetPermuteOrder()).tolist()
    restored = sitk.PermuteAxes(sitk.Flip(canonical, way.GetFlipAxes()), back)
    if restored.GetSize() != original.GetSize():
        raise ValueError(f"size {restored.GetSize()} instead of {original.GetSize()}")
    restored.CopyInformation(original)  # the same bits, not only the same numbers
    return restored


def apply_affine(affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Map points (..., 3) by a 4 x 4 affine."""
    return points @ affine[:3, :3].T + affine[:3, 3]


def rotation_about(axis: int, degrees: float) -> np.ndarray:
    """Return the matrix (3 x 3) of a turn about x, y or z (0-2)."""
    angle, (a, b) = np.deg2rad(degrees), [n for n in range(3) if n != axis]
    matrix = np.eye(3)
    matrix[a, a] = matrix[b, b] = np.cos(angle)
    matrix[a, b], matrix[b, a] = -np.sin(angle), np.sin(angle)
    return matrix


def slice_axis(affine: np.ndarray, shape: tuple[int, ...]) -> int:
    """Return the axis (0-2 for i, j, k) along which slices lie, or -1 for a 3D scan.

    ``shape``: (k, j, i). An axis with few voxels, one above all, is that of the slices whatever
    its spacing says.
    """
    counts = np.array(shape[::-1])
    fewest = int(np.argmin(counts))
    if counts[fewest] * SLICES_TO_PIXELS <= np.delete(counts, fewest).min():
        return fewest
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    widest = int(np.argmax(spacing))
    return widest if spacing[widest] > SPACING_TO_PIXEL * np.delete(spacing, widest).max() else -1


def describe_acquisition(
    canonical: Volume, slice_thickness_mm: float | None, tags: SequenceTags | None = None
) -> Acquisition:
    """Return plane, number and spacing of the slices of a volume with axes nearest to L, P, S.

    ``slice_thickness_mm`` and ``tags`` are what the header says, or None. Of a 3D scan the axial
    slices count.
    """
    tags = tags or SequenceTags()
    axis = slice_axis(canonical.affine, canonical.voxels.shape)
    along = 2 if axis < 0 else axis
    rows, columns = (n for n in (2, 1, 0) if n != along)
    matrix = canonical.affine[:3, :3]
    normal = np.cross(matrix[:, rows], matrix[:, columns])
    # Slices that were shifted within their planes are closer than their origins.
    spacing_mm = abs(normal @ matrix[:, along]) / np.linalg.norm(normal)
    in_plane = canonical.spacing_mm[[columns, rows]]
    return Acquisition(
        plane="3d" if axis < 0 else PLANES[axis],
        slice_count=int(canonical.voxels.shape[::-1][along]),
        slice_spacing_mm=round(float(spacing_mm), 4),
        slice_thickness_mm=slice_thickness_mm,
        in_plane_mm=(round(float(in_plane[0]), 4), round(float(in_plane[1]), 4)),
        scanner=tags.scanner,
        echo_time_ms=tags.echo_time_ms,
        repetition_time_ms=tags.repetition_time_ms,
    )
