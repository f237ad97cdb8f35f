import shutil

import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.read import read_scan
from BrainAgeLib.scan.text_headers import read_text_header
from Testing.library.scan.made_scans import itk_image, made_voxels


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_fields_end_where_the_voxels_begin(tmp_path, line_end):
    nrrd = ["NRRD0004", "# note: none", "sizes: 3 4 5", "key:=a=b", "", "encoding: voxels"]
    meta = ["NDims = 3", "Comment =", "ElementDataFile = LOCAL", "NDims = 9"]
    (tmp_path / "s.nrrd").write_bytes(line_end.join(nrrd).encode())
    (tmp_path / "s.mha").write_bytes(line_end.join(meta).encode())

    assert read_text_header(tmp_path / "s.nrrd") == {"sizes": "3 4 5", "key": "a=b"}
    assert read_text_header(tmp_path / "s.mha") == {
        "ndims": "3",
        "comment": "",
        "elementdatafile": "LOCAL",
    }


@pytest.mark.parametrize("suffix", [".mhd", ".nhdr"])
def test_data_file_of_any_name_is_found(tmp_path, suffix):
    path = tmp_path / f"s{suffix}"
    sitk.WriteImage(itk_image(), path)
    (tmp_path / "inner").mkdir()
    (tmp_path / "s.raw").rename(tmp_path / "inner" / "été of 2020.raw")
    content = path.read_bytes().replace(b"s.raw", "inner/été of 2020.raw".encode())
    path.write_bytes(content)

    voxels = sitk.GetArrayFromImage(read_scan(path).image).T

    np.testing.assert_array_equal(voxels, made_voxels())


@pytest.mark.parametrize("suffix", [".mhd", ".nhdr"])
def test_data_file_that_ends_early(tmp_path, suffix):
    path = tmp_path / f"s{suffix}"
    sitk.WriteImage(itk_image(), path)
    (tmp_path / "s.raw").write_bytes((tmp_path / "s.raw").read_bytes()[:-100])

    with pytest.raises(InputError, match="is incomplete or damaged"):
        read_scan(path)


@pytest.mark.parametrize("several", [b"LIST", b"slice_%03d.raw 1 9 1"])
def test_several_data_files(tmp_path, several):
    sitk.WriteImage(itk_image(), tmp_path / "s.mhd")
    content = (tmp_path / "s.mhd").read_bytes().replace(b"s.raw", several)
    (tmp_path / "s.mhd").write_bytes(content)

    with pytest.raises(InputError, match="spreads its voxels over several files"):
        read_scan(tmp_path / "s.mhd")


def test_header_under_another_name(tmp_path):
    sitk.WriteImage(itk_image(), tmp_path / "s.mhd")
    shutil.move(tmp_path / "s.mhd", tmp_path / "s.txt")

    with pytest.raises(InputError, match="a MetaImage header under another name") as caught:
        read_scan(tmp_path / "s.txt")

    assert caught.value.hint == "rename it to end in .mhd"


def test_nrrd_that_does_not_say_which_way_its_axes_run(tmp_path):
    sitk.WriteImage(itk_image(), tmp_path / "s.nrrd", useCompression=False)
    header, voxels = (tmp_path / "s.nrrd").read_bytes().split(b"\n\n", 1)
    lines = [line for line in header.split(b"\n") if not line.startswith(b"space")]
    (tmp_path / "s.nrrd").write_bytes(
        b"\n".join([*lines, b"spacings: 0.9 1.1 5.5"]) + b"\n\n" + voxels
    )

    scan = read_scan(tmp_path / "s.nrrd")

    assert [finding.code for finding in scan.findings] == ["unknown_orientation"]
    np.testing.assert_allclose(scan.image.GetSpacing(), (0.9, 1.1, 5.5))


@pytest.mark.parametrize(
    ("space", "is_told"),
    [
        (b"left-posterior-superior", True),
        (b"RAS", True),
        (b"right-anterior-superior", True),
        (b"scanner-xyz", False),
        (b"3D-right-handed", False),
        (b"3D-left-handed", False),
    ],
)
def test_spaces_of_nrrd_that_do_not_say_where_left_is(tmp_path, space, is_told):
    sitk.WriteImage(itk_image(), tmp_path / "s.nrrd", useCompression=False)
    content = (tmp_path / "s.nrrd").read_bytes()
    assert b"left-posterior-superior" in content
    content = content.replace(b"left-posterior-superior", space, 1)
    (tmp_path / "s.nrrd").write_bytes(content)

    codes = [finding.code for finding in read_scan(tmp_path / "s.nrrd").findings]

    assert codes == ([] if is_told else ["unknown_orientation"])


def test_voxels_packed_by_bzip2_are_not_called_damaged(tmp_path):
    path = tmp_path / "s.nrrd"
    sitk.WriteImage(itk_image(), path)
    path.write_bytes(path.read_bytes().replace(b"encoding: raw", b"encoding: bzip2"))

    with pytest.raises(InputError, match="packed by bzip2, which is not read"):
        read_scan(path)
