"""A folder that a run writes into: made with those above it, tried, and one run's at a time."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from BrainAgeLib.errors import BrainAgeError, InputError
from BrainAgeLib.whole_file import FULL_DISK_ERRORS, full_disk_error, temporary_name

logger = logging.getLogger(__name__)
LOCK_NAME = ".brainage-lock"
PROBE_NAME = "probe"
PROBE_BYTES = 4096  # an empty file fits on a full disk


def make_output_folder(path: Path) -> None:
    """Make a folder, and those above it, if need be and see that it takes files.

    Raises InputError when it cannot be made or written to, FullDiskError when the disk is full.
    """
    _make(path)
    _try_to_write(path)


def refuse_to_overwrite(
    given: Path,
    files: Iterable[Path],
    what: str = "the table",
    hint: str = "choose another output folder",
) -> None:
    """Raise InputError where ``given``, which a run reads, is one of the files that it writes."""
    for file in files:
        if is_there(file) and is_there(given) and file.samefile(given):
            raise InputError(f"{what} {given} lies where this run writes its {file.name}", hint)


def is_there(path: Path) -> bool:
    """Say whether there is something; not so of what nobody may look for, or of too long a name."""
    try:
        return path.exists()
    except OSError:  # whoever goes on to write or read there is told why not
        return False


def are_one_path(one: str, other: str) -> bool:
    """Say whether two paths lead to one file or folder: by "..", say, or through a link."""
    try:
        return one == other or Path(one).samefile(other)
    except OSError:
        return False


def tell_of_others(folder: Path, names: Iterable[str], marks: Iterable[str]) -> None:
    """Warn of files in ``folder`` that a run is about to replace and that are none of its own.

    ``marks``: names that are all there after an earlier run; then nothing is said.
    """
    if not all((folder / mark).is_file() for mark in marks):
        there = [name for name in names if (folder / name).is_file()]
        if there:
            logger.warning("%s", replaced_words(there, folder, "replaced"))


def replaced_words(names: list[str], folder: Path, what: str) -> str:
    """Return 'report.html and thumbnail.png in v1 were replaced'."""
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"{listed} in {folder} {'was' if len(names) == 1 else 'were'} {what}"


@contextmanager
def removed_if_it_fails(path: Path) -> Iterator[None]:
    """Remove a folder, and those above it, again if they are made inside, where a run fails.

    What is not empty stays.
    """
    missing = [folder for folder in (path, *path.parents) if not is_there(folder)]
    try:
        yield
    except BaseException:
        with suppress(OSError):  # it holds something, or another run is at work in it
            for folder in missing:
                folder.rmdir()
        raise


@contextmanager
def folder_lock(folder: Path, part: str = "") -> Iterator[None]:
    """Keep other runs out of ``folder``, or out of that part of its work, meanwhile.

    The lock is the operating system's, on a file in the folder: whatever ends a run, a kill or a
    power cut too, gives it back, and a file that is left means nothing. Raises InputError when
    another run is at work there. A file system without locks has none.
    """
    from filelock import FileLock, Timeout

    path = folder / f"{LOCK_NAME}{part and f'-{part}'}"
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"another run is writing into {folder}",
            "wait until it has ended, or choose another output folder",
        ) from error
    except OSError:
        pass  # some network disks have no locks
    try:
        yield
    finally:
        if os.name != "nt":  # while it is ours: afterwards it may be another's
            _unlink_quietly(path)
        lock.release()
        if os.name == "nt":  # where nobody can remove a file that is open
            _unlink_quietly(path)


def _unlink_quietly(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise InputError(
            f"the output folder {path} is a file", "name a folder, or one to be made"
        ) from None
    except (NotADirectoryError, FileNotFoundError):
        # Systems differ in which of the two they say: below a file, of a name that Windows does not
        # take, and wherever no folder can be made, as in /proc or on a drive that is not there.
        above = _lowest_existing(path)
        if above.exists() and not above.is_dir():
            why, hint = f"{above} is no folder", "mend the path"
        else:
            there = above.is_dir()
            why = f"{above} takes no folders" if there else f"there is no {above}"
            hint = "choose another place or name" if there else "mend the path"
        raise InputError(f"the output folder {path} cannot be made: {why}", hint) from None
    except OSError as error:
        raise _folder_error(error, path, "cannot be made") from error


def _lowest_existing(path: Path) -> Path:
    """Return the nearest that is there; on Windows a whole drive may be missing."""
    above = path.absolute().parents
    return next((each for each in above if each.exists()), above[-1])


def _try_to_write(path: Path) -> None:
    # Permission bits do not tell: root, network shares and read-only disks do not follow them.
    try:
        probe = temporary_name(path / PROBE_NAME)
        try:
            probe.write_bytes(bytes(PROBE_BYTES))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise _folder_error(error, path, "is not writable") from error


def _folder_error(error: OSError, path: Path, what: str) -> BrainAgeError:
    if error.errno in FULL_DISK_ERRORS:
        return full_disk_error(path)
    return InputError(
        f"the output folder {path} {what}: {error.strerror or error}",
        "choose another folder or change its permissions",
    )
