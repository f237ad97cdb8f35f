"""How a run speaks to terminals and to programs."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from BrainAgeLib.batch.table import ResultRow
from BrainAgeLib.command_line.progress import (
    BAR_WIDTH,
    STAGE_WORDS,
    BatchProgress,
    JsonLines,
    TerminalProgress,
    announce_error,
    progress_for,
)
from BrainAgeLib.errors import InputError
from BrainAgeLib.stages import STAGE_ENDS

PREDICTED = ResultRow("a.nii", brain_age_years=60.0, verdict="pass", exit_code=0)
REFUSED = ResultRow("b.nii", verdict="refuse", findings=("no_brain",), exit_code=3)
FAILED = ResultRow("c.nii", exit_code=2, error="c.nii does not exist (check the path)")


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self):
        return True


class Closed(io.StringIO):
    """A stream whose reader is gone."""

    def write(self, _text):
        raise BrokenPipeError


def events(stream):
    """Return what was said, one object a line."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_events_are_one_object_a_line():
    stream = io.StringIO()
    speaker = JsonLines(stream)

    speaker.stage("read", 1 / 3)
    speaker.result(Path("out") / "prediction.json", "warn")
    speaker.error(InputError("two\nlines", "a hint"))

    assert events(stream) == [
        {"event": "stage", "name": "read", "fraction": 0.3333},
        {"event": "result", "path": str(Path("out") / "prediction.json"), "verdict": "warn"},
        {"event": "error", "message": "two\nlines", "hint": "a hint"},
    ]


def test_events_are_seen_at_once():
    class Counting(io.StringIO):
        flushed = 0

        def flush(self):
            self.flushed += 1

    stream = Counting()
    JsonLines(stream).stage("read", 0.0)

    assert stream.flushed == 1


def test_details_of_an_error_are_a_list():
    stream = io.StringIO()

    JsonLines(stream).error(InputError("two series", "", ("1.2.3", "1.2.4")))

    assert events(stream)[0]["details"] == ["1.2.3", "1.2.4"]


def test_the_bar_grows_and_goes():
    terminal = Terminal()
    bar = TerminalProgress(terminal)

    bar("brain_extraction", 0.04)
    bar("registration", 0.5)
    drawn = terminal.getvalue().split("\r")[1:]
    bar.clear()

    assert drawn[0].count("#") == round(BAR_WIDTH * 0.04)
    assert drawn[1].count("#") == BAR_WIDTH // 2
    assert "registering to the template" in drawn[1]
    assert terminal.getvalue().endswith("\r" + " " * len(drawn[1].rstrip()) + "\r")
    assert "\n" not in terminal.getvalue()


def test_a_shorter_line_covers_a_longer_one():
    terminal = Terminal()
    bar = TerminalProgress(terminal)

    bar("saliency", 0.9)
    bar("read", 0.9)

    longer, shorter = terminal.getvalue().split("\r")[1:]
    assert len(shorter) == len(longer)


def test_a_bar_that_was_never_drawn_is_not_cleared():
    terminal = Terminal()

    TerminalProgress(terminal).clear()

    assert terminal.getvalue() == ""


def test_every_stage_has_words():
    assert set(STAGE_ENDS) <= set(STAGE_WORDS)  # those of a cohort have words, too


def test_progress_goes_to_who_looks(monkeypatch):
    speaker = JsonLines(io.StringIO())
    assert progress_for(speaker) == speaker.stage
    monkeypatch.setattr("sys.stderr", Terminal())
    assert isinstance(progress_for(None), TerminalProgress)
    assert progress_for(None, is_quiet=True) is None
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert progress_for(None) is None
    monkeypatch.setattr("sys.stderr", None)
    assert progress_for(None) is None


@pytest.mark.parametrize("speaker", [None, JsonLines(Closed())])
def test_an_error_that_nobody_can_hear_is_no_second_error(monkeypatch, speaker):
    monkeypatch.setattr("sys.stderr", Closed())

    assert announce_error(InputError("nobody hears this"), speaker) is None


class Clock:
    """The time as a test sets it."""

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


def test_what_follows_from_a_refusal_is_not_told_with_it(clock):
    log = io.StringIO()
    codes = ("not_t1", "unlike_training", "mask_leaks", "wide_gaps")
    BatchProgress(log, clock)(replace(REFUSED, findings=codes), False, 1, 5)
    assert log.getvalue().splitlines()[0] == "b.nii: refused (not_t1, wide_gaps)"


def test_a_terminal_shows_one_line_that_goes_away(clock):
    terminal = Terminal()
    progress = BatchProgress(terminal, clock)
    progress(PREDICTED, False, 1, 2)
    progress.clear()
    assert terminal.getvalue() == "\r1 of 2 scans" + "\r" + " " * 12 + "\r"


def test_who_wants_to_hear_more_hears_of_every_scan(clock):
    log = io.StringIO()
    progress = BatchProgress(log, clock, is_verbose=True)
    progress(PREDICTED, True, 1, 3)
    progress(PREDICTED, False, 2, 3)
    assert log.getvalue() == "a.nii: 60.0 years, pass\n"


def test_a_failure_that_the_list_or_an_earlier_run_left_is_named_a_refusal_is_not(clock):
    log = io.StringIO()
    progress = BatchProgress(log, clock)
    for done, row in enumerate((PREDICTED, REFUSED, FAILED), 1):
        progress(row, True, done, 3)
    assert log.getvalue() == "c.nii does not exist (check the path)\n"


def test_who_wants_quiet_hears_of_failures_alone(clock):
    terminal = Terminal()
    progress = BatchProgress(terminal, clock, is_quiet=True)
    for done, row in enumerate((PREDICTED, FAILED), 1):
        progress(row, False, done, 2)
    assert terminal.getvalue() == "c.nii does not exist (check the path)\n"


def test_no_name_of_a_file_acts_on_the_terminal(clock, capsys):
    name = "\x1b[2Jc\n.nii"
    log = io.StringIO()
    failed = ResultRow(name, exit_code=2, error=f"{name!r} is no image")
    BatchProgress(log, clock)(failed, False, 1, 2)
    announce_error(InputError(f"{name} is no table", "", (name,)), None)
    assert log.getvalue() == "?[2Jc .nii: '\\x1b[2Jc\\n.nii' is no image\n"
    assert capsys.readouterr().err == "brainage: error: ?[2Jc .nii is no table\n  ?[2Jc .nii\n"
