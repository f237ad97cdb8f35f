"""The MNI152 template that scans are registered to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import SimpleITK as sitk

from BrainAgeLib.errors import InstallationError
from BrainAgeLib.imaging.geometry import Volume, volume_from_sitk
from BrainAgeLib.resources import template_folder


@dataclass(frozen=True, eq=False)  # by identity, so that what is made of it can be kept
class Template:
    """Brain-extracted T1 and tissue priors in MNI152 (ICBM 2009a) space, 2 mm, axes L, P, S.

    ``t1``: 0-255, background 0. ``grey_matter``, ``white_matter``: probability, 0-1.
    """

    t1: Volume
    grey_matter: Volume
    white_matter: Volume


@cache
def load_template() -> Template:
    """Read the bundled template."""
    folder = template_folder()
    grey_matter, white_matter = (_read(folder, name) for name in ("grey_matter", "white_matter"))
    return Template(
        _read(folder, "T1"),
        grey_matter.with_voxels(grey_matter.voxels / 255.0),
        white_matter.with_voxels(white_matter.voxels / 255.0),
    )


def _read(folder: Path, name: str) -> Volume:
    path = folder / f"{name}.nii.gz"
    try:
        return volume_from_sitk(sitk.ReadImage(str(path), sitk.sitkFloat32))
    except RuntimeError as error:
        raise InstallationError(
            f"the template {path} cannot be read", "install SlicerBrainAge again"
        ) from error
