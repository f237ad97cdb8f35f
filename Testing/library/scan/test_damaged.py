"""Files that lie, end early or hold no scan: one clear line, nothing else on the terminal."""

import gzip
import struct

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.scan import nifti
from Testing.library.scan.made_scans import (
    DATA_OFFSET,
    DIMENSION,
    INCOMPLETE,
    PIXDIM_K,
    QFORM_CODE,
    SFORM,
    SIZE_K,
    VOXEL_TYPE,
    itk_image,
    made_affine,
    made_voxels,
    message_of,
    patched,
    replaced,
    write_nifti,
)

SENSELESS = "makes no sense"


class TestIncomplete:
    @pytest.mark.parametrize("kept", [0.99, 0.5, 0.1])
    @pytest.mark.parametrize("compressed", [True, False])
    @pytest.mark.parametrize("name", ["s.nii", "s.nii.gz", "s.nrrd", "s.mha"])
    def test_file_that_ends_early(self, tmp_path, capfd, name, compressed, kept):
        sitk.WriteImage(itk_image(), tmp_path / name, useCompression=compressed)
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: int(len(content) * kept)])

        assert INCOMPLETE in message_of(tmp_path / name, capfd)

    def test_missing_checksum_of_gzip(self, tmp_path, capfd):
        path = write_nifti(tmp_path / "s.nii.gz")
        path.write_bytes(path.read_bytes()[:-6])

        assert INCOMPLETE in message_of(path, capfd)

    def test_flipped_bits_in_gzip(self, tmp_path, capfd):
        path = write_nifti(tmp_path / "s.nii.gz")
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)

        assert INCOMPLETE in message_of(path, capfd)

    def test_gzip_that_unpacks_without_end(self, tmp_path, capfd, monkeypatch):
        monkeypatch.setattr(nifti, "MOST_SURPLUS_BYTES", 2**21)
        path = write_nifti(tmp_path / "s.nii.gz")
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + bytes(2**22)))

        assert "is much longer than its header says" in message_of(path, capfd)

    @pytest.mark.parametrize("size", [4, 100, 347])
    def test_header_that_ends_early(self, tmp_path, capfd, size):
        path = write_nifti(tmp_path / "s.nii")
        path.write_bytes(path.read_bytes()[:size])

        assert INCOMPLETE in message_of(path, capfd)

    @pytest.mark.parametrize("name", ["s.nii", "s.nii.gz", "s.nrrd", "s.mha", "s.dcm", "s"])
    def test_empty_file(self, tmp_path, capfd, name):
        (tmp_path / name).touch()

        assert "is an empty file" in message_of(tmp_path / name, capfd)

    @pytest.mark.parametrize("name", ["s.mhd", "s.nhdr"])
    def test_missing_data_file_is_named(self, tmp_path, capfd, name):
        sitk.WriteImage(itk_image(), tmp_path / name)
        (tmp_path / "s.raw").unlink()

        assert "are in s.raw, which is missing" in message_of(tmp_path / name, capfd)


class TestNotAScan:
    @pytest.mark.parametrize("name", ["s.nii", "s.nii.gz", "s.nrrd", "s.mha", "s.dcm"])
    def test_text_under_the_name_of_a_scan(self, tmp_path, capfd, name):
        (tmp_path / name).write_text("Dear colleague, the scan is attached.\n" * 50)

        message = message_of(tmp_path / name, capfd)

        assert "is not a medical image with world coordinates" in message

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (
                b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n",
                "a pointer of Git LFS",
            ),
            (b"/annex/objects/MD5E-s123--abc.nii.gz\n", "a pointer of Git LFS or git-annex"),
            (b"BZh91AY&SY", "is packed in a way"),
            (b"\xfd7zXZ\0\0\4", "is packed in a way"),
            (b"\x28\xb5\x2f\xfd" + bytes(9), "is packed in a way"),
            (gzip.compress(gzip.compress(bytes(9), mtime=0), mtime=0), "is packed in a way"),
            (b"PK\x03\x04" + bytes(9), "is an archive"),
            (b"<!DOCTYPE html><title>404 Not Found</title>", "is not a medical image"),
        ],
    )
    def test_what_was_put_in_place_of_a_scan_is_named(self, tmp_path, capfd, content, why):
        (tmp_path / "s.nii.gz").write_bytes(content)

        assert why in message_of(tmp_path / "s.nii.gz", capfd)

    def test_half_of_a_pair(self, tmp_path, capfd):
        nibabel.save(nibabel.Nifti1Pair(made_voxels(), made_affine()), tmp_path / "s.hdr")

        assert "is half of an Analyze or NIfTI pair" in message_of(tmp_path / "s.hdr", capfd)

    @pytest.mark.parametrize(("name", "kind"), [("s.nrrd", "NRRD"), ("s.mha", "MetaImage")])
    def test_gzip_around_another_format(self, tmp_path, capfd, name, kind):
        sitk.WriteImage(itk_image(), tmp_path / name)
        packed = tmp_path / f"{name}.gz"
        packed.write_bytes(gzip.compress((tmp_path / name).read_bytes()))

        assert f"is a {kind} file inside gzip" in message_of(packed, capfd)


class TestSenselessHeader:
    @pytest.mark.parametrize(
        ("offset", "code", "value"),
        [
            (DIMENSION, "h", 0),
            (DIMENSION, "h", -3),
            (SIZE_K, "h", 0),
            (SIZE_K, "h", -9),
            (VOXEL_TYPE, "h", 0),
            (DATA_OFFSET, "f", float("nan")),
            (DATA_OFFSET, "f", -1.0),
            (DATA_OFFSET, "f", 1e9),
            (DATA_OFFSET, "f", 3e38),
            (DATA_OFFSET, "f", float("inf")),
        ],
    )
    def test_nifti(self, tmp_path, capfd, offset, code, value):
        path = patched(tmp_path / "s.nii", offset, code, value)

        assert SENSELESS in message_of(path, capfd)

    @pytest.mark.parametrize("count", [b"399999999", b"11", b"-1", b"x"])
    def test_number_of_axes_in_metaimage(self, tmp_path, capfd, count):
        path = replaced(tmp_path / "s.mha", b"NDims = 3", b"NDims = " + count)

        message = message_of(path, capfd)

        assert SENSELESS in message or "not a medical image" in message

    def test_data_offset_past_the_end(self, tmp_path, capfd):
        assert INCOMPLETE in message_of(patched(tmp_path / "s.nii", DATA_OFFSET, "f", 1e6), capfd)


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
