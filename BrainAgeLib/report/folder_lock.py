"""One run at a time in one output folder.

The lock is the operating system's, on a file in the folder: whatever ends a run, a kill or a power
cut too, gives it back, and the file that is left means nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from BrainAgeLib.errors import InputError

LOCK_NAME = ".brainage-lock"


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Keep other runs out of ``folder`` meanwhile.

    Raises InputError when another run is at work there. A file system without locks has none.
    """
    path = folder / LOCK_NAME
    handle = _open_and_lock(path)
    try:
        yield
    finally:
        if os.name == "nt":
            os.close(handle)  # Windows removes no file that is open
            path.unlink(missing_ok=True)
        else:
            path.unlink(missing_ok=True)  # while it is ours: afterwards it may be another's
            os.close(handle)


def _open_and_lock(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(handle, path)
            if os.name == "nt" or _is_still(handle, path):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # its owner ended and removed it between our two steps


def _is_still(handle: int, path: Path) -> bool:
    """Say whether the open file is the one that has the name."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _lock(handle: int, path: Path) -> None:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise InputError(
            f"another run is writing into {path.parent}",
            "wait until it has ended, or choose another output folder",
        ) from error
    except OSError:
        pass  # some network disks have no locks
