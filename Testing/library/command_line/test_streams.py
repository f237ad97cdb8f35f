"""Streams that are closed, full or gone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from BrainAgeLib.command_line.streams import can_be_flushed
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
