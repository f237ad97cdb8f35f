"""How good are the ages of other sequences beside those of a T1 of the same people?

    make study NAME=network/sequences ARGS="RUN"

RUN is the output folder of a finished ``brainage train`` of people with tissue labels, whose
axial 5+1 mm scans of each sequence were simulated from these. Every age is raw and out of fold, and
straightened by the sequence's own curve, which the people that choices may look at make. Then
whether the mean of several sequences of a person errs less than the best of them. Prints both
tables and writes them into docs/model.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from BrainAgeLib.statistics import bootstrap_mean
from BrainAgeLib.training.calibration import fit_sequence, with_curve
from BrainAgeLib.training.figures import accuracy_of
from BrainAgeLib.training.model_folder import sequence_calibrations
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL, SEQUENCE_PROTOCOLS, Row, read_rows
from BrainAgeLib.training.together import candidates
from Testing.studies._pages import PAGES, table, write_part

PAGE, MARK, MARK_OF_SETS = PAGES / "model.md", "sequences", "sets of sequences"
HEAD = [
    "scan", "people", "raw MAE (95 % interval)", "r", "mean error", "less the T1: mean", "SD"
]  # fmt: skip
HEAD_OF_SETS = [
    "sequences, how much each counts", "raw MAE", "less the best alone (95 % interval)",
    "held out: raw MAE",
]  # fmt: skip
GROUPS = {False: "", True: ", held out"}


def markdown(rows: list[Row]) -> str:
    """Return the table of a run's out-of-fold rows. Raises ValueError without other sequences."""
    known = {row.protocol for row in rows} & set(SEQUENCE_PROTOCOLS.values())
    if not known:
        raise ValueError("there are no scans of other sequences in this run")
    by_protocol = {
        name: with_curve(rows, name, fit_sequence(rows, name)[0])
        for name in SEQUENCE_PROTOCOLS.values()
        if name in known
    }
    people = {row.participant_id for table_ in by_protocol.values() for row in table_}
    t1 = [row for row in rows if row.protocol == MAIN_PROTOCOL and row.participant_id in people]
    lines = []
    for held_out, words in GROUPS.items():
        lines.append(_line(f"T1w, {MAIN_PROTOCOL}{words}", _of(t1, held_out)))
        for name, table_ in by_protocol.items():
            lines.append(_line(f"{name}{words}", _of(table_, held_out), _of(t1, held_out)))
    return table(HEAD, lines)


def _of(rows: Iterable[Row], held_out: bool) -> list[Row]:
    return [row for row in rows if row.held_out == held_out]


def _line(name: str, rows: list[Row], t1: list[Row] | None = None) -> list[str]:
    """Return the cells of some people's scans, with what their ages are beyond those of a T1."""
    figures = accuracy_of(rows)
    if figures is None:
        return [name, str(len(rows)), *["too few"] * (len(HEAD) - 2)]
    low, high = figures.mae_interval_years
    cells = [name, str(figures.people), f"{figures.mae_years:.2f} ({low:.2f}-{high:.2f})"]
    cells += [f"{figures.r:.3f}", f"{figures.mean_error_years:+.2f}"]
    if t1 is None:
        return [*cells, "", ""]
    of_t1 = {row.participant_id: row.predicted_years for row in t1}
    more = [
        row.predicted_years - of_t1[row.participant_id]
        for row in rows
        if row.participant_id in of_t1
    ]
    return [*cells, f"{np.mean(more):+.2f}", f"{np.std(more, ddof=1):.2f}"]


def sets_markdown(rows: list[Row]) -> str:
    """Return the table of sets of sequences, with the fractions of the least error."""
    lines = []
    for one in candidates(rows, sequence_calibrations(rows)[0]):
        low, high = bootstrap_mean(one.differences_years)
        errors = [accuracy_of(_of(one.joined, held)) for held in GROUPS]
        less = f"{one.differences_years.mean():+.3f} ({low:+.3f} to {high:+.3f})"
        mine, held_out = (f"{each.mae_years:.2f}" if each else "too few" for each in errors)
        parts = ", ".join(f"{name} {one.fractions.get(name, 0.0):g}" for name in one.names)
        lines.append([parts, mine, less, held_out])
    return table(HEAD_OF_SETS, lines)


def main() -> None:
    """Read the run, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    rows = read_rows(parser.parse_args().run / "out_of_fold.csv")
    for mark, text in ((MARK, markdown(rows)), (MARK_OF_SETS, sets_markdown(rows))):
        print(text)
        write_part(PAGE, mark, text)


if __name__ == "__main__":
    main()
