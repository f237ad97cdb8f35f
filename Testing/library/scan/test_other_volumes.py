"""NIfTI-2 and FreeSurfer's files, and headers that contradict themselves."""

from __future__ import annotations

import gzip
import struct

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.case import read
from BrainAgeLib.errors import InputError
from BrainAgeLib.options import Options
from BrainAgeLib.scan.nifti_places import contradiction
from BrainAgeLib.scan.read import read_scan
from Testing.library.phantoms import template_brain, write_volume
from Testing.library.scan.made_scans import (
    INCOMPLETE,
    QFORM_CODE,
    SFORM,
    made_affine,
    made_voxels,
    message_of,
)

TILTED = made_affine((12.0, -7.0, 4.0))


def same_as_nifti(path, tmp_path, voxels, affine):
    nibabel.save(nibabel.Nifti1Image(voxels, affine), tmp_path / "same.nii")
    scan, same = read_scan(path), read_scan(tmp_path / "same.nii")
    np.testing.assert_array_equal(
        sitk.GetArrayFromImage(scan.image), sitk.GetArrayFromImage(same.image)
    )
    np.testing.assert_allclose(scan.image.GetSpacing(), same.image.GetSpacing(), atol=1e-5)
    np.testing.assert_allclose(scan.image.GetOrigin(), same.image.GetOrigin(), atol=1e-4)
    np.testing.assert_allclose(scan.image.GetDirection(), same.image.GetDirection(), atol=1e-6)
    return scan


@pytest.mark.parametrize("name", ["s.nii", "s.nii.gz", "nosuffix"])
@pytest.mark.parametrize("kind", ["int16", "float32", "uint8"])
def test_nifti_2(tmp_path, name, kind):
    voxels = (made_voxels() % 251).astype(kind)
    image = nibabel.Nifti2Image(voxels, TILTED)
    content = image.to_bytes()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)

    assert same_as_nifti(tmp_path / name, tmp_path, voxels, TILTED).findings == ()


@pytest.mark.parametrize("name", ["s.mgh", "s.mgz"])
@pytest.mark.parametrize("kind", ["uint8", "int16", "int32", "float32"])
def test_freesurfers_files(tmp_path, name, kind):
    voxels = (made_voxels() % 251).astype(kind)
    nibabel.save(nibabel.MGHImage(voxels, TILTED), tmp_path / name)

    assert same_as_nifti(tmp_path / name, tmp_path, voxels, TILTED).findings == ()


def test_a_file_of_freesurfer_that_does_not_say_how_it_lies(tmp_path):
    image = nibabel.MGHImage(made_voxels(), TILTED)
    image.header["goodRASFlag"] = 0
    nibabel.save(image, tmp_path / "s.mgz")

    assert [item.code for item in read_scan(tmp_path / "s.mgz").findings] == ["unknown_orientation"]


@pytest.mark.parametrize("image", [nibabel.Nifti2Image, nibabel.MGHImage])
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_one_that_is_cut_off(tmp_path, capfd, image, kept):
    content = image(made_voxels(), TILTED).to_bytes()
    (tmp_path / "s").write_bytes(content[: round(kept * len(content))])

    assert INCOMPLETE in message_of(tmp_path / "s", capfd)


@pytest.mark.parametrize("image", [nibabel.Nifti2Image, nibabel.MGHImage])
def test_several_volumes_are_refused(tmp_path, capfd, image):
    voxels = np.stack([made_voxels()] * 3, -1)
    (tmp_path / "s").write_bytes(image(voxels, TILTED).to_bytes())

    assert "holds 3 volumes" in message_of(tmp_path / "s", capfd)


def test_slices_along_the_fourth_axis(tmp_path):
    image = nibabel.Nifti1Image(made_voxels()[:, :, None, :], TILTED)
    nibabel.save(image, tmp_path / "s.nii")

    with pytest.raises(InputError, match="9 volumes of one slice each") as caught:
        read_scan(tmp_path / "s.nii")
    assert "third axis" in caught.value.hint


def test_the_other_half_of_a_pair(tmp_path, capfd):
    nibabel.save(nibabel.Nifti1Pair(made_voxels(), TILTED), tmp_path / "s.img")

    for name in ("s.img", "s.hdr"):
        assert "half of an Analyze or NIfTI pair" in message_of(tmp_path / name, capfd)


def contradicting(tmp_path, sform, codes):
    """Write a file with ``TILTED`` as its qform; ``codes``: of qform and sform."""
    image = nibabel.Nifti1Image(made_voxels(), TILTED)
    image.set_qform(TILTED, codes[0])
    content = bytearray(image.to_bytes())
    struct.pack_into("<2h", content, QFORM_CODE, *codes)
    struct.pack_into("<12f", content, SFORM, *sform[:3].ravel())
    (tmp_path / "s.nii").write_bytes(content)
    return read_scan(tmp_path / "s.nii").findings


FLIPPED = np.diag([-1.0, 1.0, 1.0, 1.0]) @ TILTED
UPSIDE_DOWN = np.diag([1.0, -1.0, -1.0, 1.0]) @ TILTED
TURNED = made_affine((42.0, -7.0, 4.0))
SHEARED = np.array([[1, 0, 0, 0], [0, 1, 0.25, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]) @ TILTED
LONGER = TILTED @ np.diag([1, 1, 1.25, 1])
LARGER = TILTED @ np.diag([1.05, 1.05, 1.1, 1])
ELSEWHERE = TILTED + np.array([[0, 0, 0, 80.0]] + [[0] * 4] * 3)
NEARLY = made_affine((12.4, -7.2, 4.1))


@pytest.mark.parametrize(
    ("sform", "codes", "severity"),
    [
        (FLIPPED, (1, 1), "warn"),
        (FLIPPED, (1, 4), "warn"),
        (UPSIDE_DOWN, (1, 1), "warn"),
        (UPSIDE_DOWN, (1, 2), "warn"),
        (TURNED, (1, 1), "warn"),
        (TURNED, (1, 4), "note"),
        (SHEARED, (1, 2), "note"),
        (SHEARED, (1, 1), "warn"),
        (LONGER, (1, 2), "warn"),
        (LARGER, (1, 4), "note"),
        (LARGER, (1, 1), "warn"),
        (ELSEWHERE, (1, 1), "warn"),
        (ELSEWHERE, (1, 4), None),
        (NEARLY, (1, 1), None),
        (TILTED, (1, 1), None),
        (FLIPPED, (1, 0), None),
    ],
)
def test_two_affines_that_contradict_each_other_are_told_of(tmp_path, sform, codes, severity):
    findings = contradicting(tmp_path, sform, codes)

    assert [item.code for item in findings] == (["two_affines"] if severity else [])
    assert [item.severity for item in findings] == ([severity] if severity else [])


@pytest.mark.parametrize("quaternion", [(1.5, 0.0, 0.0), (1e9, -1e9, 0.3)])
def test_a_quaternion_that_is_none_contradicts_nothing(quaternion):
    header = nibabel.Nifti1Image(made_voxels(), TILTED).header
    header.set_sform(TILTED, 1)
    header["qform_code"] = 1
    for name, value in zip("bcd", quaternion, strict=True):
        header[f"quatern_{name}"] = value

    assert contradiction(header, TILTED) is None


def test_which_of_two_affines_was_taken_is_said(tmp_path):
    (finding,) = contradicting(tmp_path, FLIPPED, (1, 1))

    image = read_scan(tmp_path / "s.nii").image
    first = np.array(image.GetDirection()).reshape(3, 3)[:, 0]
    expected = [(np.diag([-1, -1, 1, 1]) @ a)[:3, 0] for a in (TILTED, FLIPPED)]
    is_qform = np.dot(first, expected[0]) > np.dot(first, expected[1])
    assert f"{'qform' if is_qform else 'sform'} was taken" in finding.message


@pytest.mark.parametrize(
    ("factor", "unit"), [(1, 1), (1, 3), (0.1, 2), (10, 2), (1000, 2), (0.001, 0)]
)
def test_a_scan_in_the_wrong_unit_is_refused_in_words(tmp_path, factor, unit):
    path = write_volume(template_brain(), tmp_path / "s.nii")
    image = nibabel.load(path)
    affine = np.diag([factor] * 3 + [1.0]) @ image.affine
    scaled = nibabel.Nifti1Image(np.asarray(image.dataobj), affine)
    scaled.header["xyzt_units"] = unit
    nibabel.save(scaled, tmp_path / "t.nii")

    with pytest.raises(InputError, match="no scan of a head is") as caught:
        read(tmp_path / "t.nii", Options())
    assert "unit" in caught.value.hint


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize(("factor", "unit"), [(0.001, 1), (1000, 3), (1, 2), (1, 0)])
def test_a_scan_in_another_unit_is_read(tmp_path, factor, unit, kind):
    path = write_volume(template_brain(), tmp_path / "s.nii")
    image = nibabel.load(path)
    affine = np.diag([factor] * 3 + [1.0]) @ image.affine
    scaled = kind(np.asarray(image.dataobj), affine)
    scaled.header["xyzt_units"] = unit
    nibabel.save(scaled, tmp_path / "t.nii")

    volume = read(tmp_path / "t.nii", Options()).volume

    np.testing.assert_allclose(volume.affine, template_brain().affine, atol=1e-3)


@pytest.mark.parametrize(("factor", "unit"), [(0.001, 1), (1000, 3)])
def test_two_affines_in_another_unit_are_compared_in_mm(factor, unit):
    header = nibabel.Nifti1Image(made_voxels(), TILTED).header
    to_unit = np.diag([factor] * 3 + [1.0])
    header.set_qform(to_unit @ TILTED, 1)
    header.set_sform(to_unit @ ELSEWHERE, 1)
    header["xyzt_units"] = unit

    finding = contradiction(header, ELSEWHERE)

    assert finding is not None
    assert "80 mm" in finding.message
    assert "sform was taken" in finding.message


def test_axes_a_little_off_in_metres_are_read(tmp_path):
    leaning = TILTED.copy()
    leaning[:3, 2] += 0.02 * leaning[:3, 1]
    image = nibabel.Nifti1Image(made_voxels(), np.diag([0.001] * 3 + [1.0]) @ leaning)
    image.header["xyzt_units"] = 1
    nibabel.save(image, tmp_path / "s.nii")

    spacing_mm = read_scan(tmp_path / "s.nii").image.GetSpacing()

    np.testing.assert_allclose(spacing_mm, np.linalg.norm(leaning[:3, :3], axis=0), rtol=1e-4)


def test_a_header_extension_of_nifti_2_is_passed_over(tmp_path):
    image = nibabel.Nifti2Image(made_voxels(), TILTED)
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(6, b"a comment of some kind"))
    (tmp_path / "s.nii").write_bytes(image.to_bytes())

    assert read_scan(tmp_path / "s.nii").image.GetSize() == made_voxels().shape
    assert struct.unpack("<i", (tmp_path / "s.nii").read_bytes()[:4]) == (540,)


def test_half_of_a_pair_of_nifti_2_is_called_that(tmp_path, capfd):
    nibabel.save(nibabel.Nifti2Pair(made_voxels(), TILTED), tmp_path / "s.hdr")

    assert "is half of an Analyze or NIfTI pair" in message_of(tmp_path / "s.hdr", capfd)
