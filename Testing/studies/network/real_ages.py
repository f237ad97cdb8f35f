"""How far are the ages of real scans from the people's own, by what the scans show?

    make study NAME=network/real_ages ARGS="FOLDER... [--model MODEL] [--write]"

Each FOLDER holds NIfTI files, named as in BIDS, and a participants.tsv with the columns file,
participant_id, age (in years at that scan) and, where people came more than once, session; files
that are alike in both are of one session, and one whose name has ``desc-brain`` is without skull.
Scans are read and predicted as users do it; one that the gate refuses has no age and counts as
refused. Errors are means over people of the mean over their scans. Nothing is fitted here. With
--write the table goes into docs/model.md.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from BrainAgeLib.options import Options
from BrainAgeLib.pipeline import run
from BrainAgeLib.records import Prediction
from BrainAgeLib.statistics import bootstrap_mean
from Testing.studies._pages import PAGES, table, write_part
from Testing.studies.network._real_scans import shown_by

PAGE, MARK = PAGES / "model.md", "real ages"
HEAD = [
    "real scans of", "scans (people)", "refused", "raw MAE (95 % interval)", "mean error",
    "mean error up to 30 (people)", "interval holds", "`pass` and outside",
    "less the T1 of the session: mean", "mean size", "largest",
]  # fmt: skip
YOUNG_UP_TO_YEARS = 30.0
FEWEST = 3  # people for an interval of their error


@dataclass(frozen=True)
class AgedScan:
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


def scans_of(folders: Iterable[Path], model: str | None) -> list[AgedScan]:
    """Return all scans that the tables of these folders name, predicted."""
    listed = [(folder, row, float(row["age"])) for folder in folders for row in table_of(folder)]
    scans = []
    for folder, row, age_years in listed:
        what, is_stripped = shown_by(row["file"])
        if what is None:
            continue
        options = Options(device="cpu", saliency=False, brain_extracted=is_stripped, model=model)
        record = run(folder / row["file"], options).prediction
        names = row["participant_id"], row.get("session") or "1"
        scans.append(AgedScan(*names, what, age_years, record))
        print(f"{row['file']}: {record.brain_age_years} ({age_years})", flush=True)
    return scans


def table_of(folder: Path) -> list[dict[str, str]]:
    """Return the lines of a folder's participants.tsv."""
    with (folder / "participants.tsv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def markdown(scans: Sequence[AgedScan]) -> str:
    """Return a line for each kind of scan."""
    groups: dict[str, list[AgedScan]] = defaultdict(list)
    for scan in scans:
        groups[scan.shows].append(scan)
    t1 = {(scan.participant_id, scan.session): scan for scan in groups.get("T1w", ())}
    lines = [
        _cells(what, groups[what], _less_the_t1(groups[what], t1))
        for what in sorted(groups, key=lambda what: (what.split()[0] != "T1w", what))
    ]
    return table(HEAD, lines)


def _less_the_t1(scans: Sequence[AgedScan], t1: dict[tuple[str, str], AgedScan]) -> list[float]:
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


def _cells(what: str, scans: Sequence[AgedScan], apart: Sequence[float]) -> list[str]:
    read = [scan for scan in scans if scan.error_years is not None]
    errors, young = (
        _of_people(read),
        _of_people([scan for scan in read if scan.age_years <= YOUNG_UP_TO_YEARS]),
    )
    outside = sum(s.record.quality.verdict == "pass" and not s.is_inside for s in read)
    return [
        what,
        f"{len(scans)} ({len({scan.participant_id for scan in scans})})",
        str(len(scans) - len(read)),
        _error(_of_people(read, np.abs)),
        f"{errors.mean():+.1f}" if len(errors) else "",
        f"{young.mean():+.1f} ({len(young)})" if len(young) else "",
        f"{sum(scan.is_inside for scan in read)} of {len(read)}",
        str(outside),
        f"{np.mean(apart):+.1f}" if apart else "",
        f"{np.mean(np.abs(apart)):.1f}" if apart else "",
        f"{max(apart, key=abs):+.1f}" if apart else "",
    ]


def _of_people(scans: Sequence[AgedScan], of_error: Callable[[float], float] = float) -> np.ndarray:
    """Return for each person the mean over the scans of what ``of_error`` makes of an error."""
    by_person: dict[str, list[float]] = defaultdict(list)
    for scan in scans:
        if scan.error_years is not None:
            by_person[scan.participant_id].append(of_error(scan.error_years))
    return np.array([np.mean(errors) for errors in by_person.values()])


def _error(sizes: np.ndarray) -> str:
    if len(sizes) < FEWEST:
        return f"{sizes.mean():.1f}" if len(sizes) else ""
    low, high = bootstrap_mean(sizes)
    return f"**{sizes.mean():.1f}** ({low:.1f}-{high:.1f})"


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
