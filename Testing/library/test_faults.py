"""When things go wrong around a run: nothing half written, no hang, one line, the right code."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys

import pytest
import SimpleITK as sitk
import torch

from BrainAgeLib import pipeline
from BrainAgeLib.model import devices
from BrainAgeLib.report.output_folder import output_folder
from BrainAgeLib.resources import resources_folder
from BrainAgeLib.run_folder import LOCK_NAME
from BrainAgeLib.template import registration
from BrainAgeLib.template.harmonisation import harmonising_network
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.sequences import sequence_network
from BrainAgeLib.template.template import load_template
from Testing.library.commands import environment
from Testing.library.model_folders import knowing_model
from Testing.library.outcomes import COMPLETE, check_error, names_in

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and limits of POSIX")


DIE = """
import os, pathlib, signal, sys
from BrainAgeLib.command_line.main import main

moment, count, seen = sys.argv[1], int(sys.argv[2]), 0

def dying(work):
    def work_or_die(*arguments, **options):
        global seen
        seen += 1
        if seen == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*arguments, **options)
    return work_or_die

if moment == "rename":
    pathlib.Path.replace = dying(pathlib.Path.replace)
elif moment == "flush":
    os.fsync = dying(os.fsync)
else:
    from BrainAgeLib import delivery
    delivery.run = dying(delivery.run)
sys.exit(main(sys.argv[3:]))
"""


@pytest.mark.parametrize(
    ("moment", "left"),
    [
        (("work", 1), set()),
        (("rename", 1), set()),
        (("flush", 2), {"brain_mask.nii.gz"}),
        (("rename", 3), {"brain_mask.nii.gz", "report.html"}),
    ],
    ids=lambda value: " ".join(map(str, sorted(value, key=str))),  # sets have no order
)
def test_a_kill_leaves_no_result_and_the_next_run_cleans_up(
    arguments, tmp_path, brainage, moment, left
):
    name, count = moment
    command = [sys.executable, "-c", DIE, name, str(count), *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, check=False)

    assert done.returncode == -9
    names = names_in(tmp_path / "out")
    assert {found for found in names if not found.startswith(".brainage-")} == left
    assert brainage(*arguments).code == 0
    assert names_in(tmp_path / "out") == COMPLETE


@pytest.mark.parametrize("write", range(3))
def test_a_disk_that_fills_up_is_4(arguments, brainage, tmp_path, monkeypatch, write):
    written = []

    def flush(handle):
        written.append(handle)
        if len(written) > write:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", flush)
    outcome = brainage(*arguments)

    check_error(outcome, 4, "the disk is full")
    assert "prediction.json" not in names_in(tmp_path / "out")
    assert not [name for name in names_in(tmp_path / "out") if name.startswith(".")]


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder on a disk of 128 kB, and let it be remounted with other options."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_really_full_is_4(arguments, brainage, small_disk):
    outcome = brainage(*arguments[:-1], small_disk)

    check_error(outcome, 4, "the disk is full")
    assert names_in(small_disk) == {"brain_mask.nii.gz"}  # whole, for it fits


def test_a_folder_that_is_really_read_only_is_2(arguments, brainage, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    check_error(brainage(*arguments[:-1], small_disk), 2, "is not writable")
    check_error(brainage(*arguments[:-1], small_disk / "new"), 2, "cannot be made")


def test_a_file_size_that_is_not_allowed_is_4(arguments, brainage, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        outcome = brainage(*arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    check_error(outcome, 4, "could not be written")
    assert names_in(tmp_path / "out") == {"brain_mask.nii.gz"}


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("Exception thrown in SimpleITK: std::bad_alloc"),
    ],
    ids=["python", "torch", "itk"],
)
def test_too_little_memory_is_4(arguments, brainage, tmp_path, monkeypatch, error):
    def place(*_):
        raise error

    monkeypatch.setattr(pipeline, "place", place)

    check_error(brainage(*arguments), 4, "too little memory")
    assert names_in(tmp_path / "out") == set()


def test_too_little_memory_is_no_failed_registration(thick_brain, template, monkeypatch):
    def execute(*_):
        raise RuntimeError("std::bad_alloc")

    monkeypatch.setattr(sitk.ImageRegistrationMethod, "Execute", execute)
    with pytest.raises(RuntimeError, match="bad_alloc"):
        registration.register_to_template(thick_brain, template)


def test_too_little_memory_of_a_named_gpu_is_4(arguments, brainage, tmp_path, monkeypatch):
    def slices(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(devices, "resolve_device", lambda _name: "cuda:0")
    monkeypatch.setattr(PlacedScan, "slices", slices)

    check_error(brainage(*arguments, "--device", "cuda:0"), 4, "too little memory")
    assert names_in(tmp_path / "out") == set()


@pytest.mark.parametrize(
    "damage",
    [lambda content: content[:-100], lambda content: content[:-1] + b"\x55", lambda _: b""],
)
def test_damaged_weights_are_4(arguments, brainage, small_model, tmp_path, damage):
    model = shutil.copytree(small_model, tmp_path / "model")
    weights = model / "model.safetensors"
    weights.write_bytes(damage(weights.read_bytes()))
    arguments[arguments.index(str(small_model))] = str(model)

    check_error(brainage(*arguments), 4, "are not those of the card")
    assert names_in(tmp_path / "out") == set()


@pytest.fixture
def other_template(tmp_path, monkeypatch):
    """Let the template be another image of the same form."""
    folder = tmp_path / "resources" / "Template"
    shutil.copytree(resources_folder() / "Template", folder)
    image = sitk.ReadImage(str(folder / "T1.nii.gz"))
    sitk.WriteImage(image + 1, str(folder / "T1.nii.gz"))
    monkeypatch.setenv("BRAINAGE_RESOURCES", str(folder.parent))
    load_template.cache_clear()
    yield
    load_template.cache_clear()


@pytest.mark.parametrize("name", ["harmonisation", "enhanced", "t2w_flair"])
def test_a_damaged_harmonisation_is_4_before_any_work(
    arguments, brainage, tmp_path, monkeypatch, name
):
    if name != "harmonisation":  # asked for by a model that reads other sequences
        model = knowing_model(tmp_path / "models")
        arguments[arguments.index("--model") + 1] = str(model)
    folder = tmp_path / "resources" / "Template"
    shutil.copytree(resources_folder() / "Template", folder)
    (folder / f"{name}.safetensors").write_bytes(b"something else")
    monkeypatch.setenv("BRAINAGE_RESOURCES", str(folder.parent))
    harmonising_network.cache_clear()
    sequence_network.cache_clear()

    check_error(brainage(*arguments), 4, "is not the one that the models were trained with")

    assert names_in(tmp_path / "out") == set()


@pytest.mark.usefixtures("other_template")
def test_another_template_is_4(arguments, brainage, tmp_path):
    check_error(brainage(*arguments), 4, "is not the one that the models were trained with")
    assert names_in(tmp_path / "out") == set()


def test_a_second_run_into_a_folder_is_2_and_disturbs_nothing(arguments, brainage, tmp_path):
    with output_folder(tmp_path / "out") as first:
        unfinished = first.path / ".brainage-01020304-report.html"
        unfinished.write_text("half of it", "utf-8")

        check_error(brainage(*arguments), 2, "another run is writing into")

        assert names_in(first.path) == {LOCK_NAME, unfinished.name}
    assert brainage(*arguments).code == 0
    assert names_in(tmp_path / "out") == COMPLETE
