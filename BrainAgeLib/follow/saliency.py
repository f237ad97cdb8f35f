"""What the later brain age rests on that the earlier one did not: the difference of the maps.

Both maps are by how many years a neighbourhood moves the age. The earlier one is brought to the
voxels of the later scan by way of the template, to which both are registered.
"""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.report.images import write_image
from BrainAgeLib.report.output_folder import OutputFolder
from BrainAgeLib.scan.itk import quiet_itk

NAME = "saliency_change.nii.gz"


def has_map(folder: OutputFolder) -> bool:
    """Say whether a scan's map and its way to the template are there."""
    return folder.saliency.is_file() and folder.to_template.is_file()


def write_difference(earlier: OutputFolder, later: OutputFolder, path: Path) -> sitk.Image:
    """Write and return the later map less the earlier one, in years, on the later scan's grid.

    Outside the brain of either scan it is 0. Raises InputError when a file cannot be read.
    """
    try:
        with quiet_itk():
            maps = [sitk.ReadImage(str(one.saliency), sitk.sitkFloat32) for one in (earlier, later)]
            ways = [sitk.ReadTransform(str(one.to_template)) for one in (earlier, later)]
    except RuntimeError as error:
        raise InputError(
            "the saliency map of a scan cannot be read", "predict that scan again"
        ) from error
    # Each transform leads from points of the template to those of its scan; of several, ITK
    # applies the last one first.
    to_earlier = sitk.CompositeTransform([ways[0], ways[1].GetInverse()])
    moved = sitk.Resample(maps[0], maps[1], to_earlier, sitk.sitkLinear, 0.0)
    of_both = sitk.Cast((moved != 0) & (maps[1] != 0), sitk.sitkFloat32)
    difference = (maps[1] - moved) * of_both
    write_image(difference, path)
    return difference
