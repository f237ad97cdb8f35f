"""A scan goes from room to room: what was done to it in one is not done in a later one."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from BrainAgeLib.gate.gate import measure
from BrainAgeLib.model.ensemble import Ensemble
from BrainAgeLib.options import Options
from BrainAgeLib.pipeline import run
from Testing.library.walls import LIBRARY

# What all rooms speak in: places in the world and on the grid, what the template made of a scan.
WORDS = {"scan/geometry.py", "template/grid.py", "template/scan_maps.py"}
# What makes that.
MAKERS = {"maps_of_scan", "volume_of_slices", "aligned_volumes", "covers_the_brain"}


@contextmanager
def run_below(function):
    """Give the files of the library and the names of its functions that run in ``function``."""
    begun, found = [], set()

    def hear(frame, event, _argument):
        code, file = frame.f_code, Path(frame.f_code.co_filename)
        if event == "call" and code is function.__code__:
            begun.append(frame)
        if event == "call" and begun and LIBRARY in file.parents:
            found.update((file.relative_to(LIBRARY).as_posix(), code.co_name))
        if event == "return" and begun and begun[-1] is frame:
            begun.pop()

    before = sys.getprofile()
    sys.setprofile(hear)
    try:
        yield found
    finally:
        sys.setprofile(before)


@pytest.fixture
def options(small_model):
    """Return the options of a scan that is in template space."""
    return Options(
        model=str(small_model), in_template_space=True, device="cpu", saliency=False, force=True
    )


def test_the_models_take_what_the_template_made_of_a_scan(brain_file, options):
    run(brain_file, options)  # what is made of the template itself is made once

    with run_below(Ensemble.raw_age) as below:
        run(brain_file, options)

    assert {"model/network.py", "model/regional.py", "model/brain_maps.py"} <= below
    assert not {name for name in below if name.startswith(("scan/", "template/"))} - WORDS
    assert below.isdisjoint(MAKERS)


def test_the_gate_asks_no_model(brain_file, options):
    with run_below(measure) as below:
        run(brain_file, options)

    assert {"gate/contrast.py", "gate/trust.py"} <= below
    assert not {name for name in below if name.startswith("model/")}
