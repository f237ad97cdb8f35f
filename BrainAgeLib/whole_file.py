"""Writing a file so that it is either whole or was never there.

A file appears under its own name only when all of it is on the disk: it is written under a
temporary name beside it, and renamed.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from BrainAgeLib.errors import BrainAgeError, FileInUseError, FullDiskError

TEMPORARY_PREFIX = ".brainage-"
FULL_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT)
# Of Windows, where nobody can rename, replace or remove what another program has open: access
# denied, sharing violation, lock violation. No other system's errors have such a number.
IN_USE_ERRORS = (5, 32, 33)
# A virus scanner, an indexer or a backup lets go of a new file soon, a person's program does not.
PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8)
DEVICES = re.compile(r"con|prn|aux|nul|(com|lpt)\d", re.IGNORECASE)
LONGEST_WINDOWS_PATH = 259


@contextmanager
def written_atomically(target: Path) -> Iterator[Path]:
    """Give a path beside ``target`` to write to; at the end it takes the name of ``target``.

    The path has the suffixes of ``target``, for writers that choose a format by them. Whatever goes
    wrong inside, an interruption too, ``target`` stays as it was and the temporary file is removed.

    Raises BrainAgeError when the operating system refuses to write, a full disk for one.
    """
    temporary = temporary_name(target)
    try:
        yield temporary
        _flush_to_disk(temporary)
        patiently(lambda: temporary.replace(target))
    except OSError as error:
        raise write_error(error, target) from error
    finally:
        with suppress(OSError):  # what went wrong is to be told, not that this fails, too
            temporary.unlink(missing_ok=True)


def write_atomically(target: Path, content: bytes) -> None:
    """Write ``content`` to ``target``, all of it or nothing.

    Raises BrainAgeError when the operating system refuses to write, a full disk for one.
    """
    with written_atomically(target) as temporary:
        temporary.write_bytes(content)


def temporary_name(target: Path) -> Path:
    """Return a hidden name beside ``target`` that nobody else has."""
    return target.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(4)}-{target.name}")


def patiently(change: Callable[[], object]) -> None:
    """Rename, replace or remove, again and again for a moment where another program holds it."""
    for pause in PAUSES_SECONDS:
        try:
            change()
            return
        except OSError as error:
            if not is_in_use(error):
                raise
        time.sleep(pause)
    change()


def is_in_use(error: OSError) -> bool:
    """Say whether Windows refused since another program has the file, or part of a folder, open."""
    return getattr(error, "winerror", None) in IN_USE_ERRORS


def is_device(name: str) -> bool:
    """Say whether Windows takes a file of that name, whatever its suffix, for a device."""
    return DEVICES.fullmatch(name.partition(".")[0].rstrip()) is not None


def write_error(error: OSError, target: Path) -> BrainAgeError:
    """Say in words why ``target`` could not be written."""
    if error.errno in FULL_DISK_ERRORS:
        return full_disk_error(target)
    if is_in_use(error):
        return FileInUseError(
            f"{target} could not be written: {error.strerror or error}",
            "close the program that has it open, or see that it may be replaced, and run again",
        )
    if os.name == "nt" and len(str(temporary_name(target.absolute()))) > LONGEST_WINDOWS_PATH:
        return BrainAgeError(
            f"{target} could not be written: the path is too long for Windows",
            "choose an output folder with a shorter path",
        )
    return BrainAgeError(
        f"{target} could not be written: {error.strerror or error}",
        "see that the folder is still there and writable, then run again",
    )


def full_disk_error(target: Path) -> BrainAgeError:
    """Return the error for a disk, or a quota, without room for ``target``."""
    return FullDiskError(
        f"the disk is full: {target} could not be written", "free some space and run again"
    )


def _flush_to_disk(file: Path) -> None:
    # Network disks and quotas may report that there is no room only now.
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())
