"""How good are the ages of other sequences beside those of a T1 of the same people?

    make study NAME=network/sequences ARGS="RUN"

RUN is the output folder of a finished ``brainage train`` of people with tissue labels, whose
axial 5+1 mm scans of each sequence were simulated from these. Every age is raw and out of fold, and
straightened by the sequence's own curve, which the people that choices may look at make. Prints
the table and writes it into docs/model.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from BrainAgeLib.training.calibration import fit_sequence, with_curve
from BrainAgeLib.training.figures import accuracy_of
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL, SEQUENCE_PROTOCOLS, Row, read_rows
from Testing.studies._pages import PAGES, table, write_part

PAGE, MARK = PAGES / "model.md", "sequences"
HEAD = [
    "scan", "people", "raw MAE (95 % interval)", "r", "mean error", "less the T1: mean", "SD"
]  # fmt: skip
GROUPS = {False: "", True: ", held out"}


def markdown(rows: list[Row]) -> str:
    """Return the table of a run's out-of-fold rows. Raises ValueError without other sequences."""
    by_protocol = {
        name: with_curve(rows, name, fit_sequence(rows, name)[0])
        for name in SEQUENCE_PROTOCOLS.values()
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


def main() -> None:
    """Read the run, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    text = markdown(read_rows(parser.parse_args().run / "out_of_fold.csv"))
    print(text)
    write_part(PAGE, MARK, text)


if __name__ == "__main__":
    main()
