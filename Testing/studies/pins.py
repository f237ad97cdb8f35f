"""Pins every number of many scans, so that a change of the code can be shown to change none.

    python Testing/studies/pins.py write PINS.json [--data FOLDER] [--bids FOLDER] [--quick]
    python Testing/studies/pins.py compare BEFORE.json AFTER.json

`write` runs the command line, as users call it, on the bundled sample, on damaged versions of it
and, where they are at hand, on real scans (`--data`: a folder with heads3d/ and clinical2d/) and on
thick slices cut from a BIDS dataset of extracted brains (`--bids`). It keeps the raw age, the
interval, the verdict with its findings, and checksums of the mask and the saliency map.
`compare` names every scan that differs by more than a millionth of a year and exits with 1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.whole_file import write_atomically

PROJECT = Path(__file__).resolve().parents[2]
SAMPLE = PROJECT / "Resources" / "SampleData" / "colin27_axial_5mm.nii.gz"
TOLERANCE_YEARS = 1e-6
TOLERANCE_OF_MAPS = 1e-4  # of a sum; single voxels may round differently on another processor
BIDS_PEOPLE = 12


def damaged(folder: Path) -> dict[str, tuple[Path, list[str]]]:
    """Write damaged versions of the sample; return their names, files and options."""
    sample = sitk.ReadImage(str(SAMPLE), sitk.sitkFloat32)
    voxels = sitk.GetArrayFromImage(sample)
    noise = np.random.default_rng(7).normal(0, 1, voxels.shape)
    bright = float(np.quantile(voxels, 0.98))
    ramp = np.linspace(0.6, 1.4, voxels.shape[2])
    changed = {
        "noise": voxels + 0.1 * bright * noise,
        "shading": voxels * ramp,
        "inverted": np.where(voxels > 0.05 * bright, bright - voxels, 0),
        "half": voxels[: len(voxels) // 2],
        "no-top": voxels[:-6],
        "few": voxels[8:14],
        "upside-down": voxels[::-1],
        "nothing": voxels * 0 + np.abs(noise),
    }
    found: dict[str, tuple[Path, list[str]]] = {"sample": (SAMPLE, [])}
    found["sample-again"] = (SAMPLE, ["--age", "30", "--sex", "M", "--threads", "1"])
    for name, values in changed.items():
        image = sitk.GetImageFromArray(np.ascontiguousarray(values.astype(np.float32)))
        image.SetSpacing(sample.GetSpacing())
        image.SetOrigin(sample.GetOrigin())
        image.SetDirection(sample.GetDirection())
        path = folder / f"{name}.nii.gz"
        sitk.WriteImage(image, str(path))
        found[name] = (path, ["--force"] if name == "shading" else [])
    wrong = sitk.Image(sample)
    wrong.SetSpacing([*sample.GetSpacing()[:2], 1.4 * sample.GetSpacing()[2]])
    sitk.WriteImage(wrong, str(folder / "stretched.nii.gz"))
    found["stretched"] = (folder / "stretched.nii.gz", [])
    return found


def thick(path: Path, folder: Path) -> Path:
    """Average an extracted brain into 6 mm slabs, along its third axis."""
    image = sitk.ReadImage(str(path), sitk.sitkFloat32)
    voxels = sitk.GetArrayFromImage(image)
    step = round(6.0 / image.GetSpacing()[2])
    count = len(voxels) // step
    slabs = voxels[: count * step].reshape(count, step, *voxels.shape[1:]).mean(1)
    result = sitk.GetImageFromArray(slabs.astype(np.float32))
    spacing = list(image.GetSpacing())
    first = image.TransformContinuousIndexToPhysicalPoint((0.0, 0.0, (step - 1) / 2))
    result.SetSpacing([*spacing[:2], spacing[2] * step])
    result.SetDirection(image.GetDirection())
    result.SetOrigin(first)
    written = folder / path.name
    sitk.WriteImage(result, str(written))
    return written


def scans(data: Path | None, bids: Path | None, folder: Path) -> dict[str, tuple[Path, list[str]]]:
    """Return the name, file and options of every scan that is pinned."""
    found = damaged(folder)
    for place in ("heads3d", "clinical2d"):
        for path in sorted((data / place).glob("**/*T1w.nii.gz")) if data else []:
            found[f"{place}-{path.name.split('_T1w')[0]}"] = (path, [])
    people = sorted(bids.glob("sub-*/anat/*_T1w.nii.gz")) if bids else []
    for path in people[:: max(1, len(people) // BIDS_PEOPLE)][:BIDS_PEOPLE]:
        found[f"thick-{path.name.split('_')[0]}"] = (thick(path, folder), ["--brain-extracted"])
    return found


def pin(scan: Path, options: list[str], folder: Path, quick: bool) -> dict[str, object]:
    """Run one scan; return what is kept of it."""
    command = [sys.executable, "-m", "BrainAgeLib", "predict", str(scan), "--no-report"]
    command += ["--output", str(folder), "--threads", "1", *(["--no-saliency"] if quick else [])]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [*command, *options], env=environment, cwd=folder.parent, capture_output=True, text=True
    )
    result: dict[str, object] = {"exit": done.returncode}
    if not (folder / "prediction.json").exists():
        return result | {"said": done.stderr.strip().splitlines()[-1:]}
    record = json.loads((folder / "prediction.json").read_text("utf-8"))
    result |= {name: record[name] for name in ("brain_age_years", "interval_years")}
    result["verdict"] = record["quality"]["verdict"]
    result["findings"] = sorted(one["code"] for one in record["quality"]["findings"])
    mask, saliency = folder / "brain_mask.nii.gz", folder / "saliency.nii.gz"
    if mask.exists():
        result["mask_sha256"] = hashlib.sha256(_voxels(mask).tobytes()).hexdigest()
    if saliency.exists():
        values = _voxels(saliency).astype(float)
        result["saliency_sums"] = [values.sum(), np.abs(values).sum(), (values**2).sum()]
    return result


def _voxels(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def write(output: Path, data: Path | None, bids: Path | None, quick: bool, jobs: int) -> None:
    """Pin every scan and write the file."""
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(jobs) as pool:
        folder = Path(temporary)
        waiting = {
            name: pool.submit(pin, scan, options, folder / f"out-{name}", quick)
            for name, (scan, options) in scans(data, bids, folder).items()
        }
        pins = {name: one.result() for name, one in waiting.items()}
    write_atomically(output, (json.dumps(pins, indent=1, sort_keys=True) + "\n").encode())
    print(f"{len(pins)} scans pinned in {output}")


def differences(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """Return what differs between two pins of one scan."""
    found = []
    for name in sorted(set(before) & set(after)):
        one, other = before[name], after[name]
        if name in ("brain_age_years", "interval_years", "saliency_sums") and one and other:
            limit = TOLERANCE_OF_MAPS if name == "saliency_sums" else TOLERANCE_YEARS
            away = np.abs(np.subtract(one, other)).max()
            if away > limit * (np.abs(one).max() if name == "saliency_sums" else 1):
                found.append(f"{name} differs by {away:.3g}")
        elif one != other:
            found.append(f"{name}: {one} -> {other}")
    return found


def compare(before: Path, after: Path) -> int:
    """Print what differs; return 1 when anything does."""
    one, other = (json.loads(path.read_text("utf-8")) for path in (before, after))
    both = sorted(set(one) & set(other))
    told = [f"{name}: {text}" for name in both for text in differences(one[name], other[name])]
    print("\n".join(told + [f"{len(both)} scans compared, {len(told)} differences"]))
    return 1 if told or not both else 0


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    writing = verbs.add_parser("write")
    writing.add_argument("output", type=Path)
    writing.add_argument("--data", type=Path)
    writing.add_argument("--bids", type=Path)
    writing.add_argument("--quick", action="store_true", help="no saliency maps")
    writing.add_argument("--jobs", type=int, default=2)
    comparing = verbs.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    given = parser.parse_args()
    if given.verb == "compare":
        return compare(given.before, given.after)
    write(given.output.resolve(), given.data, given.bids, given.quick, given.jobs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
