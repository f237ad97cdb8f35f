"""What tests of several parts of the library start from."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from BrainAgeLib.command_line.main import main
from BrainAgeLib.model.ensemble import DEFAULT_MODEL
from BrainAgeLib.resources import installed_models, sample_scan
from BrainAgeLib.scan.geometry import sitk_from_volume
from BrainAgeLib.template.scan_maps import ScanMaps, maps_of_scan
from BrainAgeLib.template.slices import SliceSet, TemplateMaps
from BrainAgeLib.template.template import load_template
from BrainAgeLib.training.simulate import as_slices
from Testing.library.commands import run_brainage, without_network
from Testing.library.model_folders import write_small_model
from Testing.library.phantoms import template_brain, thick_slices_of, write_volume
from Testing.library.stored_scans import quick_alignment, stored_scan


@dataclass(frozen=True)
class Outcome:
    """What came of one run of the command."""

    code: int
    out: str
    err: str
    folder: Path | None = None


@pytest.fixture(scope="session")
def template():
    """Return the bundled template."""
    return load_template()


@pytest.fixture(scope="session")
def maps(template):
    """Return the template as tensors on the CPU."""
    return TemplateMaps(template)


@pytest.fixture(scope="module")
def aligned_quickly() -> Iterator[None]:
    """Let a module that does not look at how well scans are aligned align them in few steps."""
    with quick_alignment():
        yield


@pytest.fixture(scope="session")
def noise_slices() -> SliceSet:
    """Return slices of noise that cover the brain."""
    return as_slices(stored_scan(21), "cpu")


@pytest.fixture(scope="module")
def noise_maps(noise_slices) -> ScanMaps:
    """Return what the models see of them, aligned as the module aligns."""
    return maps_of_scan(noise_slices)


@pytest.fixture(scope="session")
def thick_brain():
    """Return the template's brain as a routine scan: tilted axial slices, 6 mm apart."""
    return thick_slices_of(template_brain())


@pytest.fixture(scope="session")
def image(thick_brain):
    """Return the same scan as an image in memory."""
    return sitk_from_volume(thick_brain)


@pytest.fixture(scope="session")
def brain_file(thick_brain, tmp_path_factory):
    """Return the file of a brain-extracted scan whose world coordinates are MNI152."""
    return write_volume(thick_brain, tmp_path_factory.mktemp("scans") / "brain.nii.gz")


@pytest.fixture(scope="session")
def small_model(tmp_path_factory):
    """Return the folder of a small model with random weights."""
    return write_small_model(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def model_arguments(small_model):
    """Return the options that choose a model: none when one is bundled."""
    return [] if DEFAULT_MODEL in installed_models() else ["--model", str(small_model)]


@pytest.fixture(scope="session")
def full_job(model_arguments, tmp_path_factory) -> Outcome:
    """Return what came of the whole job on the bundled sample, for a user without a network.

    It is done once, however many processes run tests.
    """
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "full_job"
    folder, said = place / "output", place / "said.json"
    place.mkdir(exist_ok=True)
    with FileLock(place / "lock"):
        if not said.exists():
            person = ("--age", "30", "--sex", "M")
            done = run_brainage(
                *("predict", sample_scan(), "--output", folder, *person, *model_arguments),
                env=without_network(tmp_path_factory.mktemp("offline")),
            )
            said.write_text(json.dumps([done.returncode, done.stdout, done.stderr]), "utf-8")
    return Outcome(*json.loads(said.read_text("utf-8")), folder)


@pytest.fixture
def brainage(capsys) -> Callable[..., Outcome]:
    """Return the command, run within this process."""

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as exit_:
            code = exit_.code
        return Outcome(code, *capsys.readouterr())

    return call


@pytest.fixture
def fast(brain_file, small_model):
    """Return the arguments of a run that takes no time: in template space, numbers only."""
    return [
        *("predict", brain_file, "--in-template-space", "--model", small_model),
        *("--no-saliency", "--no-report"),
    ]


@pytest.fixture
def arguments(fast, tmp_path):
    """Return the arguments of a quick run that writes into a new folder, a report too."""
    return [*map(str, fast[:-1]), "--output", str(tmp_path / "out")]


@pytest.fixture
def in_place(small_model):
    """Return the options of a run in template space without a map."""
    return {"in_template_space": True, "model": str(small_model), "saliency": False}
