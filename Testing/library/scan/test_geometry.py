from itertools import permutations, product

import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.scan.geometry import (
    Volume,
    apply_affine,
    describe_acquisition,
    rotation_about,
    sitk_from_volume,
    slice_axis,
    to_canonical,
    to_grid_of,
    volume_from_sitk,
)
from BrainAgeLib.scan.read import read_scan
from Testing.library.phantoms import rigid_motion
from Testing.library.scan.made_scans import (
    ORIENTATIONS,
    SLIGHT_TILT,
    itk_image,
    lps_affine,
    made_affine,
    made_voxels,
    rotation,
    turned,
    write_nifti,
)

TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
TILTS = [(0.0, 0.0, 0.0), SLIGHT_TILT]


def read_turned(tmp_path, orientation, tilt):
    straight = write_nifti(tmp_path / "straight.nii", affine=made_affine(tilt))
    stored = turned(straight, orientation)
    stored.to_filename(tmp_path / "turned.nii.gz")
    return stored, read_scan(tmp_path / "turned.nii.gz").image


def test_there_are_48_orientations():
    assert len(set(ORIENTATIONS)) == 48


@pytest.mark.parametrize("tilt", TILTS)
@pytest.mark.parametrize("orientation", ORIENTATIONS)
class TestEveryOrientation:
    def test_world_coordinates_are_those_that_nibabel_reads(self, tmp_path, orientation, tilt):
        stored, image = read_turned(tmp_path, orientation, tilt)

        np.testing.assert_allclose(lps_affine(image), TO_LPS @ stored.affine, atol=1e-5)
        np.testing.assert_array_equal(sitk.GetArrayViewFromImage(image).T, stored.get_fdata())

    def test_canonical_image_is_the_same(self, tmp_path, orientation, tilt):
        reference = to_canonical(read_turned(tmp_path, "LPS", tilt)[1])

        canonical = to_canonical(read_turned(tmp_path, orientation, tilt)[1])

        np.testing.assert_array_equal(
            sitk.GetArrayViewFromImage(canonical), sitk.GetArrayViewFromImage(reference)
        )
        # The file itself holds single precision: 4e-6 mm at 30 mm from the origin.
        np.testing.assert_allclose(lps_affine(canonical), lps_affine(reference), atol=1e-5)

    def test_grid_of_the_original_is_restored_to_the_bit(self, tmp_path, orientation, tilt):
        _, image = read_turned(tmp_path, orientation, tilt)

        restored = to_grid_of(to_canonical(image), image)

        np.testing.assert_array_equal(
            sitk.GetArrayViewFromImage(restored), sitk.GetArrayViewFromImage(image)
        )
        assert restored.GetSpacing() == image.GetSpacing()
        assert restored.GetOrigin() == image.GetOrigin()
        assert restored.GetDirection() == image.GetDirection()


@pytest.mark.parametrize("flips", list(product((1.0, -1.0), repeat=3)))
@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("turn", [(1, 45, 0, 30), (2, 45, 0, 45), (0, 45, 1, 45), (0, 45, 2, 0)])
def test_axes_equally_near_to_two_of_the_world_come_back(turn, order, flips):
    axes = rotation_about(*turn[:2]) @ rotation_about(*turn[2:])
    voxels = np.arange(5 * 6 * 7, dtype=np.float32).reshape(7, 6, 5)
    for direction in (axes[:, order] * flips, (axes[:, order] * flips).round(6)):
        image = sitk.GetImageFromArray(voxels)
        image.SetDirection(direction.ravel().tolist())

        restored = to_grid_of(to_canonical(image), image)

        np.testing.assert_array_equal(sitk.GetArrayViewFromImage(restored), voxels)
        assert restored.GetDirection() == image.GetDirection()


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_canonical_affine_is_exact_for_an_image_in_memory(orientation):
    image = itk_image()

    stored = sitk.DICOMOrient(image, orientation)

    np.testing.assert_allclose(
        lps_affine(to_canonical(stored)), lps_affine(to_canonical(image)), atol=1e-6
    )


@pytest.mark.parametrize("degrees", [(45.0, 0, 0), (0, 45.0, 0), (0, 0, 45.0), (35.3, 45.0, 45.0)])
def test_grid_is_restored_where_two_orientations_are_equally_near(degrees):
    image = itk_image()
    image.SetDirection(rotation(degrees).ravel().tolist())

    restored = to_grid_of(to_canonical(image), image)

    np.testing.assert_array_equal(
        sitk.GetArrayViewFromImage(restored), sitk.GetArrayViewFromImage(image)
    )


def test_single_slice_becomes_canonical_and_returns():
    image = sitk.DICOMOrient(itk_image(made_voxels((14, 12, 1)).T), "RAI")

    restored = to_grid_of(to_canonical(image), image)

    np.testing.assert_array_equal(
        sitk.GetArrayViewFromImage(restored), sitk.GetArrayViewFromImage(image)
    )


def test_image_of_another_size_has_no_place_on_the_grid():
    with pytest.raises(ValueError, match="size"):
        to_grid_of(itk_image(made_voxels((14, 12, 8)).T), itk_image())


def test_volume_keeps_voxels_and_world_coordinates():
    image = itk_image()
    image.SetDirection(rotation(SLIGHT_TILT).ravel().tolist())

    volume = volume_from_sitk(image)
    back = sitk_from_volume(volume)

    index_ijk = (3, 7, 5)
    expected_mm = image.TransformIndexToPhysicalPoint(index_ijk)
    np.testing.assert_allclose(apply_affine(volume.affine, np.array(index_ijk)), expected_mm)
    assert volume.voxels[index_ijk[::-1]] == image[index_ijk]
    np.testing.assert_allclose(lps_affine(back), lps_affine(image), atol=1e-12)
    np.testing.assert_array_equal(
        sitk.GetArrayViewFromImage(back), sitk.GetArrayViewFromImage(image)
    )


def test_volume_is_a_copy():
    image = itk_image()

    volume_from_sitk(image).voxels[:] = -1

    assert sitk.GetArrayViewFromImage(image).min() == 0


def test_spacing_and_voxel_volume_of_a_turned_grid():
    affine = np.eye(4)
    affine[:3, :3] = rotation(SLIGHT_TILT) * (2.0, 3.0, 5.0)

    volume = Volume(np.zeros((4, 3, 2), np.float32), affine)

    np.testing.assert_allclose(volume.spacing_mm, (2.0, 3.0, 5.0))
    assert volume.voxel_volume_ml == pytest.approx(0.030)


def test_other_values_need_the_same_shape():
    volume = Volume(np.zeros((4, 3, 2)), np.eye(4))

    assert volume.with_voxels(np.ones((4, 3, 2))).voxels.sum() == 24
    with pytest.raises(ValueError, match=r"\(2, 3, 4\) does not fit"):
        volume.with_voxels(np.ones((2, 3, 4)))


def test_affine_maps_any_number_of_points():
    affine = made_affine()
    points = np.arange(24.0).reshape(2, 4, 3)

    mapped = apply_affine(affine, points)

    assert mapped.shape == points.shape
    np.testing.assert_allclose(mapped[1, 2], affine[:3, :3] @ points[1, 2] + affine[:3, 3])


def test_differences_in_the_last_bits_of_a_place_are_gone():
    image = sitk.Image(3, 4, 5, sitk.sitkFloat32)
    other = sitk.Image(image)
    image.SetOrigin((-12.3, 45.6, 7.8))
    other.SetOrigin((-12.3 + 1e-13, 45.6, 7.8 - 1e-13))

    assert image.GetOrigin() != other.GetOrigin()
    np.testing.assert_array_equal(volume_from_sitk(image).affine, volume_from_sitk(other).affine)


@pytest.mark.parametrize(
    ("shape", "spacing_mm", "axis"),
    [
        ((22, 240, 256), (0.9, 0.9, 6.5), 2),
        ((256, 22, 240), (0.9, 6.5, 0.9), 1),
        ((256, 240, 22), (6.5, 0.9, 0.9), 0),
        ((180, 220, 200), (1.0, 1.0, 1.0), -1),
        ((120, 220, 200), (1.0, 1.0, 1.5), -1),  # 3D with somewhat thicker partitions
        ((80, 220, 200), (1.0, 1.0, 2.0), 2),  # too many for its count, told by its spacing
        ((1, 220, 200), (1.0, 1.0, 1.0), 2),  # a single slice, whatever its spacing says
        ((20, 220, 200), (1.0, 1.0, 1.0), 2),
        ((220, 200, 1), (1.0, 1.0, 0.5), 0),
    ],
)
def test_slice_axis(shape, spacing_mm, axis):
    turned = rigid_motion((12, 5, 7)) @ np.diag([*spacing_mm, 1.0])

    assert slice_axis(turned, shape) == axis


def empty(shape, spacing_mm):
    """Return a volume of (k, j, i) voxels with spacings along i, j, k."""
    return Volume(np.zeros(shape, np.float32), np.diag([*spacing_mm, 1.0]))


@pytest.mark.parametrize(
    ("shape", "spacing_mm", "plane", "count", "slice_spacing_mm", "in_plane_mm"),
    [
        ((22, 240, 256), (0.9, 0.8, 6.5), "axial", 22, 6.5, (0.9, 0.8)),
        ((256, 24, 240), (0.9, 6.0, 0.8), "coronal", 24, 6.0, (0.9, 0.8)),
        ((256, 240, 20), (7.0, 0.9, 0.8), "sagittal", 20, 7.0, (0.9, 0.8)),
        ((180, 220, 200), (1.0, 1.0, 1.1), "3d", 180, 1.1, (1.0, 1.0)),
        ((1, 240, 256), (0.9, 0.8, 1.0), "axial", 1, 1.0, (0.9, 0.8)),
    ],
)
def test_plane_and_sizes(shape, spacing_mm, plane, count, slice_spacing_mm, in_plane_mm):
    found = describe_acquisition(empty(shape, spacing_mm), None)

    assert found.plane == plane
    assert found.slice_count == count
    assert found.slice_spacing_mm == slice_spacing_mm
    assert found.in_plane_mm == in_plane_mm
    assert found.slice_thickness_mm is None


def test_thickness_is_what_the_header_says():
    assert describe_acquisition(empty((22, 64, 64), (3, 3, 6)), 5.0).slice_thickness_mm == 5.0


def test_a_tilted_stack_keeps_its_numbers():
    straight = empty((22, 240, 256), (0.9, 0.8, 6.5))
    tilted = Volume(straight.voxels, rigid_motion((20, 5, 3)) @ straight.affine)

    assert describe_acquisition(tilted, None) == describe_acquisition(straight, None)


def test_slices_that_were_shifted_in_their_planes_are_as_far_apart_as_their_planes():
    volume = empty((22, 240, 256), (0.9, 0.8, 6.0))
    volume.affine[:3, 2] = [0.0, 4.5, 6.0]

    assert describe_acquisition(volume, None).slice_spacing_mm == 6.0
