"""Streams that are closed, full or gone, and how much is said."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys

import pytest

from BrainAgeLib.command_line.streams import can_be_flushed, heard
from Testing.library.commands import environment

OPEN_ONE = """
import os, sys
from BrainAgeLib.command_line.streams import open_closed_streams
open_closed_streams()
handle = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
print("to nobody", flush=True)
os.write(1, b"a library")
os.write(handle, b"the file")
sys.exit(handle)
"""


@pytest.mark.skipif(os.name == "nt", reason="streams of POSIX")
def test_nothing_is_printed_into_the_next_file(tmp_path):
    def close():
        for number in (0, 1, 2):
            os.close(number)

    command = [sys.executable, "-c", OPEN_ONE, str(tmp_path / "file")]
    done = subprocess.run(command, env=environment(), preexec_fn=close, check=False)

    assert done.returncode > 2
    assert (tmp_path / "file").read_text("utf-8") == "the file"


SAY_A_PATH = """
import sys
from BrainAgeLib.command_line import main, models_command
models_command.version_text = lambda: "/tmp/\u7ed3\u679c \u2013 \u2192"
sys.exit(main.main(["--version"]))
"""


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1:strict", "ascii"])
def test_what_a_stream_has_no_letters_for_is_written_in_numbers(encoding):
    done = subprocess.run(
        [sys.executable, "-c", SAY_A_PATH],
        env=environment(PYTHONIOENCODING=encoding),
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"/tmp/\u7ed3\u679c" in done.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device here")  # noqa: PTH110
def test_a_full_stream_cannot_be_flushed(tmp_path):
    with (tmp_path / "file").open("w", encoding="utf-8") as stream:
        stream.write("text")
        assert can_be_flushed(stream)
    stream = os.fdopen(os.open("/dev/full", os.O_WRONLY), "w")
    stream.write("text")
    assert not can_be_flushed(stream)
    with pytest.raises(OSError, match="No space left"):
        stream.close()


LOG = logging.getLogger("BrainAgeLib")


@pytest.mark.parametrize(
    ("how", "told", "printed"),
    [
        ({}, ["brainage: warning: this matters"], "the result\n"),
        (
            {"is_verbose": True},
            ["brainage: info: a stage is done", "brainage: warning: this matters"],
            "the result\n",
        ),
        ({"is_quiet": True}, [], ""),
        ({"is_quiet": True, "is_for_programs": True}, [], "the result\n"),
    ],
    ids=["usual", "verbose", "quiet", "quiet for programs"],
)
def test_how_much_is_said(capsys, how, told, printed):
    usual = {"is_verbose": False, "is_quiet": False, "is_for_programs": False}
    with heard(**usual | how):
        logging.getLogger("BrainAgeLib.stages").info("a stage\nis done")
        logging.getLogger("BrainAgeLib.model").warning("this matters")
        print("the result")

    outcome = capsys.readouterr()
    assert outcome.err.splitlines() == told
    assert outcome.out == printed


def test_the_log_is_given_back():
    handlers, level = list(LOG.handlers), LOG.level

    with heard(is_verbose=True, is_quiet=False, is_for_programs=False):
        assert LOG.handlers != handlers

    assert (LOG.handlers, LOG.level) == (handlers, level)


def test_a_record_takes_the_place_of_a_line_that_moves(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    with heard(is_verbose=False, is_quiet=False, is_for_programs=False):
        sys.stderr.write("[###...] reading the scan")
        LOG.warning("this matters")

    shown = sys.stderr.getvalue().split("\r")
    assert len(shown[1]) > len(shown[0])
    assert shown[1].isspace()
    assert shown[2] == "brainage: warning: this matters\n"
