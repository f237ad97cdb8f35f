"""Outputs are complete or absent, and nothing that is not ours is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.report.output_folder import OutputFolder, make_room, output_folder

OURS = (
    "prediction.json",
    "report.html",
    "saliency.nii.gz",
    "brain_mask.nii.gz",
    "to_template.tfm",
    "thumbnail.png",
)
DICOM = ("report.dcm", "page.dcm")


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def prepared(path: Path, scan: Path | None = None) -> OutputFolder:
    """Return the folder as a run finds it, when that run has ended."""
    with output_folder(path, scan) as folder:
        make_room(folder, scan)
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
