"""How far is the age of a real scan of another sequence from that of the T1 of its session?

    make study NAME=network/real_sequences ARGS="RUN FOLDER... [--model MODEL] [--write]"

Each FOLDER holds NIfTI files that are named as in BIDS: those that are alike but for ``ce-`` and
the sequence at the end are of one session; one whose name has ``desc-brain`` is without skull.
Scans are read as users read them, whatever their name says they are, and predicted although the
gate refuses. RUN, of ``brainage train``, tells how far simulated scans are from their T1. With
--write the table goes into docs/model.md, and the model's card learns how much wider the intervals
of these sequences have to be on real scans.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.options import Options
from BrainAgeLib.pipeline import run
from BrainAgeLib.records import Prediction
from BrainAgeLib.training.calibration import fit_sequence, with_curve
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL, SEQUENCE_PROTOCOLS, Row, read_rows
from BrainAgeLib.whole_file import write_atomically
from Testing.studies._pages import PAGES, table, write_part
from Testing.studies.network._real_scans import shown_by

PAGE, MARK = PAGES / "model.md", "real sequences"
HEAD = [
    "scan", "told as", "verdict", "raw brain age", "90 % interval", "T1 of the session", "less it"
]  # fmt: skip


@dataclass(frozen=True)
class Scan:
    """A real scan: its session, what its name says that it shows, and what came of it."""

    session: str
    shows: str
    record: Prediction

    @property
    def age_years(self) -> float:
        """The raw brain age."""
        return self.record.brain_age_years or math.nan


def scans_of(folders: Iterable[Path], model: str | None) -> list[Scan]:
    """Return all scans of these folders, predicted."""
    scans = []
    for path in sorted(path for folder in folders for path in folder.glob("*.nii*")):
        name = path.name.split(".")[0]
        shows, is_stripped = shown_by(name)
        if shows is None:
            continue
        options = Options(
            device="cpu", saliency=False, force=True, brain_extracted=is_stripped, model=model
        )
        session = re.sub(r"_(ce-[A-Za-z0-9]+_)?[A-Za-z0-9]+$", "", name)
        scans.append(Scan(session, shows, run(path, options).prediction))
        print(f"{path.name}: {scans[-1].age_years:.1f}", flush=True)
    return scans


def differences(scans: Sequence[Scan]) -> dict[str, list[float]]:
    """Return how far ages are from that of the session's native T1, by what is shown."""
    t1 = {scan.session: scan.age_years for scan in scans if scan.shows == "T1w"}
    found: dict[str, list[float]] = defaultdict(list)
    for scan in scans:
        if scan.shows != "T1w" and scan.session in t1:
            found[scan.shows].append(scan.age_years - t1[scan.session])
    return found


def simulated(rows: list[Row], protocol: str) -> tuple[float, float]:
    """Return how far simulated scans are from the T1 of the same people, and from their age.

    Both are root mean squares, in years, out of fold.
    """
    straightened = with_curve(rows, protocol, fit_sequence(rows, protocol)[0])
    t1 = {row.participant_id: row.predicted_years for row in rows if row.protocol == MAIN_PROTOCOL}
    apart = [row.predicted_years - t1[row.participant_id] for row in straightened]
    errors = [row.predicted_years - row.age_years for row in straightened]
    return _rms(apart), _rms(errors)


def widening(real_years: Sequence[float], rows: list[Row], protocol: str) -> float:
    """Return how many times wider the interval is on real scans, 1 or more.

    The variance by which real scans are farther from their T1 than simulated ones is added to that
    of the simulated ones' error.
    """
    apart, error = simulated(rows, protocol)
    more = max(0.0, _rms(real_years) ** 2 - apart**2)
    return round(math.sqrt(1 + more / error**2), 2)


def markdown(scans: Sequence[Scan], factors: Mapping[str, float]) -> str:
    """Return the table, and what it comes to."""
    t1 = {scan.session: scan.age_years for scan in scans if scan.shows == "T1w"}
    lines = [
        _cells(scan, t1[scan.session])
        for scan in scans
        if scan.session in t1 and scan.shows != "T1w"
    ]
    said = [
        f"{name}: {len(years)} scans, mean difference {np.mean(years):+.1f} years, largest "
        f"{max(years, key=abs):+.1f}; the interval is {factors.get(name, 1):.2f} times as wide"
        for name, years in differences(scans).items()
    ]
    return table(HEAD, lines) + "\n\n" + "\n".join(f"- {line}" for line in said)


def _cells(scan: Scan, t1_years: float) -> list[str]:
    low, high = scan.record.interval_years or (math.nan, math.nan)
    return [
        scan.shows,
        scan.record.sequence or "nothing",
        scan.record.quality.verdict,
        f"{scan.age_years:.1f}",
        f"{low:.1f}-{high:.1f}",
        f"{t1_years:.1f}",
        f"{scan.age_years - t1_years:+.1f}",
    ]


def into_card(path: Path, factors: Mapping[str, float], counts: Mapping[str, int]) -> None:
    """Write into a model's card how much wider its intervals are on real scans."""
    card = json.loads(path.read_text("utf-8"))
    for sequence, read in card["calibration"]["sequences"].items():
        if sequence in factors:
            read["real_widening"], read["real_scans"] = factors[sequence], counts[sequence]
    write_atomically(path, (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())


def _rms(years: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(np.square(years))))


def main() -> None:
    """Predict the scans, print and write what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--model")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    rows = read_rows(given.run / "out_of_fold.csv")
    scans = scans_of(given.folders, given.model)
    found = differences(scans)
    simulated_here = {row.protocol for row in rows}
    factors: dict[str, float] = {
        sequence: widening(found[sequence], rows, protocol)
        for sequence, protocol in SEQUENCE_PROTOCOLS.items()
        if sequence in found and protocol in simulated_here
    }
    known = load_ensemble(given.model).card.calibration.sequences
    text = markdown(scans, {name: read.real_widening for name, read in known.items()} | factors)
    print(text)
    if given.write:
        write_part(PAGE, MARK, text)
        counts = {name: len(years) for name, years in found.items()}
        into_card(load_ensemble(given.model).folder / "card.json", factors, counts)


if __name__ == "__main__":
    main()
