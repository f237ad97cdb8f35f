"""A folder is made and tried before the work, and one run at a time has it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from BrainAgeLib.errors import BrainAgeError, InputError
from BrainAgeLib.run_folder import (
    LOCK_NAME,
    folder_lock,
    make_output_folder,
    refuse_to_overwrite,
    removed_if_it_fails,
)
from Testing.library.commands import environment

HOLD = """
import sys, time
from pathlib import Path
from BrainAgeLib.run_folder import folder_lock
with folder_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""
needs_posix = pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")


def disk_full(*_arguments: object, **_keywords: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_output_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match="is a file"):
        make_output_folder(tmp_path / "out")


def test_output_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is no folder"):
        make_output_folder(tmp_path / "file" / "out")


def test_output_folder_with_too_long_a_name(tmp_path: Path) -> None:
    out = tmp_path / ("x" * 300) / "out"
    refuse_to_overwrite(tmp_path, [out / "report.html"])
    with (
        pytest.raises(InputError, match="cannot be made: File name too long"),
        removed_if_it_fails(out),
    ):
        make_output_folder(out)


def test_folders_above_it_are_made(tmp_path: Path) -> None:
    make_output_folder(tmp_path / "study" / "wave 2" / "out")
    assert (tmp_path / "study" / "wave 2" / "out").is_dir()


def test_a_run_that_fails_takes_away_the_folders_that_it_made(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    out = tmp_path / "study" / "wave 2" / "out"
    with pytest.raises(KeyboardInterrupt), removed_if_it_fails(out):
        make_output_folder(out)
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == [tmp_path / "study"]
    assert not list((tmp_path / "study").iterdir())


def test_a_run_that_fails_leaves_what_others_put_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "wave 2" / "out"
    with pytest.raises(InputError), removed_if_it_fails(out):
        make_output_folder(out)
        (tmp_path / "wave 2" / "notes.txt").write_text("mine")
        raise InputError("no scan")
    assert [path.name for path in (tmp_path / "wave 2").iterdir()] == ["notes.txt"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a system without that folder")
def test_a_place_that_takes_no_folders_is_named() -> None:
    with pytest.raises(InputError, match="/proc takes no folders"):
        make_output_folder(Path("/proc/out/of/reach"))


def test_a_drive_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a missing drive Windows says that there is no such path, up to its letter."""

    def missing(*_arguments: object, **_keywords: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "The system cannot find the path specified")

    monkeypatch.setattr(Path, "mkdir", missing)
    for method in ("exists", "is_dir", "is_file"):
        monkeypatch.setattr(Path, method, lambda _path: False)
    with pytest.raises(InputError, match=f"cannot be made: there is no {tmp_path.anchor}"):
        make_output_folder(tmp_path / "out")


def test_a_name_that_the_system_does_not_take_is_no_file_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a name with a colon Windows says that it is no folder, as others say of a file above."""

    def invalid(*_arguments: object, **_keywords: object) -> None:
        raise NotADirectoryError(errno.ENOTDIR, "The directory name is invalid")

    monkeypatch.setattr(Path, "mkdir", invalid)
    with pytest.raises(InputError, match="takes no folders") as caught:
        make_output_folder(tmp_path / "10:30")
    assert caught.value.hint == "choose another place or name"


@pytest.mark.parametrize("method", ["mkdir", "write_bytes"])
def test_output_folder_that_may_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def forbidden(*_arguments: object, **_keywords: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, method, forbidden)
    with pytest.raises(InputError, match="Permission denied") as caught:
        make_output_folder(tmp_path / "out")
    assert caught.value.exit_code == 2


def test_full_disk_shows_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "write_bytes", disk_full)
    with pytest.raises(BrainAgeError, match="the disk is full") as caught:
        make_output_folder(tmp_path)
    assert caught.value.exit_code == 4


@needs_posix
def test_nobody_else_gets_the_folder_meanwhile(tmp_path):
    with folder_lock(tmp_path):
        with pytest.raises(InputError, match="another run is writing into"), folder_lock(tmp_path):
            pass
        assert [path.name for path in tmp_path.iterdir()] == [LOCK_NAME]
    assert not list(tmp_path.iterdir())
    with folder_lock(tmp_path):
        pass


@needs_posix
def test_an_error_gives_it_back(tmp_path):
    with pytest.raises(KeyboardInterrupt), folder_lock(tmp_path):
        raise KeyboardInterrupt

    assert not list(tmp_path.iterdir())


@needs_posix
def test_a_killed_run_holds_nothing(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    other = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "locked\n"
    with pytest.raises(InputError), folder_lock(tmp_path):
        pass
    other.send_signal(signal.SIGKILL)
    other.wait()
    other.stdout.close()

    assert (tmp_path / LOCK_NAME).exists()
    with folder_lock(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


@needs_posix
def test_a_disk_without_locks_has_none(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with folder_lock(tmp_path), folder_lock(tmp_path):
        pass


@needs_posix
def test_parts_of_the_work_have_locks_of_their_own(tmp_path):
    with (
        folder_lock(tmp_path, "fold-1"),
        folder_lock(tmp_path, "fold-2"),
        pytest.raises(InputError, match="another run"),
        folder_lock(tmp_path, "fold-1"),
    ):
        pass
    assert not list(tmp_path.iterdir())
