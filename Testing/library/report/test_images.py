"""Images and transforms come back as they were written, or there is no file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.report import images
from BrainAgeLib.report.images import write_image, write_transform


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


def test_itk_errors_become_words(tmp_path: Path) -> None:
    with pytest.raises(BrainAgeError, match=r"could not be written"):
        write_image(small_image(), tmp_path / "saliency.unknown")
    assert list(tmp_path.iterdir()) == []
