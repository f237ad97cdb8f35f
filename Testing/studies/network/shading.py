"""How far do brightness faults that no scan should have move the age of people of other scanners?

    make study NAME=network/shading ARGS="FOLDER... --without SCANNER=MODEL... --work DIR"

Folders as ``network/other_scanners`` reads them; of each kind of strip that was scanned so, every
third person is taken, cut into 5 mm slices with gaps of 1 mm, as it is and changed: a coil that
shows the edge, in whole heads that of the head, two and three times as bright as what lies 35 mm
below, waves of 15 % across the slice, two gammas, noise of 8 % of what is brightest, a blur of 1.2
mm. All of it is simulated, on real scans. Each is predicted as users do it, by the model without
that scanner. Rows are kept in DIR, so that a run that was stopped goes on. Writes its part of
docs/model.md.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import SimpleITK as sitk

import BrainAgeLib
from BrainAgeLib.scan.geometry import Volume, sitk_from_volume, volume_from_sitk
from BrainAgeLib.training.strips import CLOSING_MM
from Testing.studies._pages import PAGES, table, write_part
from Testing.studies.network.other_scanners import Listed, listed, versions

CUT, EVERY = "5+1 mm", 3
COIL_DEPTH_MM, WAVES = 35.0, 2.5
LEAST_BRAIN = 0.25  # of what is bright in the scan: where depth is counted from
AS_IT_IS = "as it is"


def depth_mm(volume: Volume, least: float) -> np.ndarray:
    """Return how deep each voxel (k, j, i) lies in the closed and filled object; outside it 0."""
    image = sitk_from_volume(volume) > least
    radius = [max(1, round(CLOSING_MM / mm)) for mm in image.GetSpacing()]
    hull = sitk.BinaryFillhole(sitk.BinaryMorphologicalClosing(image, radius))
    depth = sitk.SignedMaurerDistanceMap(
        hull, insideIsPositive=True, squaredDistance=False, useImageSpacing=True
    )
    return np.clip(sitk.GetArrayFromImage(depth), 0, None)


def changed(volume: Volume) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what was changed, and the voxels (k, j, i)."""
    voxels = volume.voxels
    white = float(np.quantile(voxels[voxels > 0], 0.9))
    outside = 1 - np.clip(depth_mm(volume, LEAST_BRAIN * white) / COIL_DEPTH_MM, 0, 1)
    j, i = np.meshgrid(*(np.linspace(0, 1, size) for size in voxels.shape[1:]), indexing="ij")
    wave = np.sin(2 * np.pi * WAVES * j + 1) * np.sin(2 * np.pi * WAVES * i + 2)
    noise = np.random.default_rng(0).normal(0, 0.08 * white, (2, *voxels.shape))
    blurred = sitk.GetArrayFromImage(
        sitk.SmoothingRecursiveGaussian(sitk_from_volume(volume), [1.2, 1.2, 0.01])
    )
    yield AS_IT_IS, voxels
    yield "edge twice as bright", voxels * 2**outside
    yield "edge three times as bright", voxels * 3**outside
    yield "waves of 15 %", voxels * (1 + 0.15 * wave)
    yield "gamma 0.7", white * (voxels / white) ** 0.7
    yield "gamma 1.4", white * (voxels / white) ** 1.4
    yield "noise of 8 %", np.where(voxels > 0, np.hypot(voxels + noise[0], noise[1]), 0)
    yield "blurred by 1.2 mm", np.where(voxels > 0, blurred, 0)


def rows_of(scan: Listed, model: str) -> Iterator[dict[str, str]]:
    """Yield a row for each change of one scan."""
    for strip, cut, image in versions(scan):
        if (strip, cut) != (scan.strip, CUT):
            continue
        volume = volume_from_sitk(image)
        for what, voxels in changed(volume):
            record = BrainAgeLib.predict(
                sitk_from_volume(volume.with_voxels(voxels.astype(np.float32))),
                brain_extracted=strip != "head", saliency=False, force=True, model=model,
            )  # fmt: skip
            yield {
                "person": scan.participant_id,
                "strip": strip,
                "what": what,
                "age": "" if record.brain_age_years is None else f"{record.brain_age_years:.3f}",
                "verdict": record.quality.verdict,
            }


def summary(rows: list[dict[str, str]]) -> str:
    """Return a table of how far each change moves the age."""
    rows = [row for row in rows if row["age"]]  # where there was no brain
    strips = sorted({row["strip"] for row in rows})
    plain = {(r["person"], r["strip"]): float(r["age"]) for r in rows if r["what"] == AS_IT_IS}
    head = ["change"]
    for strip in strips:
        count = sum(one == strip for _, one in plain)
        head += [f"{strip}, {count} people: years", "SD", "largest", "`pass`"]
    lines = []
    for what in dict.fromkeys(row["what"] for row in rows):
        line = [what]
        for strip in strips:
            mine = [row for row in rows if (row["what"], row["strip"]) == (what, strip)]
            moved = np.array([float(r["age"]) - plain[r["person"], strip] for r in mine])
            passed = sum(row["verdict"] == "pass" for row in mine)
            line += [f"{moved.mean():+.1f}", f"{moved.std(ddof=1):.1f}"]
            line += [f"{moved[np.abs(moved).argmax()]:+.1f}", f"{passed} of {len(mine)}"]
        lines.append(line)
    return table(head, lines)


def main() -> None:
    """Predict what is not there yet, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", metavar="FOLDER[=SCANNER]")
    parser.add_argument("--without", action="append", required=True, metavar="SCANNER=MODEL")
    parser.add_argument("--work", required=True, type=Path)
    given = parser.parse_args()
    without = dict(named.split("=", 1) for named in given.without)
    given.work.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, str]] = []
    scans = [scan for folder in given.folders for scan in listed(folder) if scan.session == "1"]
    for strip in sorted({scan.strip for scan in scans}):
        for scan in [scan for scan in scans if scan.strip == strip][::EVERY]:
            kept = given.work / f"{scan.participant_id}_{strip}.csv"
            if not kept.exists():
                model = next(m for name, m in without.items() if scan.scanner.startswith(name))
                found = list(rows_of(scan, model))
                with kept.open("w", encoding="utf-8", newline="") as stream:
                    writer = csv.DictWriter(stream, list(found[0]))
                    writer.writeheader()
                    writer.writerows(found)
            with kept.open(encoding="utf-8", newline="") as stream:
                rows += list(csv.DictReader(stream))
    print(summary(rows))
    write_part(PAGES / "model.md", "shading", summary(rows))


if __name__ == "__main__":
    main()
