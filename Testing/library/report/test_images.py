"""Images and transforms come back as they were written, or there is no file."""

from __future__ import annotations

import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.report import images
from BrainAgeLib.report.images import write_image, write_transform
from BrainAgeLib.scan.geometry import image_affine


def small_image() -> sitk.Image:
    image = sitk.GetImageFromArray(np.arange(60, dtype=np.float32).reshape(3, 4, 5))
    image.SetSpacing((0.9, 0.9, 6.0))
    return image


def test_image_round_trip(tmp_path: Path) -> None:
    write_image(small_image(), tmp_path / "saliency.nii.gz")
    back = sitk.ReadImage(str(tmp_path / "saliency.nii.gz"))
    assert np.array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(small_image()))
    assert back.GetSpacing() == pytest.approx((0.9, 0.9, 6.0))
    assert [path.name for path in tmp_path.iterdir()] == ["saliency.nii.gz"]


def test_axes_a_little_off_the_right_angle_stay_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    image = small_image()
    image.SetDirection((1.0, 0.006, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
    write_image(image, tmp_path / "brain_mask.nii.gz")
    back = nibabel.load(tmp_path / "brain_mask.nii.gz")
    to_ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image_affine(image)
    np.testing.assert_allclose(back.affine, to_ras, atol=1e-6)
    assert (int(back.header["qform_code"]), int(back.header["sform_code"])) == (0, 1)
    assert np.array_equal(back.get_fdata().T, sitk.GetArrayFromImage(image))
    assert capfd.readouterr().err == ""


def test_transform_round_trip(tmp_path: Path) -> None:
    transform = sitk.AffineTransform(3)
    transform.SetTranslation((1.25, -2.0, 3.5))
    write_transform(transform, tmp_path / "to_template.tfm")
    back = sitk.ReadTransform(str(tmp_path / "to_template.tfm"))
    assert back.GetParameters() == transform.GetParameters()
    assert [path.name for path in tmp_path.iterdir()] == ["to_template.tfm"]


def write_truncated(image: sitk.Image, path: str, useCompression: bool) -> None:
    sitk.ImageFileWriter().Execute(image, path, useCompression, 1)
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(("free_bytes", "words"), [(0, "the disk is full"), (10**9, "could not")])
def test_silent_truncation_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_bytes: int, words: str
) -> None:
    monkeypatch.setattr(images.sitk, "WriteImage", write_truncated)
    monkeypatch.setattr(
        images.shutil, "disk_usage", lambda _path: images.shutil._ntuple_diskusage(1, 1, free_bytes)
    )
    with pytest.raises(BrainAgeError, match=words) as caught:
        write_image(small_image(), tmp_path / "saliency.nii.gz")
    assert caught.value.exit_code == 4
    assert list(tmp_path.iterdir()) == []


def test_what_libraries_say_of_a_full_disk_stays_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def complain(image: sitk.Image, path: str, useCompression: bool) -> None:
        os.write(2, b"** ERROR: NWAD: wrote 3 of 60 bytes to file\n")
        raise RuntimeError("could not write")

    monkeypatch.setattr(images.sitk, "WriteImage", complain)
    with pytest.raises(BrainAgeError):
        write_image(small_image(), tmp_path / "saliency.nii.gz")
    assert capfd.readouterr().err == ""


def test_itk_errors_become_words(tmp_path: Path) -> None:
    with pytest.raises(BrainAgeError, match=r"could not be written"):
        write_image(small_image(), tmp_path / "saliency.unknown")
    assert list(tmp_path.iterdir()) == []
