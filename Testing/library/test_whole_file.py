"""A file is whole or absent, whatever happens while it is written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from BrainAgeLib import whole_file
from BrainAgeLib.errors import BrainAgeError, FileInUseError
from BrainAgeLib.whole_file import is_device, write_atomically, written_atomically
from Testing.library.held_files import HeldFiles


def disk_full(*_arguments: object, **_keywords: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_writes_the_whole_content(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.json", b"new")
    assert (tmp_path / "a.json").read_bytes() == b"new"
    assert names_in(tmp_path) == {"a.json"}


def test_written_file_gets_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_atomically(tmp_path / "a.json", b"new")
    assert (tmp_path / "a.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_temporary_name_keeps_the_suffixes_and_the_folder(tmp_path: Path) -> None:
    with written_atomically(tmp_path / "saliency.nii.gz") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.endswith(".nii.gz")
        assert temporary.name != "saliency.nii.gz"
        temporary.write_bytes(b"x")
    assert names_in(tmp_path) == {"saliency.nii.gz"}


@pytest.mark.parametrize("failure", [RuntimeError("broken"), KeyboardInterrupt()])
def test_a_failure_in_the_middle_leaves_the_old_file(
    tmp_path: Path, failure: BaseException
) -> None:
    target = tmp_path / "report.html"
    target.write_bytes(b"old")
    with pytest.raises(type(failure)), written_atomically(target) as temporary:
        temporary.write_bytes(b"half")
        raise failure
    assert target.read_bytes() == b"old"
    assert names_in(tmp_path) == {"report.html"}


def test_a_failing_rename_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report.html"
    target.write_bytes(b"old")
    monkeypatch.setattr(Path, "replace", disk_full)
    with pytest.raises(BrainAgeError):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert names_in(tmp_path) == {"report.html"}


@pytest.mark.parametrize("where", [(Path, "write_bytes"), (os, "fsync")])
def test_full_disk_is_named_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: tuple[object, str]
) -> None:
    monkeypatch.setattr(*where, disk_full)
    with pytest.raises(BrainAgeError, match="the disk is full") as caught:
        write_atomically(tmp_path / "report.html", b"new")
    assert caught.value.exit_code == 4
    assert names_in(tmp_path) == set()


def test_a_vanished_folder_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(BrainAgeError, match="could not be written") as caught:
        write_atomically(tmp_path / "gone" / "report.html", b"new")
    assert caught.value.exit_code == 4


def test_a_folder_that_became_a_file_is_an_error_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    with (
        pytest.raises(BrainAgeError, match="a.json could not be written"),
        written_atomically(folder / "a.json") as temporary,
    ):
        folder.rmdir()
        folder.touch()
        temporary.write_bytes(b"new")


def test_a_file_that_a_virus_scanner_has_is_replaced_a_moment_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldFiles(monkeypatch, "replace", "a.json", times=2)
    write_atomically(tmp_path / "a.json", b"new")
    assert held.refusals == 2
    assert (tmp_path / "a.json").read_bytes() == b"new"
    assert names_in(tmp_path) == {"a.json"}


def test_a_file_that_stays_open_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_file, "PAUSES_SECONDS", (0.0,))
    (tmp_path / "a.json").write_bytes(b"old")
    HeldFiles(monkeypatch, "replace", "a.json")
    with pytest.raises(FileInUseError, match=r"a\.json could not be written.*has it open"):
        write_atomically(tmp_path / "a.json", b"new")
    assert (tmp_path / "a.json").read_bytes() == b"old"
    assert names_in(tmp_path) == {"a.json"}


def test_what_is_not_allowed_at_all_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def refuse(*_paths: object) -> None:
        tries.append(1)
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(BrainAgeError, match="could not be written"):
        write_atomically(tmp_path / "a.json", b"new")
    assert len(tries) == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [("CON", True), ("aux.nii.gz", True), ("com1", True), ("nul .txt", True)]
    + [("control", False), ("con_1", False), ("com", False), ("sub-con", False), ("", False)],
)
def test_names_that_windows_takes_for_devices(name: str, expected: bool) -> None:
    assert is_device(name) == expected
