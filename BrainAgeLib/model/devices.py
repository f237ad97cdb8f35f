"""Where the networks run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from BrainAgeLib.errors import BrainAgeError, InputError
from BrainAgeLib.options import AUTOMATIC_DEVICE

logger = logging.getLogger(__name__)
Value = TypeVar("Value")
# Where torch's own account of the memory has room, and the driver or cuBLAS and cuDNN have none.
FULL = ("out of memory", "cublas_status_alloc_failed", "cudnn_status_alloc_failed")


def resolve_device(name: str) -> str:
    """Return the torch device for ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    Raises InputError for a named device that is absent. ``auto`` takes CUDA where it is and else
    the CPU: on Apple's GPUs nobody has tried this, and PyTorch lacks numbers of 64 bits there.
    """
    if name == AUTOMATIC_DEVICE:
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if name == "cpu":
        return name
    if name == "mps":
        if torch.backends.mps.is_available():
            return name
        raise InputError("the device mps is not available", "use --device auto or cpu")
    if kind != "cuda" or (number and not number.isdigit()) or name.endswith(":"):
        raise InputError(f"unknown device {name!r}", "use auto, cpu, cuda, cuda:N or mps")
    index = int(number or 0)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if index >= count:
        raise InputError(
            f"the device {name} is not available: {count} CUDA devices were found",
            "use --device auto or cpu",
        )
    return f"cuda:{index}"


def _is_full(error: Exception) -> bool:
    """Say whether a device has no memory left: as torch says it, or CUDA's libraries below it."""
    said = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or any(words in said for words in FULL)


def halved_numbers(device: str) -> torch.autocast:
    """Return the context in which training's networks use 16 bits, where that saves time.

    A CPU without the instructions for it takes nine times as long by them as with 32 bits (measured
    with AVX2 alone), one that has them half as long; an NVIDIA GPU has them from Ampere on.
    """
    kind = torch.device(device).type
    if kind == "cpu":
        saves_time = torch.backends.cpu.get_cpu_capability() == "AVX512"
    else:
        saves_time = kind != "cuda" or torch.cuda.get_device_capability(device) >= (8, 0)
    return torch.autocast(kind, torch.bfloat16, enabled=saves_time)


class DeviceInUse:
    """The device of one job. With ``auto``, work that does not fit into GPU memory goes to the CPU.

    ``fell_back`` says that this happened.
    """

    def __init__(self, name: str) -> None:
        self.name = resolve_device(name)
        self.fell_back = False
        self._may_fall_back = name == AUTOMATIC_DEVICE and self.name != "cpu"

    def run(self, work: Callable[[str], Value]) -> Value:
        """Return ``work(device)``; on the CPU if the GPU has too little memory for it.

        Raises BrainAgeError when a named device has too little memory or cannot do the work.
        """
        try:
            return work(self.name)
        except (RuntimeError, TypeError) as error:
            if not _is_full(error):
                if self.name != "mps":
                    raise
                # Of what is missing there, some says so by any of these errors.
                said = str(error).partition("\n")[0]
                raise BrainAgeError(
                    f"the device mps lacks what the models need: {said}", "use --device auto or cpu"
                ) from error
            if not self._may_fall_back:
                raise BrainAgeError(
                    f"the device {self.name} has too little memory", "use --device auto or cpu"
                ) from error
        logger.info("%s has too little memory: the CPU takes over", self.name)
        torch.cuda.empty_cache()
        self.name, self.fell_back, self._may_fall_back = "cpu", True, False
        return work(self.name)
