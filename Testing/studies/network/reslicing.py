"""Cut one 3D head anew at other angles and phases: how much does its age change?

    make study NAME=network/reslicing ARGS="HEAD [--model NAME_OR_FOLDER]"

A head that is turned in the scanner is cut into other slices. HEAD is a whole 3D head, for example
``ch2.nii.gz`` of Debian's package mricron-data, of which the bundled sample was cut.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from BrainAgeLib.options import Options
from BrainAgeLib.pipeline import run
from BrainAgeLib.scan.geometry import Volume, sitk_from_volume, to_canonical, volume_from_sitk
from BrainAgeLib.training.thick_slices import Protocol, cut_thick_slices

STRAIGHT = Protocol(thickness_mm=5.0, gap_mm=1.0, in_plane_mm=1.0, phase=0.3)
BAR_YEARS = 1.5
TURNS = [
    (f"{name} {degrees:+}", tuple(float(degrees) if n == axis else 0.0 for n in range(3)))
    for axis, name in enumerate(("pitch", "roll", "yaw"))
    for degrees in (-15, 15)
]


def age_years(head: Volume, protocol: Protocol, options: Options) -> float | None:
    """Return the raw age of the scan that the protocol makes of the head."""
    scan, affine = cut_thick_slices(torch.from_numpy(head.voxels), head.affine, protocol)
    noise = np.random.default_rng(0).normal(0, 0.02 * float(scan.max()), (2, *scan.shape))
    values = np.hypot(scan.numpy() + noise[0], noise[1]).astype(np.float32)
    return run(sitk_from_volume(Volume(values, affine)), options).prediction.brain_age_years


def main() -> None:
    """Print a line for each way to cut the head."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("head", type=Path)
    parser.add_argument("--model")
    given = parser.parse_args()
    head = volume_from_sitk(to_canonical(sitk.ReadImage(str(given.head))))
    options = Options(model=given.model, saliency=False)
    straight = age_years(head, STRAIGHT, options)
    print(f"straight: {straight:.2f} years")
    ways = [(name, replace(STRAIGHT, tilt_degrees=turn)) for name, turn in TURNS]
    ways += [(f"phase {phase}", replace(STRAIGHT, phase=phase)) for phase in (0.0, 0.5, 0.8)]
    for name, protocol in ways:
        found = age_years(head, protocol, options)
        if found is None or straight is None:
            print(f"{name:10} refused")
            continue
        change = found - straight
        print(
            f"{name:10} {found:6.2f} {change:+6.2f} {'' if abs(change) < BAR_YEARS else 'MISSED'}"
        )


if __name__ == "__main__":
    main()
