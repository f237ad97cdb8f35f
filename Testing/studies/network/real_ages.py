"""How far are the ages of real scans from the people's own, by what the scans show?

    make study NAME=network/real_ages ARGS="FOLDER... [--model MODEL] [--write]"

Each FOLDER holds NIfTI files, named as in BIDS, and a participants.tsv with the columns file,
participant_id, age (in years at that scan) and, where people came more than once, session; files
that are alike in both are of one session, and one whose name has ``desc-brain`` is without skull.
Scans are read and predicted as users do it; one that the gate refuses has no age and counts as
refused. Nothing is fitted on them. With --write the table goes into docs/model.md.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from BrainAgeLib.options import Options
from BrainAgeLib.pipeline import run
from BrainAgeLib.records import Prediction
from BrainAgeLib.statistics import bootstrap_mean
from Testing.studies._pages import PAGES, table, write_part

PAGE, MARK = PAGES / "model.md", "real ages"
HEAD = [
    "real scans of", "scans (people)", "refused", "raw MAE (95 % interval)", "mean error",
    "up to 30", "interval holds", "`pass` and outside", "less the T1: mean", "largest",
]  # fmt: skip
SUFFIXES = ("T1w", "T2w", "FLAIR")
YOUNG_UP_TO_YEARS = 30.0
FEWEST = 3  # scans for an interval of their error


@dataclass(frozen=True)
class Aged:
    """A real scan of a person of known age, and its record; years."""

    participant_id: str
    session: str
    shows: str
    age_years: float
    record: Prediction

    @property
    def error_years(self) -> float | None:
        """Its raw age less the person's; None where it was refused."""
        brain_age = self.record.brain_age_years
        return None if brain_age is None else brain_age - self.age_years

    @property
    def is_inside(self) -> bool:
        """Whether the interval holds the person's age."""
        low, high = self.record.interval_years or (np.inf, -np.inf)
        return low <= self.age_years <= high


def shows(name: str) -> str | None:
    """Return what a file shows by its BIDS name; None for what is not looked at."""
    suffix = name.split(".")[0].rsplit("_", 1)[-1]
    if suffix not in SUFFIXES:
        return None
    return f"{suffix} after contrast" if "_ce-" in name else suffix


def scans_of(folders: Iterable[Path], model: str | None) -> list[Aged]:
    """Return all scans that the tables of these folders name, predicted."""
    scans = []
    for folder in folders:
        with (folder / "participants.tsv").open(encoding="utf-8", newline="") as lines:
            listed = list(csv.DictReader(lines, delimiter="\t"))
        for row in listed:
            what = shows(row["file"])
            if what is None:
                continue
            is_bare = "desc-brain" in row["file"]
            options = Options(device="cpu", saliency=False, brain_extracted=is_bare, model=model)
            record = run(folder / row["file"], options).prediction
            names = row["participant_id"], row.get("session") or "1"
            scans.append(Aged(*names, what, float(row["age"]), record))
            print(f"{row['file']}: {record.brain_age_years} ({row['age']})", flush=True)
    return scans


def markdown(scans: Sequence[Aged]) -> str:
    """Return a line for each kind of scan."""
    groups: dict[str, list[Aged]] = defaultdict(list)
    for scan in scans:
        groups[scan.shows].append(scan)
    t1 = {(scan.participant_id, scan.session): scan for scan in groups["T1w"]}
    lines = [
        _cells(what, groups[what], _less_the_t1(groups[what], t1))
        for what in ("T1w", "T1w after contrast", "T2w", "FLAIR")
        if groups[what]
    ]
    return table(HEAD, lines)


def _less_the_t1(scans: Sequence[Aged], t1: dict[tuple[str, str], Aged]) -> list[float]:
    """Return how far ages are from that of the session's T1, where both have one."""
    found = []
    for scan in scans:
        other = t1.get((scan.participant_id, scan.session))
        if other is None or other is scan:
            continue
        here, there = scan.record.brain_age_years, other.record.brain_age_years
        if here is not None and there is not None:
            found.append(here - there)
    return found


def _cells(what: str, scans: Sequence[Aged], apart: Sequence[float]) -> list[str]:
    read = [scan for scan in scans if scan.error_years is not None]
    errors = np.array([scan.error_years for scan in read], float)
    young = np.array([scan.age_years <= YOUNG_UP_TO_YEARS for scan in read], bool)
    outside = sum(s.record.quality.verdict == "pass" and not s.is_inside for s in read)
    people = len({scan.participant_id for scan in scans})
    return [
        what,
        f"{len(scans)} ({people})",
        str(len(scans) - len(read)),
        _error(errors),
        f"{errors.mean():+.1f}" if len(errors) else "",
        f"{errors[young].mean():+.1f} ({young.sum()})" if young.any() else "",
        f"{sum(scan.is_inside for scan in read)} of {len(read)}",
        str(outside),
        f"{np.mean(apart):+.1f}" if apart else "",
        f"{max(apart, key=abs):+.1f}" if apart else "",
    ]


def _error(errors: np.ndarray) -> str:
    if len(errors) < FEWEST:
        return f"{np.abs(errors).mean():.1f}" if len(errors) else ""
    low, high = bootstrap_mean(np.abs(errors))
    return f"**{np.abs(errors).mean():.1f}** ({low:.1f}-{high:.1f})"


def main() -> None:
    """Predict the scans, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--model")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    text = markdown(scans_of(given.folders, given.model))
    print(text)
    if given.write:
        write_part(PAGE, MARK, text)


if __name__ == "__main__":
    main()
