"""Outputs are complete or absent, and nothing that is not ours is touched."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from BrainAgeLib.errors import BrainAgeError, InputError
from BrainAgeLib.report.output_folder import LOCK_NAME, OutputFolder, folder_lock, output_folder
from Testing.library.commands import environment

OURS = (
    "prediction.json",
    "report.html",
    "saliency.nii.gz",
    "brain_mask.nii.gz",
    "to_template.tfm",
    "thumbnail.png",
)
DICOM = ("report.dcm", "page.dcm")
HOLD = """
import sys, time
from pathlib import Path
from BrainAgeLib.report.output_folder import folder_lock
with folder_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""
needs_posix = pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")


def disk_full(*_arguments: object, **_keywords: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def prepared(path: Path, scan: Path | None = None) -> OutputFolder:
    """Return the folder as a run finds it, when that run has ended."""
    with output_folder(path, scan) as folder:
        return folder


def test_prepares_a_new_folder(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "out")
    assert folder.path.is_dir()
    assert names_in(folder.path) == set()
    assert tuple(file.name for file in folder.files) == OURS


def test_dicom_files_in_the_folder_of_the_scan_stay(tmp_path: Path) -> None:
    for name in (*OURS, *DICOM):
        (tmp_path / name).write_text(name)

    prepared(tmp_path, tmp_path)

    assert names_in(tmp_path) == set(DICOM)


def test_removes_only_our_earlier_outputs(tmp_path: Path) -> None:
    foreign = {"notes.txt", "report.pdf", ".brainage-notes", "prediction.json.bak"}
    stale = {".brainage-0a1b2c3d-saliency.nii.gz", ".brainage-0a1b2c3d-prediction.json"}
    for name in (*OURS, *DICOM, *foreign, *stale):
        (tmp_path / name).write_text(name)
    (tmp_path / "sub-01").mkdir()
    prepared(tmp_path)
    assert names_in(tmp_path) == foreign | {"sub-01"}


def test_prediction_is_removed_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    removed = []
    unlink = Path.unlink

    def recorded(path: Path, missing_ok: bool = False) -> None:
        removed.append(path.name)
        unlink(path, missing_ok=missing_ok)

    for name in OURS:
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(Path, "unlink", recorded)
    prepared(tmp_path)
    assert tuple(name for name in removed if name in OURS) == OURS


def test_a_link_is_removed_not_what_it_points_to(tmp_path: Path) -> None:
    precious = tmp_path / "precious.html"
    precious.write_text("mine")
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.html").symlink_to(precious)
    prepared(out)
    assert precious.read_text() == "mine"
    assert names_in(out) == set()


def test_output_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match="is a file"):
        prepared(tmp_path / "out")


def test_output_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is no folder"):
        prepared(tmp_path / "file" / "out")


def test_output_folder_without_a_parent(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        prepared(tmp_path / "typo" / "out")
    assert names_in(tmp_path) == set()


@pytest.mark.parametrize("method", ["mkdir", "write_bytes"])
def test_output_folder_that_may_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def forbidden(*_arguments: object, **_keywords: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, method, forbidden)
    with pytest.raises(InputError, match="Permission denied") as caught:
        prepared(tmp_path / "out")
    assert caught.value.exit_code == 2


def test_full_disk_shows_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "write_bytes", disk_full)
    with pytest.raises(BrainAgeError, match="the disk is full") as caught:
        prepared(tmp_path)
    assert caught.value.exit_code == 4


def test_a_folder_in_the_place_of_an_output(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(InputError, match="cannot be removed: it is a folder"):
        prepared(tmp_path)


def test_the_scan_itself_is_never_removed(tmp_path: Path) -> None:
    scan = tmp_path / "saliency.nii.gz"
    scan.write_bytes(b"a scan by that name")
    with pytest.raises(InputError, match="the scan"):
        prepared(tmp_path, scan=scan)
    assert scan.is_file()


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
