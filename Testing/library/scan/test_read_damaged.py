"""Files that lie, end early or hold no scan: one clear line, nothing else on the terminal."""

import gzip
import subprocess
import sys

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.scan import nifti
from Testing.library.scan.made_damage import (
    DATA_OFFSET,
    DIMENSION,
    INCOMPLETE,
    SIZE_I,
    SIZE_K,
    VOXEL_TYPE,
    message_of,
    patched,
    replaced,
)
from Testing.library.scan.made_scans import itk_image, made_affine, made_voxels, write_nifti

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

    def test_half_of_a_pair(self, tmp_path, capfd):
        nibabel.save(nibabel.Nifti1Pair(made_voxels(), made_affine()), tmp_path / "s.hdr")

        assert "is half of an Analyze or NIfTI pair" in message_of(tmp_path / "s.hdr", capfd)

    @pytest.mark.parametrize(("name", "kind"), [("s.nrrd", "NRRD"), ("s.mha", "MetaImage")])
    def test_gzip_around_another_format(self, tmp_path, capfd, name, kind):
        sitk.WriteImage(itk_image(), tmp_path / name)
        packed = tmp_path / f"{name}.gz"
        packed.write_bytes(gzip.compress((tmp_path / name).read_bytes()))

        assert f"is a {kind} file inside gzip" in message_of(packed, capfd)

    def test_nifti_2_is_called_by_its_name(self, tmp_path, capfd):
        nibabel.save(nibabel.Nifti2Image(made_voxels(), made_affine()), tmp_path / "s.nii")

        assert "is NIfTI-2, which is not supported" in message_of(tmp_path / "s.nii", capfd)


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
        assert INCOMPLETE in message_of(patched(tmp_path / "s.nii", DATA_OFFSET, "f", 1e9), capfd)


MEMORY_LIMITED_READ = """
import resource, sys
from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.read import read_scan

used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**29, used + 2**29))
for path in sys.argv[1:]:
    try:
        read_scan(path)
    except InputError as error:
        print(error.message)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited the Linux way")
def test_sizes_that_lie_take_no_memory(tmp_path):
    paths = [
        patched(tmp_path / "a.nii", SIZE_I, "3h", 32767, 32767, 32767),
        tmp_path / "b.nii.gz",
        replaced(tmp_path / "c.nrrd", b"14 12 9\n", b"14 12 1000000000\n"),
        replaced(tmp_path / "d.mha", b"14 12 9\n", b"14 12 1000000000\n"),
        patched(tmp_path / "e.nii", SIZE_I, "3h", 32767, 12, 300),
    ]
    paths[1].write_bytes(gzip.compress(paths[0].read_bytes()))

    command = [sys.executable, "-c", MEMORY_LIMITED_READ, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    messages = done.stdout.splitlines()
    assert done.stderr == ""
    assert len(messages) == len(paths)
    assert all("is too large: its header promises" in message for message in messages[:4])
    assert INCOMPLETE in messages[4]
