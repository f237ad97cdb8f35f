"""What a scan has to be, in a file or in memory, and what is settled on the way."""

import struct

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.records import InputRecord
from BrainAgeLib.scan.read import read_scan, scan_from_image
from Testing.library.scan.made_scans import (
    itk_image,
    lps_affine,
    made_affine,
    made_voxels,
    message_of,
    write_nifti,
)


def voxels_of(scan):
    return sitk.GetArrayFromImage(scan.image).T


class TestFindings:
    @pytest.mark.parametrize("name", ["s.nii", "s.nii.gz", "s.nrrd", "s.mha"])
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_single_non_finite_voxels_become_background(self, tmp_path, value, name):
        voxels = made_voxels() + 10
        voxels[3, 4, 5] = voxels[7, 7, 7] = value
        sitk.WriteImage(itk_image(voxels.T), tmp_path / name)

        scan = read_scan(tmp_path / name)

        (finding,) = scan.findings
        assert (finding.code, finding.severity) == ("non_finite_voxels", "note")
        assert finding.value == pytest.approx(2 / voxels.size)
        assert finding.limit == 0.01
        assert voxels_of(scan)[3, 4, 5] == voxels_of(scan)[7, 7, 7] == 0
        voxels[3, 4, 5] = voxels[7, 7, 7] = 0
        np.testing.assert_array_equal(voxels_of(scan), voxels)
        np.testing.assert_allclose(scan.image.GetSpacing(), (0.9, 1.1, 5.5), atol=1e-6)

    def test_one_percent_is_too_many(self, tmp_path):
        voxels = made_voxels((10, 10, 10))
        voxels.flat[:9] = np.nan
        assert read_scan(write_nifti(tmp_path / "few.nii", voxels)).findings
        voxels.flat[9] = np.nan

        with pytest.raises(InputError, match="1 % of the voxels of .*many.nii are not finite"):
            read_scan(write_nifti(tmp_path / "many.nii", voxels))

    def test_non_finite_voxels_are_found_before_the_rescale_slope(self, tmp_path):
        image = nibabel.Nifti1Image(made_voxels(), made_affine())
        image.get_fdata(caching="unchanged")
        image.header.set_slope_inter(2, 100)
        image.to_filename(tmp_path / "s.nii")
        content = bytearray((tmp_path / "s.nii").read_bytes())
        struct.pack_into("<f", content, 352, np.nan)
        (tmp_path / "s.nii").write_bytes(content)

        scan = read_scan(tmp_path / "s.nii")

        assert scan.findings[0].value == pytest.approx(1 / made_voxels().size)
        assert voxels_of(scan)[0, 0, 0] == 0

    @pytest.mark.parametrize("order", "<>")
    @pytest.mark.parametrize("kind", ["f4", "f8"])
    def test_non_finite_voxels_of_either_byte_order_and_precision(self, tmp_path, order, kind):
        voxels = made_voxels().astype(order + kind)
        voxels[13, 11, 8] = np.nan
        header = nibabel.Nifti1Header(endianness=order)
        header.set_data_dtype(kind)
        image = nibabel.Nifti1Image(voxels, made_affine(), header)
        nibabel.save(image, tmp_path / "s.nii.gz")

        scan = read_scan(tmp_path / "s.nii.gz")

        voxels[13, 11, 8] = 0
        np.testing.assert_array_equal(voxels_of(scan), voxels)
        assert scan.findings[0].value == pytest.approx(1 / voxels.size)

    def test_value_beyond_single_precision_is_not_finite(self, tmp_path):
        voxels = made_voxels().astype("f8")
        voxels[1, 1, 1] = 1e300

        (finding,) = read_scan(write_nifti(tmp_path / "s.nii", voxels)).findings

        assert finding.code == "non_finite_voxels"

    def test_unknown_orientation_is_noted(self, tmp_path):
        image = nibabel.Nifti1Image(made_voxels(), None)
        image.header["pixdim"][1:4] = (0.9, 1.1, 5.5)
        nibabel.save(image, tmp_path / "s.nii")

        scan = read_scan(tmp_path / "s.nii")

        assert [finding.code for finding in scan.findings] == ["unknown_orientation"]
        assert scan.image.GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1)


class TestImageInMemory:
    def test_it_becomes_a_scan_and_stays_as_it_is(self):
        voxels = made_voxels().T.copy()
        voxels[2, 2, 2] = np.nan
        image = itk_image(voxels)
        image.SetMetaData("patient", "Doe^Jane")

        scan = scan_from_image(image)

        assert scan.input == InputRecord(None, None, None)
        assert scan.findings[0].code == "non_finite_voxels"
        np.testing.assert_array_equal(lps_affine(scan.image), lps_affine(image))
        assert not scan.image.GetMetaDataKeys()
        assert image.GetMetaDataKeys() == ("patient",)
        assert np.isnan(image[2, 2, 2])

    def test_integers_and_a_fourth_axis_of_one(self):
        image = sitk.JoinSeries([sitk.Cast(itk_image(), sitk.sitkInt16)])

        scan = scan_from_image(image)

        np.testing.assert_array_equal(voxels_of(scan), made_voxels())
        np.testing.assert_array_equal(lps_affine(scan.image), lps_affine(itk_image()))

    @pytest.mark.parametrize(
        ("image", "message"),
        [
            (itk_image(made_voxels()[:, :, 0]), "the image is a 2D picture"),
            (sitk.JoinSeries([itk_image()] * 3), "the image holds 3 volumes"),
            (sitk.Compose([itk_image()] * 3), "one grey value per voxel but vector"),
            (sitk.Image([9, 9, 9], sitk.sitkComplexFloat32), "but complex"),
            (sitk.Image([9, 9, 9], sitk.sitkLabelUInt8), "but label"),
            (sitk.Image([9, 9, 9], sitk.sitkFloat32), "the image is empty: every voxel is 0"),
            (itk_image() * 0 + 7, "every voxel is 7"),
            (itk_image(made_voxels((9, 1, 1))), "too small to be a scan: 1 x 1 x 9 voxels"),
        ],
    )
    def test_what_cannot_be_a_scan(self, image, message):
        with pytest.raises(InputError, match=message):
            scan_from_image(image)

    def test_sheared_axes(self):
        image = itk_image()
        image.SetDirection((1, 0.1, 0, 0, 1, 0, 0, 0, 1))

        with pytest.raises(InputError, match="not at right angles"):
            scan_from_image(image)

    def test_cosines_of_few_decimals_are_at_right_angles(self):
        image = itk_image()
        image.SetDirection((0.999, -0.044, 0, 0.044, 0.999, 0, 0, 0, 1))

        assert scan_from_image(image).image.GetDirection() == image.GetDirection()

    def test_place_that_is_not_a_number(self):
        image = itk_image()
        image.SetOrigin((0, np.nan, 0))

        with pytest.raises(InputError, match="places the voxels nowhere"):
            scan_from_image(image)


class TestWhatNoScanIs:
    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            ((14, 12), "is a 2D picture"),
            ((14, 12, 9, 4), "holds 4 volumes (14 x 12 x 9 x 4)"),
            ((14, 12, 9, 1, 3), "holds 3 volumes"),
            ((1, 1, 1), "is too small to be a scan: 1 x 1 x 1 voxels"),
            ((200, 1, 1), "is too small to be a scan"),
            ((200, 7, 7), "is too small to be a scan"),
        ],
    )
    def test_shape(self, tmp_path, capfd, shape, message):
        assert message in message_of(write_nifti(tmp_path / "s.nii", made_voxels(shape)), capfd)

    @pytest.mark.parametrize(
        ("kind", "message"),
        [
            ("c8", "but complex of 32-bit float"),
            ([("R", "u1"), ("G", "u1"), ("B", "u1")], "but vector of 8-bit unsigned integer"),
        ],
    )
    def test_pixels(self, tmp_path, capfd, kind, message):
        path = write_nifti(tmp_path / "s.nii", np.zeros((14, 12, 9), kind))

        assert message in message_of(path, capfd)

    @pytest.mark.parametrize("value", [0, 7])
    def test_one_value_everywhere(self, tmp_path, capfd, value):
        path = write_nifti(tmp_path / "s.nii", np.full((14, 12, 9), value, "i2"))

        assert f"is empty: every voxel is {value}" in message_of(path, capfd)

    def test_nothing_but_nan(self, tmp_path, capfd):
        path = write_nifti(tmp_path / "s.nii", np.full((14, 12, 9), np.nan, "f4"))

        assert "100 % of the voxels" in message_of(path, capfd)
