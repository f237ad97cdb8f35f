"""The whole way to a verdict on the bundled sample: as it is, and made unfit."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib import predict
from BrainAgeLib.resources import sample_scan

pytestmark = pytest.mark.slow

# Background, CSF, grey matter, white matter and what is brighter, as the sample has them, and as
# other sequences would.
T1 = (0.0, 0.28, 0.74, 1.0, 1.3)
T2 = (0.0, 2.0, 1.0, 0.7, 0.5)
FLAIR = (0.0, 0.2, 1.15, 0.95, 0.9)


@pytest.fixture(scope="module")
def sample():
    """Return the bundled sample."""
    return sitk.ReadImage(str(sample_scan()), sitk.sitkFloat32)


def codes_of(image, small_model):
    """Return verdict and codes of an image."""
    quality = predict(image, device="cpu", model=str(small_model), saliency=False).quality
    return quality.verdict, {finding.code for finding in quality.findings}


def as_another_sequence(image, levels):
    """Return the picture that a sequence with these levels might have made of it."""
    voxels = sitk.GetArrayFromImage(image)
    # White matter of this sample is the most frequent bright value.
    white = float(np.quantile(voxels[voxels > 0.3 * voxels.max()], 0.6))
    other = np.interp(voxels / white, (*T1, 4.0), (*levels, levels[-1]))
    changed = sitk.GetImageFromArray((other * 1000).astype(np.float32))
    changed.CopyInformation(image)
    return changed


def test_the_sample_itself_is_sound(sample, small_model):
    verdict, codes = codes_of(sample, small_model)

    # A network without knowledge may say any age.
    assert codes <= {"members_disagree", "age_outside_training", "uneven_tissue"}
    assert verdict in ("pass", "warn")


@pytest.mark.parametrize("levels", [T2, FLAIR], ids=["T2-like", "FLAIR-like"])
def test_another_sequence_is_refused_as_such(sample, small_model, levels):
    verdict, codes = codes_of(as_another_sequence(sample, levels), small_model)

    assert verdict == "refuse"
    assert "not_t1" in codes


@pytest.mark.parametrize("factor", [0.75, 1.25])
def test_a_wrong_slice_spacing_is_refused(sample, small_model, factor):
    wrong = sitk.Image(sample)
    x, y, z = sample.GetSpacing()
    wrong.SetSpacing((x, y, z * factor))
    verdict, codes = codes_of(wrong, small_model)

    assert verdict == "refuse"
    assert "wrong_spacing" in codes


@pytest.mark.parametrize("half", ["lower", "upper"])
def test_half_of_the_slices_is_refused_or_warned_of(sample, small_model, half):
    middle = sample.GetDepth() // 2
    part = sample[:, :, :middle] if half == "lower" else sample[:, :, middle:]
    verdict, codes = codes_of(part, small_model)

    assert verdict != "pass"
    assert codes & {"brain_cut", "too_few_slices", "brain_volume"}
