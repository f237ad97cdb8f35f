"""When memory runs out in earnest: one line and the right code, not an end without a word."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from Testing.library.commands import environment
from Testing.library.outcomes import check_error, names_in

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="memory is counted as on Linux"
)
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

MULTIPLY = """
import os, resource
from pathlib import Path
import numpy as np
from BrainAgeLib.working_memory import SIDE, take_working_memory

take_working_memory()
square = np.ones((SIDE, SIDE))
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * os.sysconf("SC_PAGE_SIZE") + 8 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
square @ square
"""


def test_a_product_has_its_memory_when_there_is_no_other():
    done = subprocess.run(
        [sys.executable, "-c", MULTIPLY], env=environment(**ONE_THREAD), capture_output=True
    )

    assert (done.returncode, done.stderr) == (0, b"")


SCARCE = """
import os, resource, sys
from pathlib import Path
from BrainAgeLib import pipeline
from BrainAgeLib.command_line.main import main

def scarce(work):
    def work_with_little(*arguments, **options):
        found = work(*arguments, **options)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * os.sysconf("SC_PAGE_SIZE") + int(sys.argv[1]) * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        return found
    return work_with_little

pipeline.read_scan = scarce(pipeline.read_scan)
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("megabytes", [0, 8])
def test_memory_that_is_really_gone_is_4(arguments, tmp_path, megabytes):
    arguments = [*arguments, "--device", "cpu", "--threads", "1"]
    command = [sys.executable, "-c", SCARCE, str(megabytes), *arguments]
    done = subprocess.run(
        command, env=environment(**ONE_THREAD), capture_output=True, text=True, timeout=240
    )

    outcome = SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr)
    check_error(outcome, 4, "too little memory")
    assert names_in(tmp_path / "out") == set()
