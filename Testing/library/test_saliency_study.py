"""The study of saliency sees of a scan what the program sees of it."""

from __future__ import annotations

import numpy as np

from BrainAgeLib.options import Options
from Testing.library.phantoms import write_volume
from Testing.studies.saliency.scans import maps_of


def test_a_scan_that_is_cut_and_padded_has_the_maps_of_one_that_is_cut(
    thick_brain, small_model, tmp_path
):
    options = Options(brain_extracted=True, model=str(small_model), device="cpu")
    kept = slice(0, 16)
    padded = thick_brain.voxels.copy()
    padded[kept.stop :] = 0
    rest = (slice(0, count) for count in padded.shape[1:])
    cropped = thick_brain.part((kept, *rest))

    of_padded, of_cropped = (
        maps_of(write_volume(volume, tmp_path / name), options)
        for name, volume in (
            ("padded.nii.gz", thick_brain.with_voxels(padded)),
            ("cropped.nii.gz", cropped),
        )
    )

    assert len(of_padded.slices) == len(of_cropped.slices)
    np.testing.assert_allclose(of_padded.slices.planes, of_cropped.slices.planes, atol=1e-4)
    np.testing.assert_allclose(of_padded.slices.images, of_cropped.slices.images, atol=1e-4)
