"""The one kind of error that people see, and the exit codes of the command line."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the command line returns, and what a scan's row in ``results.csv`` says of it."""

    DONE = 0
    UNUSABLE_INPUT = 2  # a usage error, or a scan that cannot be read
    REFUSED = 3  # by the quality gate
    FAULT = 4  # of the machine, of the installation or of ours
    SOME_WITHOUT_AGE = 5  # of a batch
    INTERRUPTED = 130

    def __str__(self) -> str:
        return str(self.value)


class BrainAgeError(Exception):
    """Something went wrong that the user can understand and usually mend.

    ``message`` says what is wrong, ``hint`` what to do, ``details`` are lines to list below.
    """

    exit_code = ExitCode.FAULT

    def __init__(self, message: str, hint: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class InputError(BrainAgeError):
    """The call or the input cannot be used as given."""

    exit_code = ExitCode.UNUSABLE_INPUT


class InstallationError(BrainAgeError):
    """A part of this installation is missing, damaged or of the wrong version."""


class FullDiskError(BrainAgeError):
    """There is no room for an output: no later one would fit, either."""


class FileInUseError(BrainAgeError):
    """Another program has a file open, as on Windows nobody can replace it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error, of Python, torch, oneDNN or ITK, means that the memory is used up."""
    words = [
        *("bad_alloc", "can't allocate memory", "not enough memory", "Failed to allocate memory"),
        "could not create a primitive",  # oneDNN, which says no more
    ]
    is_said = isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    return isinstance(error, MemoryError) or is_said


def printable(text: str) -> str:
    """Return a path or another text from outside as one line that any terminal can show."""
    return "".join(character if character.isprintable() else "?" for character in text)
