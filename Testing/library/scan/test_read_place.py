"""Headers that place a scan nowhere."""

import struct

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from Testing.library.scan.made_damage import (
    PIXDIM_K,
    QFORM_CODE,
    SFORM,
    message_of,
    patched,
    replaced,
)
from Testing.library.scan.made_scans import itk_image, made_affine, made_voxels


class TestPlace:
    @pytest.mark.parametrize("spacing_mm", [0.0, -5.5, float("nan"), float("inf")])
    def test_impossible_spacing_in_nifti(self, tmp_path, capfd, spacing_mm):
        path = patched(tmp_path / "s.nii", PIXDIM_K, "f", spacing_mm)

        assert f"spacing: 0.9 x 1.1 x {spacing_mm:g} mm" in message_of(path, capfd)

    @pytest.mark.parametrize("spacing", [b"0", b"-5.5", b"nan", b"x"])
    def test_impossible_spacing_in_metaimage(self, tmp_path, capfd, spacing):
        path = replaced(tmp_path / "s.mha", b" 5.5\nDimSize", b" " + spacing + b"\nDimSize")

        assert "impossible voxel spacing" in message_of(path, capfd)

    @pytest.mark.parametrize(
        ("name", "line"), [("s.mha", b"ElementSpacing"), ("s.nrrd", b"space directions")]
    )
    def test_no_spacing(self, tmp_path, capfd, name, line):
        path = replaced(tmp_path / name, line, b"comment")

        assert "does not say how large a voxel is" in message_of(path, capfd)

    @pytest.mark.parametrize(
        "directions", [b"(0.9,0,0) (0,0,0) ", b"(0.9,0,0) (0.9,0,0) ", b"(0.9,0,0) (0.5,1,0) "]
    )
    def test_directions_of_nrrd_that_are_no_axes(self, tmp_path, capfd, directions):
        path = tmp_path / "s.nrrd"
        sitk.WriteImage(itk_image(), path, useCompression=False)
        header = path.read_bytes().split(b"space directions: ")[1].split(b"(0,0,")[0]

        message = message_of(replaced(path, header, directions), capfd)

        assert "not at right angles" in message or "impossible voxel spacing" in message

    @pytest.mark.parametrize("affine", [np.nan, np.diag([0.0, 1, 1, 1])])
    def test_affine_of_nifti_that_leads_nowhere(self, tmp_path, capfd, affine):
        path = patched(tmp_path / "s.nii", QFORM_CODE, "h", 0)
        content = bytearray(path.read_bytes())
        struct.pack_into("<12f", content, SFORM, *(np.eye(4) * affine)[:3].ravel())
        path.write_bytes(content)

        assert "places the voxels nowhere" in message_of(path, capfd)

    def test_sheared_affine(self, tmp_path, capfd):
        affine = made_affine()
        affine[0, 1] = 0.1
        image = nibabel.Nifti1Image(made_voxels(), affine)
        image.set_sform(affine, 1)
        image.set_qform(None, 0)
        nibabel.save(image, tmp_path / "s.nii")

        assert "not at right angles" in message_of(tmp_path / "s.nii", capfd)

    def test_affine_that_contradicts_the_spacing(self, tmp_path, capfd):
        image = nibabel.Nifti1Image(made_voxels(), made_affine())
        image.set_qform(None, 0)
        image.header["pixdim"][1:4] = 1
        nibabel.save(image, tmp_path / "s.nii")

        message = message_of(tmp_path / "s.nii", capfd)

        assert "contradicts itself: voxels of 1 x 1 x 1 mm by pixdim, 0.9 x 1.1 x 5.5" in message
