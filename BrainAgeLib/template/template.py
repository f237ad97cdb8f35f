"""The MNI152 template that scans are registered to.

There is one, by its checksums. What looks at a scan where it lies (registration, the gate) takes it
as an argument; what lies on the grid of the models, which were trained on this one, is worked out
of it once for each device: ``template_maps``, ``template_target``, ``brain_region``,
``region_numbers``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.errors import InstallationError
from BrainAgeLib.resources import template_folder
from BrainAgeLib.scan.geometry import Volume, apply_affine, volume_from_sitk
from BrainAgeLib.scan.itk import quiet_itk

BRIGHTEST = 255.0
# Set by hand, by eye on the template.
BRAIN_LEVEL = 0.1  # of the brightest: what is brighter is brain
BRAIN_CENTER_MM = (0.0, 18.0, 4.0)  # LPS
GREY, WHITE, VENTRICLE = 0, 1, 2
# Partial volume is everywhere in thick slices: only where the template is sure.
LEAST_PRIOR = (0.75, 0.9, 0.7)
VENTRICLE_DEPTH_MM = 20.0  # below the brain's surface
# The files that every figure of this project was measured with: networks, priors and limits hold
# for no other template. `Testing/makers/make_template.py` makes them.
SHA256 = {
    "T1": "21a8034e3c9e8357f17abbda905f83f0b50db57425738a947e80611dcff70f02",
    "grey_matter": "686223ae7744657485aa5d3adbd1c0d8ace1e846ef5ee397f94b410c533405a2",
    "white_matter": "1a793f3f0444a1baf9ba81038fd1f442a32ff225e17e00618ab906e24983b148",
}


@dataclass(frozen=True, eq=False)  # by identity, so that what is made of it can be kept
class Template:
    """Brain-extracted T1 and tissue priors in MNI152 (ICBM 2009a) space, 2 mm, axes L, P, S.

    ``t1``: 0-255, background 0. ``grey_matter``, ``white_matter``: probability, 0-1.
    """

    t1: Volume
    grey_matter: Volume
    white_matter: Volume

    @cached_property
    def tissues(self) -> np.ndarray:
        """GREY, WHITE or VENTRICLE (k, j, i) where the template is sure of it, else -1."""
        depth_mm = -distance_outside_mm(self.brain, self.t1.spacing_mm)
        fluid = 1.0 - self.grey_matter.voxels - self.white_matter.voxels
        fluid = fluid * (self.brain & (depth_mm > VENTRICLE_DEPTH_MM))
        tissues = np.full(self.brain.shape, -1, np.int8)
        for number, prior in (
            (GREY, self.grey_matter.voxels),
            (WHITE, self.white_matter.voxels),
            (VENTRICLE, fluid),
        ):
            tissues[self.brain & (prior > LEAST_PRIOR[number])] = number
        return tissues

    def tissue_at(self, points_mm: np.ndarray) -> np.ndarray:
        """Return GREY, WHITE, VENTRICLE or -1 (point,) at points (point, 3)."""
        limits = np.array(self.tissues.shape)[::-1]
        index = np.rint(apply_affine(np.linalg.inv(self.t1.affine), points_mm)).astype(int)
        inside = ((index >= 0) & (index < limits)).all(1)
        i, j, k = np.clip(index, 0, limits - 1).T
        return np.where(inside, self.tissues[k, j, i], -1)

    @property
    def brain(self) -> np.ndarray:
        """Where the template has brain (k, j, i), bool."""
        return self.t1.voxels > BRAIN_LEVEL * BRIGHTEST


def distance_outside_mm(mask: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    """Return the distance of voxels (k, j, i) from a mask's surface, negative inside it.

    ``spacing_mm``: along i, j, k.
    """
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(spacing_mm.tolist())
    return sitk.GetArrayFromImage(
        sitk.SignedMaurerDistanceMap(
            image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True
        )
    )


@cache
def load_template() -> Template:
    """Read the bundled template.

    Raises InstallationError when a file is missing, damaged or another one.
    """
    folder = template_folder()
    grey_matter, white_matter = (_read(folder, name) for name in ("grey_matter", "white_matter"))
    return Template(
        _read(folder, "T1"),
        grey_matter.with_voxels(grey_matter.voxels / BRIGHTEST),
        white_matter.with_voxels(white_matter.voxels / BRIGHTEST),
    )


def _read(folder: Path, name: str) -> Volume:
    path = folder / f"{name}.nii.gz"
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        with quiet_itk():
            image = sitk.ReadImage(str(path), sitk.sitkFloat32)
    except (OSError, RuntimeError) as error:
        raise InstallationError(
            f"the template {path} cannot be read", "install SlicerBrainAge again"
        ) from error
    if found != SHA256[name]:
        raise InstallationError(
            f"the template {path} is not the one that the models were trained with",
            "install SlicerBrainAge again",
        )
    return volume_from_sitk(image)
