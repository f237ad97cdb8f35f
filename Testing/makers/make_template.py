"""Make Resources/Template from the ICBM 2009a template in the nilearn wheel.

    python -m Testing.makers.make_template NILEARN_WHEEL

Writes a brain-extracted T1 template and grey and white matter priors at 2 mm, uint8. The source
is nilearn 0.14.1, ``nilearn/datasets/data/mni_icbm152_*_tal_nlin_sym_09a_converted.nii.gz``.
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
import zipfile
from pathlib import Path

import SimpleITK as sitk

FOLDER = Path(__file__).resolve().parents[2] / "Resources" / "Template"
SIZE = (79, 97, 79)
SPACING_MM = 2.0
ORIGIN_LPS_MM = (-78.0, -80.0, -74.0)
# Halving the resolution needs a point-spread function of about the new voxel size.
SIGMA_MM = 0.85


def downsample(path: Path) -> sitk.Image:
    """Return one map of the template on the 2 mm grid (LPS axes), uint8."""
    image = sitk.SmoothingRecursiveGaussian(sitk.ReadImage(str(path), sitk.sitkFloat32), SIGMA_MM)
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize(SIZE)
    resampler.SetOutputSpacing((SPACING_MM,) * 3)
    resampler.SetOutputOrigin(ORIGIN_LPS_MM)
    resampler.SetInterpolator(sitk.sitkLinear)
    return sitk.Cast(
        sitk.Clamp(sitk.Round(resampler.Execute(image)), upperBound=255), sitk.sitkUInt8
    )


def main() -> None:
    """Write the three maps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    wheel = parser.parse_args().wheel
    FOLDER.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as scratch:
        for name, target in (("t1", "T1"), ("gm", "grey_matter"), ("wm", "white_matter")):
            source = f"nilearn/datasets/data/mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz"
            small = Path(scratch) / "small.nii"
            sitk.WriteImage(downsample(Path(archive.extract(source, scratch))), str(small))
            # No name and no time in the gzip header: the same input gives the same file.
            packed = gzip.compress(small.read_bytes(), 9, mtime=0)
            (FOLDER / f"{target}.nii.gz").write_bytes(packed)


if __name__ == "__main__":
    main()
