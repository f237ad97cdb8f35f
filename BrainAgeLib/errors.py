"""The one kind of error that people see."""

from __future__ import annotations


class BrainAgeError(Exception):
    """Something went wrong that the user can understand and usually mend.

    ``message`` says what is wrong, ``hint`` what to do, ``exit_code`` is what the command line
    returns: 2 for a usage error or an unreadable input, 4 for a fault of the machine or of ours.
    """

    exit_code = 4

    def __init__(self, message: str, hint: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class InputError(BrainAgeError):
    """The call or the input cannot be used as given."""

    exit_code = 2


class InstallationError(BrainAgeError):
    """A part of this installation is missing, damaged or of the wrong version."""

    exit_code = 4


class FullDiskError(BrainAgeError):
    """There is no room for an output: no later one would fit, either."""


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error, of Python, torch or ITK, means that the memory is used up."""
    words = ("bad_alloc", "can't allocate memory", "not enough memory", "Failed to allocate memory")
    is_said = isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    return isinstance(error, MemoryError) or is_said
