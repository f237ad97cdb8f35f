"""Paths, homes, terminals and streams of all kinds: a run does its job in each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from Testing.library.commands import command_line, environment
from Testing.library.outcomes import COMPLETE, names_in

pytestmark = pytest.mark.skipif(os.name == "nt", reason="names and streams of POSIX")


@pytest.mark.parametrize(
    "name",
    ["with spaces", "Größe é ü ñ", "患者 頭部", "quote'\"&<b>$(x)", "n" * 250, "-leading", "a\tb"],
    ids=["spaces", "accents", "chinese", "quotes", "250", "dash", "tab"],
)
def test_unusual_paths(arguments, brainage, brain_file, tmp_path, name):
    inner = tmp_path / name
    inner.mkdir()
    scan = inner / f"{name[:240]}.nii.gz"
    shutil.copy(brain_file, scan)
    out = inner / f"{name[:245]}.out"

    arguments[1], arguments[-1] = str(scan), str(out)
    outcome = brainage(*arguments)

    assert outcome.code == 0
    assert names_in(out) == COMPLETE
    assert json.loads((out / "prediction.json").read_text("utf-8"))["input"]["path"] == str(scan)
    assert "<b>" not in (out / "report.html").read_text("utf-8")  # the name is escaped


def closed_streams():
    """Close all standard streams of the process that is about to start."""
    for number in (0, 1, 2):
        os.close(number)


def test_no_home_no_terminal_no_streams(arguments, tmp_path):
    bare = {"PYTHONPATH": environment()["PYTHONPATH"], "PATH": os.defpath}
    done = subprocess.run(
        command_line(*arguments, "--threads", 1),
        env=bare,
        cwd="/",
        start_new_session=True,
        preexec_fn=closed_streams,
        check=False,
    )

    assert done.returncode == 0
    assert names_in(tmp_path / "out") == COMPLETE
    assert (tmp_path / "out" / "report.html").read_text("utf-8").endswith("</html>\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device here")  # noqa: PTH110
@pytest.mark.parametrize("options", [[], ["--json-lines"]], ids=["words", "events"])
def test_an_output_stream_that_takes_nothing_is_4(arguments, options):
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123
        done = subprocess.run(
            command_line(*arguments, *options),
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    assert "the disk is full" in done.stderr
