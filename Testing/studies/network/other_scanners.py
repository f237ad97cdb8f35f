"""The yardstick: people of scanners that the model never saw, as heads and in several strips.

    make study NAME=network/other_scanners ARGS="FOLDER... --work DIR [--model MODEL]
        [--without SCANNER=MODEL]... [--write]"

Each FOLDER holds NIfTI files and a participants.tsv with the columns file, participant_id, age (in
years), scanner and skull ("whole head", "stripped, loose" or "stripped, tight"), and session where
people were scanned more than once; FOLDER=SCANNER names the scanner of a table that does not.

Every scan is predicted as users do it, whole and cut into thick
axial slices of 5 mm with gaps of 1 mm by our simulator (twice, at another phase and tilt). A loose
strip is predicted once more as a tight one: without what is darker than the middle between its
fluid and its grey matter. Rows are kept in DIR, so that a run that was stopped goes on.

A figure here says something only where the model saw nobody of these scanners. `brainage train`
leaves beside a model of several sites one without each: `--without OASIS=RUN/NAME-without-OASIS`
predicts by it the people of all scanners whose name begins with OASIS. Without `--without` and
`--model` these are those of `members_without.zip`, for comparing two ways in pairs: they are of
another line than the bundled networks (docs/model.md), so `--write` needs `--without`.
`--write` writes the tables into README.md and docs/model.md, the figures of groups beside the other
results and into the model's card how much wider its interval is on a scanner never seen; nothing of
a single person is kept.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

import BrainAgeLib
from BrainAgeLib.model.calibration import UnseenScanner
from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.scan.geometry import Volume, sitk_from_volume, to_canonical, volume_from_sitk
from BrainAgeLib.training.thick_slices import Protocol, cut_thick_slices
from BrainAgeLib.whole_file import write_atomically
from Testing.studies._pages import FIGURES
from Testing.studies.network._members_without import unpack
from Testing.studies.network._other_scanners_page import Row, write_pages

STRIPS = {"whole head": "head", "stripped, loose": "loose", "stripped, tight": "tight"}
LARGEST_TILT_DEGREES = 10.0
NOISE = 0.02  # of the brightest tissue
FLUID, GREY_MATTER = 0.31, 0.75  # of white matter, about; only for the second strip
FINEST_PIXEL_MM = 0.9
CUTS = ("5+1 mm", "5+1 mm again", "3D")


@dataclass(frozen=True)
class Listed:
    """One file of a folder's table."""

    path: Path
    participant_id: str
    session: str
    scanner: str
    age_years: float
    strip: str


def listed(named: str) -> list[Listed]:
    """Return the scans that participants.tsv of FOLDER or FOLDER=SCANNER names."""
    text, _, scanner = named.partition("=")
    folder = Path(text)
    with (folder / "participants.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return [
        Listed(
            folder / row["file"],
            row["participant_id"],
            row.get("session") or "1",
            row.get("scanner") or scanner or folder.name,
            float(row["age"]),
            next((strip for words, strip in STRIPS.items() if row.get("skull", "whole head")
                  .startswith(words)), "head"),
        )
        for row in rows
    ]  # fmt: skip


def versions(scan: Listed) -> Iterator[tuple[str, str, sitk.Image]]:
    """Yield strip, cut and image of everything that is predicted of one scan."""
    whole = volume_from_sitk(to_canonical(sitk.ReadImage(str(scan.path), sitk.sitkFloat32)))
    strips = {scan.strip: whole}
    if scan.strip == "loose":
        strips["tight of loose"] = tightened(whole)
    for strip, volume in strips.items():
        for number, cut in enumerate(CUTS):
            if cut == "3D":
                yield strip, cut, sitk_from_volume(volume)
            else:
                # One person is cut alike in every strip.
                seed = [number, zlib.crc32(scan.participant_id.encode())]
                yield strip, cut, sitk_from_volume(cut_again(volume, seed))


def tightened(volume: Volume) -> Volume:
    """Return a stripped volume without its fluid: what a tight strip leaves."""
    inside = volume.voxels[volume.voxels > 0]
    white_matter = float(np.quantile(inside, 0.9))
    kept = volume.voxels > 0.5 * (FLUID + GREY_MATTER) * white_matter
    return volume.with_voxels(np.where(kept, volume.voxels, 0).astype(np.float32))


def cut_again(volume: Volume, seed: list[int]) -> Volume:
    """Return thick axial slices of a volume at a phase and tilts that the seed settles."""
    generator = np.random.default_rng(seed)
    tilts = generator.uniform(-LARGEST_TILT_DEGREES, LARGEST_TILT_DEGREES, 3)
    protocol = Protocol(
        in_plane_mm=max(FINEST_PIXEL_MM, float(volume.spacing_mm[0])),
        tilt_degrees=(float(tilts[0]), float(tilts[1]), float(tilts[2])),
        phase=float(generator.random()),
    )
    slices, affine = cut_thick_slices(
        torch.as_tensor(volume.voxels, dtype=torch.float32), volume.affine, protocol
    )
    voxels = slices.numpy()
    level = NOISE * float(np.quantile(voxels[voxels > 0], 0.9))
    noise = generator.normal(0, level, (2, *voxels.shape))
    noisy = np.where(voxels > 0, np.hypot(voxels + noise[0], noise[1]), 0)
    return Volume(noisy.astype(np.float32), affine)


def predicted(scan: Listed, strip: str, cut: str, image: sitk.Image, model: str | None) -> Row:
    """Return the row of one image; the age of a refused one as well."""
    record = BrainAgeLib.predict(
        image, brain_extracted=strip != "head", saliency=False, force=True, model=model
    )
    unseen = load_ensemble(model).card.calibration.unseen_scanner
    factor = unseen.factor(strip != "head") if unseen else 1.0
    middle, high = record.brain_age_years, record.interval_years[1]  # forced: there is an age
    return Row(
        scan.participant_id,
        scan.session,
        scan.scanner,
        scan.age_years,
        strip,
        cut,
        round(middle, 3),
        round((high - middle) / factor, 3),
        record.quality.verdict,
        " ".join(finding.code for finding in record.quality.findings),
        name_of(model),
    )


def name_of(model: str | None) -> str:
    """Return which model it is, as rows and pages name it."""
    card = load_ensemble(model).card
    return f"{card.name} {card.version} {card.sha256[:12]}"


def predict_everybody(
    folders: list[str], work: Path, model: str | None, without: dict[str, str]
) -> list[Row]:
    """Return the rows of all folders; what is in ``work`` already is not repeated.

    ``without``: by the beginning of a scanner's name, the model that saw nobody of it.
    """
    work.mkdir(parents=True, exist_ok=True)
    table = work / "other_scanners.csv"
    rows = read_rows(table) if table.exists() else []
    used = {name_of(one) for one in (model, *without.values())}
    if {row.model for row in rows} - used:
        sys.exit(f"{work} holds rows of other models: choose another folder")
    done = {(row.participant_id, row.session, row.strip, row.cut) for row in rows}
    with table.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [entry.name for entry in fields(Row)])
        if not rows:
            writer.writeheader()
        for scan in (one for folder in folders for one in listed(folder)):
            if all((scan.participant_id, scan.session, scan.strip, cut) in done for cut in CUTS):
                continue
            unseen = (one for name, one in without.items() if scan.scanner.startswith(name))
            its_model = next(unseen, model)
            for strip, cut, image in versions(scan):
                if (scan.participant_id, scan.session, strip, cut) in done:
                    continue
                rows.append(predicted(scan, strip, cut, image, its_model))
                writer.writerow(asdict(rows[-1]))
                stream.flush()
            print(f"{scan.path.name}: {rows[-1].brain_age_years:.1f}", file=sys.stderr)
    return rows


def _into_card(path: Path, unseen: UnseenScanner) -> None:
    """Write into a model's card how much wider its interval is on a scanner never seen."""
    card = json.loads(path.read_text("utf-8"))
    card["calibration"]["unseen_scanner"] = asdict(unseen)
    write_atomically(path, (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())


def read_rows(path: Path) -> list[Row]:
    """Return the rows of an earlier run."""
    numbers = {"age_years", "brain_age_years", "usual_half_width_years"}
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            Row(**{name: float(text) if name in numbers else text for name, text in line.items()})
            for line in csv.DictReader(stream)
        ]


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", metavar="FOLDER[=SCANNER]")
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--model")
    parser.add_argument("--without", action="append", default=[], metavar="SCANNER=MODEL")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    without = dict(named.split("=", 1) for named in given.without)
    if given.write and not without:
        parser.error("--write needs --without: the kept models are not the bundled one's")
    if not without and given.model is None:
        without = unpack(given.work)
    rows = predict_everybody(given.folders, given.work, given.model, without)
    figures, unseen = write_pages(rows, write=given.write)
    if given.write:
        _into_card(load_ensemble(given.model).folder / "card.json", unseen)
        text = json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
        write_atomically(FIGURES / "other_scanners.json", text.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
