"""Threads are given back; when memory runs out in earnest, there is one line and the right code."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
import SimpleITK as sitk
import torch

from BrainAgeLib.process import own_chance, threads
from Testing.library.commands import environment
from Testing.library.outcomes import check_error, names_in

counted_as_on_linux = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="memory is counted as on Linux"
)
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

MULTIPLY = """
import os, resource
from pathlib import Path
import numpy as np
from BrainAgeLib.process import SIDE, take_working_memory

take_working_memory()
square = np.ones((SIDE, SIDE))
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * os.sysconf("SC_PAGE_SIZE") + 8 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
square @ square
"""


@counted_as_on_linux
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

pipeline.read = scarce(pipeline.read)
sys.exit(main(sys.argv[2:]))
"""


@counted_as_on_linux
@pytest.mark.parametrize("megabytes", [0, 8])
def test_memory_that_is_really_gone_is_4(arguments, tmp_path, megabytes):
    arguments = [*arguments, "--device", "cpu", "--threads", "1"]
    command = [sys.executable, "-c", SCARCE, str(megabytes), *arguments]
    done = subprocess.run(command, env=environment(**ONE_THREAD), capture_output=True, text=True)

    outcome = SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr)
    check_error(outcome, 4, "too little memory")
    assert names_in(tmp_path / "out") == set()


def counts():
    """Return how many threads torch and ITK use."""
    return torch.get_num_threads(), sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()


def test_threads_are_given_back_whatever_happens():
    before = counts()

    with pytest.raises(KeyboardInterrupt), threads(7):
        assert counts() == (7, 7)
        raise KeyboardInterrupt

    assert counts() == before
    with threads(None):
        assert counts() == before


def test_the_last_of_several_runs_gives_itk_its_threads_back():
    before = counts()
    inside, may_end = Event(), Event()

    def run():
        with threads(7):
            inside.set()
            may_end.wait(60)

    with ThreadPoolExecutor(1) as pool:
        with threads(7):
            other = pool.submit(run)
            inside.wait(60)
        assert counts() == (before[0], 7)  # the other run is still at it
        may_end.set()
        other.result()

    assert counts() == before


def test_chance_goes_on_where_it_was():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        undisturbed = torch.rand(4)
        torch.manual_seed(3)
        begun = torch.rand(2)
        with pytest.raises(KeyboardInterrupt), own_chance():
            torch.manual_seed(8)
            torch.rand(5)
            raise KeyboardInterrupt

        assert torch.equal(torch.cat([begun, torch.rand(2)]), undisturbed)
