import gzip
import hashlib
import os
import shutil
from pathlib import Path

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
    write_nifti,
)


def voxels_of(scan):
    return sitk.GetArrayFromImage(scan.image).T


class TestFormats:
    @pytest.mark.parametrize("name", ["s.nii", "s.nii.gz", "s.nrrd", "s.nhdr", "s.mha", "s.mhd"])
    def test_voxels_and_world_coordinates_are_kept(self, tmp_path, name):
        image = itk_image()
        sitk.WriteImage(image, tmp_path / name)

        scan = read_scan(tmp_path / name)

        np.testing.assert_array_equal(voxels_of(scan), made_voxels())
        np.testing.assert_allclose(lps_affine(scan.image), lps_affine(image), atol=1e-5)
        assert scan.image.GetPixelID() == sitk.sitkFloat32
        assert (scan.slice_thickness_mm, scan.age_years, scan.sex) == (None, None, None)
        assert scan.findings == ()

    @pytest.mark.parametrize("source", ["s.nii", "s.nii.gz", "s.nrrd", "s.mha"])
    @pytest.mark.parametrize("name", ["scan", "scan.nii", "scan.nii.gz", "Scan.NII.gz", "scan.dcm"])
    def test_content_decides_and_not_the_name(self, tmp_path, source, name):
        sitk.WriteImage(itk_image(), tmp_path / source)
        (tmp_path / source).rename(tmp_path / name)

        np.testing.assert_array_equal(voxels_of(read_scan(tmp_path / name)), made_voxels())

    def test_content_decides_where_links_are_not_allowed(self, tmp_path, monkeypatch):
        write_nifti(tmp_path / "s.nii").rename(tmp_path / "scan")

        def refuse(*_arguments):
            raise OSError("a required privilege is not held by the client")

        monkeypatch.setattr(Path, "symlink_to", refuse)

        np.testing.assert_array_equal(voxels_of(read_scan(tmp_path / "scan")), made_voxels())

    @pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4", "i8", "f4", "f8"])
    def test_every_real_pixel_type_becomes_float32(self, tmp_path, kind):
        voxels = (made_voxels() % 100).astype(kind)

        image = nibabel.Nifti1Image(voxels, made_affine(), dtype=kind)
        nibabel.save(image, tmp_path / "s.nii.gz")

        scan = read_scan(tmp_path / "s.nii.gz")

        np.testing.assert_array_equal(voxels_of(scan), voxels)
        assert scan.image.GetPixelID() == sitk.sitkFloat32

    def test_rescale_slope_is_applied(self, tmp_path):
        stored = (made_voxels() % 100).astype("i2")
        image = nibabel.Nifti1Image(stored, made_affine())
        image.header.set_slope_inter(0.5, -3)
        nibabel.save(image, tmp_path / "s.nii")

        scan = read_scan(tmp_path / "s.nii")

        np.testing.assert_allclose(voxels_of(scan), nibabel.load(tmp_path / "s.nii").get_fdata())

    @pytest.mark.parametrize("shape", [(14, 12, 9, 1), (14, 12, 9, 1, 1)])
    def test_further_axes_of_one_are_dropped(self, tmp_path, shape):
        scan = read_scan(write_nifti(tmp_path / "s.nii", made_voxels().reshape(shape)))

        np.testing.assert_array_equal(voxels_of(scan), made_voxels())

    def test_4d_nrrd_of_one_volume_is_read(self, tmp_path):
        sitk.WriteImage(sitk.JoinSeries([itk_image()]), tmp_path / "s.nrrd")

        scan = read_scan(tmp_path / "s.nrrd")

        np.testing.assert_array_equal(voxels_of(scan), made_voxels())
        np.testing.assert_allclose(lps_affine(scan.image), lps_affine(itk_image()))

    @pytest.mark.parametrize("is_first", [True, False])
    def test_an_axis_of_nrrd_that_is_a_list_of_one(self, tmp_path, is_first):
        sitk.WriteImage(itk_image(), tmp_path / "s.nrrd", useCompression=False)
        header, voxels = (tmp_path / "s.nrrd").read_bytes().split(b"\n\n", 1)
        for field, one in ((b"sizes", b"1"), (b"space directions", b"none"), (b"kinds", b"list")):
            line = next(row for row in header.split(b"\n") if row.startswith(field + b":"))
            words = line.split(b": ")[1]
            longer = one + b" " + words if is_first else words + b" " + one
            header = header.replace(line, field + b": " + longer)
        header = header.replace(b"dimension: 3", b"dimension: 4")
        (tmp_path / "list.nrrd").write_bytes(header + b"\n\n" + voxels)

        scan = read_scan(tmp_path / "list.nrrd")

        np.testing.assert_array_equal(voxels_of(scan), made_voxels())
        np.testing.assert_allclose(lps_affine(scan.image), lps_affine(itk_image()))
        in_memory = scan_from_image(sitk.ReadImage(str(tmp_path / "list.nrrd")))
        np.testing.assert_array_equal(voxels_of(in_memory), made_voxels())

    def test_single_axial_slice_is_read(self, tmp_path):
        scan = read_scan(write_nifti(tmp_path / "s.nii.gz", made_voxels((60, 76, 1))))

        assert scan.image.GetSize() == (60, 76, 1)
        assert scan.image.GetSpacing()[2] == pytest.approx(5.5)

    def test_comments_of_the_header_stay_behind(self, tmp_path):
        image = itk_image()
        image.SetMetaData("patient", "Doe^Jane")
        sitk.WriteImage(image, tmp_path / "s.nrrd")

        assert read_scan(tmp_path / "s.nrrd").image.GetMetaDataKeys() == ()


class TestInputRecord:
    def test_path_is_as_given_and_the_hash_that_of_the_file(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        write_nifti(tmp_path / "s.nii.gz")

        record = read_scan("./s.nii.gz").input

        digest = hashlib.sha256((tmp_path / "s.nii.gz").read_bytes()).hexdigest()
        assert record == InputRecord("./s.nii.gz", digest, None)

    def test_hash_of_a_header_with_a_data_file_is_of_both(self, tmp_path):
        sitk.WriteImage(itk_image(), tmp_path / "s.mhd")
        both = (tmp_path / "s.mhd").read_bytes() + (tmp_path / "s.raw").read_bytes()

        assert read_scan(tmp_path / "s.mhd").input.sha256 == hashlib.sha256(both).hexdigest()


class TestPaths:
    def test_link_space_accent_and_length_do_no_harm(self, tmp_path):
        folder = tmp_path / "crâne de l'été 脳" / ("x" * 200) / ("y" * 200) / ("z" * 200)
        folder.mkdir(parents=True)
        write_nifti(tmp_path / "s.nii.gz")
        for name in ("s.nrrd", "s.mha"):
            sitk.WriteImage(itk_image(), folder / name)
        (folder / "link.nii.gz").symlink_to(tmp_path / "s.nii.gz")

        for name in ("link.nii.gz", "s.nrrd", "s.mha"):
            assert read_scan(folder / name).image.GetSize() == (14, 12, 9)

    @pytest.mark.parametrize("path", ["", "missing.nii.gz", "zero\0byte.nii", "x" * 5000])
    def test_path_to_nothing(self, path):
        with pytest.raises(InputError, match="does not exist|cannot be read: file name too long"):
            read_scan(path)

    def test_link_to_nothing(self, tmp_path):
        (tmp_path / "s.nii").symlink_to(tmp_path / "gone.nii")

        with pytest.raises(InputError, match="is a link to a file that is not there"):
            read_scan(tmp_path / "s.nii")

    def test_path_through_a_file(self, tmp_path):
        path = write_nifti(tmp_path / "s.nii")

        with pytest.raises(InputError, match="cannot be read: not a directory"):
            read_scan(path / "s.nii")

    def test_name_that_is_not_utf_8(self, tmp_path):
        path = os.fsencode(tmp_path) + b"/caf\xe9.nii"
        try:
            shutil.copyfile(write_nifti(tmp_path / "s.nii"), path)
        except (OSError, UnicodeDecodeError):
            pytest.skip("this file system takes UTF-8 only")

        with pytest.raises(InputError, match=r"caf\?.nii is not UTF-8"):
            read_scan(os.fsdecode(path))

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such thing here")
    def test_pipe_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.nii")

        with pytest.raises(InputError, match="neither a file nor a folder"):
            read_scan(tmp_path / "pipe.nii")

    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
    )
    def test_file_that_may_not_be_read(self, tmp_path):
        write_nifti(tmp_path / "s.nii").chmod(0)

        with pytest.raises(InputError, match="cannot be read: permission denied"):
            read_scan(tmp_path / "s.nii")

    def test_line_break_in_a_name_does_not_break_the_message(self):
        with pytest.raises(InputError) as caught:
            read_scan("no\nscan.nii")

        assert "\n" not in str(caught.value)

    def test_series_is_for_dicom(self, tmp_path):
        with pytest.raises(InputError, match="is a NIfTI file and has no series"):
            read_scan(write_nifti(tmp_path / "s.nii"), series_uid="1.2.3")


def test_every_path_type_is_taken(tmp_path):
    path = write_nifti(tmp_path / "s.nii")

    assert read_scan(str(path)).input == read_scan(Path(path)).input


def test_gzip_of_something_else(tmp_path):
    (tmp_path / "s.nii.gz").write_bytes(gzip.compress(b"not a scan" * 1000))

    with pytest.raises(InputError, match="not a medical image with world coordinates"):
        read_scan(tmp_path / "s.nii.gz")


@pytest.mark.parametrize("name", ["picture.png", "picture.jpg", "picture.tif", "picture.bmp"])
def test_picture(tmp_path, name):
    sitk.WriteImage(sitk.Image([64, 64], sitk.sitkUInt8), tmp_path / name)

    with pytest.raises(InputError, match="not a medical image with world coordinates"):
        read_scan(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "converter"),
    [("t1.mif.gz", "mrconvert"), ("t1.mnc", "mnc2nii"), ("t1+orig.HEAD", "3dAFNItoNIFTI")],
)
def test_image_of_a_format_that_is_not_read_names_what_converts_it(tmp_path, name, converter):
    (tmp_path / name).write_bytes(b"some image")

    with pytest.raises(InputError, match=f"which is not read .*{converter}"):
        read_scan(tmp_path / name)
