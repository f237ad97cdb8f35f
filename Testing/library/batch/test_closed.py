"""Files and folders that nobody may read: each is a row or a line, and the others go on."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest

from BrainAgeLib.batch.bids import read_bids
from BrainAgeLib.batch.scan_list import find_scans
from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.read import read_scan
from Testing.library.batch.made_trees import tree, write_image
from Testing.library.scan.made_dicom import SERIES_UID, write_series


@pytest.fixture
def closed(monkeypatch):
    """Return what takes from a file or folder the right to read it; root has it always."""
    paths = []
    has_limits = getattr(os, "geteuid", int)() != 0  # Windows has no such number

    def refusing(open_it):
        def instead(path=".", *rest, **named):
            if not isinstance(path, int) and os.fspath(path) in paths:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
            return open_it(path, *rest, **named)

        return instead

    def close(path):
        if has_limits:
            path.chmod(0)
        paths.append(str(path))

    monkeypatch.setattr(io, "open", refusing(io.open))
    monkeypatch.setattr(os, "scandir", refusing(os.scandir))
    yield close
    for path in paths if has_limits else ():
        Path(path).chmod(0o700)


def test_a_dicom_file_that_nobody_may_read_is_a_row_that_names_it(tmp_path, closed):
    for number, name in enumerate(("p1", "p2")):
        own = {"StudyInstanceUID": f"1.2.{number}", "SeriesInstanceUID": f"{SERIES_UID}.{number}"}
        write_series(tmp_path / name, range(9), SeriesDescription="T1", **own)
    closed(tmp_path / "p1" / "IM0003")

    entries, decisions = tree(tmp_path)

    assert sorted(entry.id for entry in entries) == ["p1", "p2"]
    (reason,) = [one.reason for one in decisions if one.id == "p1"]
    assert reason == "IM0003 cannot be read: permission denied"
    with pytest.raises(InputError, match="cannot be read: permission denied"):
        read_scan(tmp_path / "p1")  # what its row will say


def test_an_image_file_that_nobody_may_read_is_a_row(tmp_path, closed):
    for name in ("p1", "p2"):
        write_image(tmp_path / name / "T1.nii.gz")
    closed(tmp_path / "p1" / "T1.nii.gz")

    entries, _ = tree(tmp_path)

    assert [entry.id for entry in entries] == ["p1", "p2"]


@pytest.mark.parametrize("name", ["p2", "p2/visit"])
def test_a_folder_that_nobody_may_read_has_a_line(tmp_path, closed, name):
    write_image(tmp_path / "p1" / "T1.nii.gz")
    write_image(tmp_path / "p2" / "visit" / "T1.nii.gz")
    closed(tmp_path / name)

    (entry,), decisions = tree(tmp_path)

    (line,) = [decision for decision in decisions if not decision.chosen]
    assert (entry.id, line.id, line.path) == ("p1", "p2", str(tmp_path / name))
    assert line.reason == "the folder cannot be read: permission denied"


def test_a_folder_of_bids_that_nobody_may_read_has_a_line(tmp_path, closed):
    for session in ("ses-1", "ses-2"):
        write_image(tmp_path / "sub-1" / session / "anat" / f"sub-1_{session}_T1w.nii.gz")
    closed(tmp_path / "sub-1" / "ses-2")

    _, decisions = read_bids(tmp_path)

    reasons = {decision.path: decision.reason for decision in decisions}
    assert "permission denied" in reasons[str(tmp_path / "sub-1" / "ses-2")]


def test_a_folder_that_nobody_may_look_into_is_said(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "is_file", lambda path: path.parent == tmp_path and refuse(path))

    with pytest.raises(InputError, match=f"{tmp_path.name} cannot be read: permission denied"):
        find_scans(str(tmp_path), tmp_path / "out")
