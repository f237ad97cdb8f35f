"""A named device is there or refused; ``auto`` finds one and leaves it when it is too small."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.errors import BrainAgeError, InputError
from BrainAgeLib.model.devices import DeviceInUse, halved_numbers, resolve_device


@pytest.fixture
def machine(monkeypatch):
    """Return a function that pretends which accelerators this machine has."""

    def pretend(cuda=0, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    pretend()
    return pretend


@pytest.mark.parametrize(
    ("cuda", "mps", "device"), [(0, False, "cpu"), (2, False, "cuda:0"), (0, True, "cpu")]
)
def test_auto_takes_what_there_is(machine, cuda, mps, device):
    machine(cuda, mps)

    assert resolve_device("auto") == device


def test_a_named_device_that_is_there(machine):
    machine(cuda=2, mps=True)

    assert [resolve_device(name) for name in ("cpu", "cuda", "cuda:1", "mps")] == [
        "cpu",
        "cuda:0",
        "cuda:1",
        "mps",
    ]


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
@pytest.mark.usefixtures("machine")
def test_a_named_device_that_is_absent(name):
    with pytest.raises(InputError, match=f"the device {name} is not available") as caught:
        resolve_device(name)

    assert caught.value.exit_code == 2


def test_a_number_beyond_the_devices(machine):
    machine(cuda=2)

    with pytest.raises(InputError, match="2 CUDA devices were found"):
        resolve_device("cuda:2")


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "CPU", "cpu:0", "tpu:1"])
def test_a_device_that_does_not_exist(machine, name):
    machine(cuda=8, mps=True)

    with pytest.raises(InputError, match="unknown device"):
        resolve_device(name)


def too_large_for_the_gpu(device):
    """Stand for work that only fits into the CPU's memory."""
    if device != "cpu":
        raise torch.OutOfMemoryError("CUDA out of memory")
    return f"done on {device}"


def test_auto_falls_back_to_the_cpu_and_stays_there(machine):
    machine(cuda=1)
    device = DeviceInUse("auto")

    assert device.run(too_large_for_the_gpu) == "done on cpu"

    assert device.fell_back
    assert device.name == "cpu"
    assert device.run(lambda name: name) == "cpu"


@pytest.mark.parametrize(
    "words",
    [
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    ],
)
def test_memory_that_other_programs_took_is_told_by_the_words(machine, words):
    machine(cuda=1)

    def work(device):
        if device != "cpu":
            raise RuntimeError(words)
        return device

    assert DeviceInUse("auto").run(work) == "cpu"


def test_a_named_device_does_not_fall_back(machine):
    machine(cuda=1)
    device = DeviceInUse("cuda")

    with pytest.raises(BrainAgeError, match="the device cuda:0 has too little memory") as caught:
        device.run(too_large_for_the_gpu)

    assert caught.value.exit_code == 4
    assert not device.fell_back


def test_other_errors_pass(machine):
    machine(cuda=1)

    def broken(_device):
        raise RuntimeError("a fault of ours")

    with pytest.raises(RuntimeError, match="a fault of ours"):
        DeviceInUse("auto").run(broken)


@pytest.mark.parametrize(
    "error",
    [
        NotImplementedError("The operator 'aten::grid_sampler_3d' is not implemented"),
        TypeError("Cannot convert a MPS Tensor to float64 dtype"),
        RuntimeError("Conv3D is not supported on MPS"),
    ],
)
def test_what_apples_gpu_cannot_do_is_said(machine, error):
    machine(mps=True)

    def unknown_there(_device):
        raise error

    with pytest.raises(BrainAgeError, match="the device mps lacks what the models need"):
        DeviceInUse("mps").run(unknown_there)


def test_too_little_memory_on_the_cpu_is_no_endless_fall(machine):
    def too_large(_device):
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(BrainAgeError, match="the device cpu has too little memory"):
        DeviceInUse("auto").run(too_large)


@pytest.mark.parametrize(("instructions", "halved"), [("AVX512", True), ("AVX2", False)])
def test_training_on_a_cpu_halves_numbers_only_where_that_saves_time(
    monkeypatch, instructions, halved
):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: instructions)

    with halved_numbers("cpu"):
        assert torch.is_autocast_enabled("cpu") is halved
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize(("generation", "halved"), [((9, 0), True), ((7, 5), False)])
def test_so_does_training_on_a_gpu(monkeypatch, generation, halved):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: generation)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)

    with halved_numbers("cuda:0"):
        assert torch.is_autocast_enabled("cuda") is halved
