"""Make Resources/SampleData from Colin 27, cut into the slices of a routine 2D scan.

    python -m Testing.makers.make_sample CH2_NII_GZ

The source is ``ch2.nii.gz`` of Debian's package mricron-data (1.2.20211006+dfsg): the average of
27 scans of one man (Holmes et al. 1998, doi 10.1097/00004728-199803000-00032). See the notice in
Resources/SampleData.
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from BrainAgeLib.resources import sample_scan
from BrainAgeLib.scan.geometry import Volume, sitk_from_volume, to_canonical, volume_from_sitk
from BrainAgeLib.training.thick_slices import Protocol, cut_thick_slices

# 5 mm slices with 1 mm gaps, the stack pitched as technicians do along the brain's base; the neck
# below the cerebellum and the air above the vertex are left out.
PROTOCOL = Protocol(
    thickness_mm=5.0,
    gap_mm=1.0,
    in_plane_mm=1.0,
    tilt_degrees=(-8.0, 2.0, -3.0),
    phase=0.3,
    missing_bottom=5,
    missing_top=5,
)
NOISE = 0.02  # of the brightest: what one scan has, not an average of 27
SEED = 27


def main() -> None:
    """Write the sample scan."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("head", type=Path)
    head = volume_from_sitk(to_canonical(sitk.ReadImage(str(parser.parse_args().head))))
    scan, affine = cut_thick_slices(torch.from_numpy(head.voxels), head.affine, PROTOCOL)
    values = scan.numpy() / scan.max().item()
    noise = np.random.default_rng(SEED).normal(0, NOISE, (2, *values.shape))
    values = np.hypot(values + noise[0], noise[1])
    image = sitk_from_volume(Volume((values * 1000).round().astype(np.int16), affine))
    sample_scan().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "sample.nii"
        sitk.WriteImage(image, str(plain))
        # No name and no time in the gzip header: the same input gives the same file.
        sample_scan().write_bytes(gzip.compress(plain.read_bytes(), 9, mtime=0))
    print(f"{sample_scan()}: {image.GetSize()} voxels of {image.GetSpacing()} mm")


if __name__ == "__main__":
    main()
