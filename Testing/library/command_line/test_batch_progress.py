from __future__ import annotations

import io

import pytest

from BrainAgeLib.batch.results_table import ResultRow
from BrainAgeLib.command_line.batch_progress import BatchProgress

PREDICTED = ResultRow("a.nii", brain_age_years=60.0, exit_code=0)
REFUSED = ResultRow("b.nii", verdict="refuse", findings=("no_brain",), exit_code=3)
FAILED = ResultRow("c.nii", exit_code=2, error="c.nii does not exist (check the path)")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_rate_and_time_left_count_this_run_only(clock):
    progress = BatchProgress(io.StringIO(), clock)
    progress(PREDICTED, True, 1, 11)
    clock.now = 20.0
    progress(PREDICTED, False, 2, 11)
    assert progress.line(2, 11, 20.0) == "2 of 11 scans, 3 a minute, 3 min left"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (10.0, "6 a minute, 40 s left"),
        (600.0, "6 an hour, 40 min left"),
        (6000.0, "0.6 an hour, 6.7 h left"),
    ],
)
def test_units_fit_the_speed(clock, seconds, words):
    progress = BatchProgress(io.StringIO(), clock)
    progress(PREDICTED, False, 1, 5)
    assert progress.line(1, 5, seconds) == f"1 of 5 scans, {words}"


def test_a_log_gets_failures_at_once_and_a_line_now_and_then(clock):
    log = io.StringIO()
    progress = BatchProgress(log, clock)
    for now, row, done in ((1, PREDICTED, 1), (2, REFUSED, 2), (40, FAILED, 3), (41, PREDICTED, 4)):
        clock.now = float(now)
        progress(row, False, done, 5)
    assert log.getvalue().splitlines() == [
        "b.nii: refused (no_brain)",
        "c.nii does not exist (check the path)",
        "3 of 5 scans, 2 without an age, 4.5 a minute, 27 s left",
    ]


def test_a_terminal_shows_one_line_that_goes_away(clock):
    terminal = Terminal()
    progress = BatchProgress(terminal, clock)
    progress(PREDICTED, False, 1, 2)
    progress.clear()
    assert terminal.getvalue() == "\r1 of 2 scans" + "\r" + " " * 12 + "\r"
