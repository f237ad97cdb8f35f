import os
import shutil
from pathlib import Path

import pytest
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_scans import (
    itk_image,
    write_nifti,
)


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

        with pytest.raises(InputError, match="does not exist"):
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
