"""Do the saliency maps of these very scans, and of cuts of a real head, survive scrutiny?

    make study NAME=saliency/scans ARGS="[SCAN_OR_FOLDER ...] [--model MODEL] [--head HEAD]"

Three rank correlations (Spearman) of maps over the brain; without arguments of the bundled sample.

randomised   the map and that of the same models with all their weights drawn anew: near 0 if the
             map shows what was learnt, not what any model makes of a brain (Adebayo et al. 2018,
             arXiv 1810.03292); of signed values, and of their sizes
members      the maps of every two members of the ensemble, trained on different people
re-sliced    a 3D scan (``--head``) cut into thick slices in several ways, and run from the start;
             maps are compared in template space
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from BrainAgeLib import pipeline
from BrainAgeLib.case import read
from BrainAgeLib.model.card import Blend
from BrainAgeLib.model.ensemble import Ensemble
from BrainAgeLib.model.saliency import saliency_map
from BrainAgeLib.model.weights import Weights
from BrainAgeLib.options import Options
from BrainAgeLib.resources import sample_scan
from BrainAgeLib.scan.geometry import (
    Volume,
    sitk_from_volume,
    to_canonical,
    volume_from_sitk,
)
from BrainAgeLib.scan.read import read_scan
from BrainAgeLib.template.scan_maps import ScanMaps, maps_of_scan
from BrainAgeLib.template.template import load_template
from BrainAgeLib.training.thick_slices import cut_thick_slices
from BrainAgeLib.whole_file import write_atomically
from Testing.studies.saliency._cuts import CUTS
from Testing.studies.saliency._randomised import randomised_member
from Testing.studies.saliency._run import brain_of, spearman

SEEDS = (1, 2, 3)
SCAN_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".mha")


def maps_of(path: Path, options: Options) -> ScanMaps:
    """Return what the models see of a scan."""
    tools = pipeline.prepare(options)
    case, mask = pipeline.find_brain_in_view(read(path, options), tools)
    placed = pipeline.place(case, mask, tools, lambda _fraction: None)
    return maps_of_scan(placed.slices(tools.template, tools.device.name))


def map_of(weights: Weights, maps: ScanMaps, blend: Blend) -> torch.Tensor:
    """Return the map (place,) within the brain, in years."""
    years = saliency_map(weights.members, maps, blend, weights.mean_maps)
    return years[brain_of(maps.acquired)].cpu()


def randomised(weights: Weights, seed: int) -> Weights:
    """Return models of the same shapes whose weights are drawn anew."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        members = [randomised_member(member) for member in weights.members]
    return Weights(members, weights.mean_maps, weights.typical)


def members(weights: Weights) -> Iterator[Weights]:
    """Yield each member of the ensemble alone."""
    for member in weights.members:
        yield Weights([member], weights.mean_maps, weights.typical)


def sanity_of_scan(maps: ScanMaps, ensemble: Ensemble, device: str) -> dict[str, float]:
    """Return the first two correlations of one scan."""
    weights, blend = ensemble.weights(device), ensemble.card.blend
    whole = map_of(weights, maps, blend)
    drawn = [map_of(randomised(weights, seed), maps, blend) for seed in SEEDS]
    alone = [map_of(member, maps, blend) for member in members(weights)]
    return {
        "randomised": float(np.mean([spearman(whole, other) for other in drawn])),
        "randomised_sizes": float(np.mean([spearman(abs(whole), abs(other)) for other in drawn])),
        "members": float(np.mean([spearman(*two) for two in combinations(alone, 2)] or [np.nan])),
        "strongest_years": float(abs(whole).max()),
    }


def maps_of_cuts(head: Path, options: Options) -> dict[str, np.ndarray]:
    """Return the map of each cut in template space (k, j, i), NaN where it has no brain."""
    volume = volume_from_sitk(to_canonical(read_scan(head).image))
    found = {}
    for name, protocol in CUTS.items():
        cut, affine = cut_thick_slices(torch.as_tensor(volume.voxels), volume.affine, protocol)
        result = pipeline.run(sitk_from_volume(Volume(cut.numpy(), affine)), options)
        years = [
            sitk.Resample(image, sitk_from_volume(load_template().t1), result.to_template, how)
            for image, how in (
                (result.prediction.saliency, sitk.sitkLinear),
                (result.brain_mask, sitk.sitkNearestNeighbor),
            )
        ]
        values, brain = (sitk.GetArrayFromImage(image) for image in years)
        found[name] = np.where(brain > 0, values, np.nan)
        print(f"{name}: {result.prediction.brain_age_years:.1f} years", file=sys.stderr)
    return found


def stability(maps: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the correlation of every other cut's map with the first one's."""
    brain = load_template().brain
    (_, first), *others = maps.items()
    found = {}
    for name, other in others:
        common = brain & np.isfinite(first) & np.isfinite(other)
        found[name] = spearman(*(torch.from_numpy(years[common]) for years in (first, other)))
    return found


def scans_of(given: Sequence[Path]) -> list[Path]:
    """Return the scans that are named or lie in the folders that are named."""
    found = []
    for path in given or [sample_scan()]:
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        found += [scan for scan in inside if scan.name.endswith(SCAN_ENDINGS)]
    return found


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scans", nargs="*", type=Path, metavar="SCAN_OR_FOLDER")
    parser.add_argument("--model", metavar="NAME_OR_FOLDER", help="default: the bundled model")
    parser.add_argument("--head", type=Path, metavar="HEAD", help="a whole head in 3D")
    parser.add_argument("--device", default="cpu", help="default cpu")
    parser.add_argument("--brain-extracted", action="store_true", help="the scans have no skull")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    given = parse()
    options = Options(
        device=given.device, model=given.model, brain_extracted=given.brain_extracted, force=True
    )
    tools = pipeline.prepare(options)
    rows = {}
    print(f"{'scan':40}{'randomised':>12}{'sizes':>8}{'members':>9}{'strongest':>12}")
    for path in scans_of(given.scans):
        row = sanity_of_scan(maps_of(path, options), tools.ensemble, tools.device.name)
        rows[path.name] = row
        a, b, c, d = row.values()
        print(f"{path.name[:39]:40}{a:12.2f}{b:8.2f}{c:9.2f}{d:6.2f} years", flush=True)
    cuts = {}
    if given.head:
        cuts = stability(maps_of_cuts(given.head, options))
        for name, value in cuts.items():
            print(f"{'re-sliced: ' + name:52}{value:8.2f}")
    if given.json:
        text = {"model": tools.ensemble.card.name, "scans": rows, "re-sliced": cuts}
        write_atomically(given.json, (json.dumps(text, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
