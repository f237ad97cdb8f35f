"""The template is what its description promises."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.errors import InstallationError
from BrainAgeLib.scan.geometry import apply_affine
from BrainAgeLib.template.template import load_template


def test_all_maps_share_one_grid_of_2_mm_along_the_axes(template):
    assert np.allclose(template.t1.affine[:3, :3], 2.0 * np.eye(3))
    for prior in (template.grey_matter, template.white_matter):
        assert prior.voxels.shape == template.t1.voxels.shape
        assert np.array_equal(prior.affine, template.t1.affine)


def test_values_are_in_their_ranges(template):
    assert template.t1.voxels.min() == 0
    assert 200 < template.t1.voxels.max() <= 255
    together = template.grey_matter.voxels + template.white_matter.voxels
    assert together.min() == 0
    assert 0.9 < together.max() < 1.02


def test_the_brain_has_a_usual_volume_and_lies_around_the_origin(template):
    inside = template.t1.voxels > 25

    assert 1500 < inside.sum() * template.t1.voxel_volume_ml < 2000
    k, j, i = np.argwhere(inside).T
    middle = apply_affine(template.t1.affine, np.stack([i, j, k], -1)).mean(0)
    assert np.abs(middle - [0, 18, 8]).max() < 8


def test_white_matter_is_brighter_than_grey_matter(template):
    grey = template.t1.voxels[template.grey_matter.voxels > 0.9]
    white = template.t1.voxels[template.white_matter.voxels > 0.9]

    assert np.median(white) > 1.2 * np.median(grey)


@pytest.fixture
def forgotten_template():
    """Let the template be read anew, in this test and after it."""
    load_template.cache_clear()
    yield
    load_template.cache_clear()


@pytest.mark.usefixtures("forgotten_template")
def test_a_damaged_template_is_a_fault_of_the_installation(tmp_path, monkeypatch):
    (tmp_path / "Template").mkdir()
    for name in ("T1", "grey_matter", "white_matter"):
        (tmp_path / "Template" / f"{name}.nii.gz").write_bytes(b"no image")
    monkeypatch.setenv("BRAINAGE_RESOURCES", str(tmp_path))

    with pytest.raises(InstallationError, match="cannot be read"):
        load_template()
