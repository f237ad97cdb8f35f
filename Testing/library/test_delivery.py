"""What a run leaves in its folder: every file whole, on the scan's own grid, the record last."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib import delivery, pipeline
from BrainAgeLib.delivery import deliver
from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.options import Deliverables, Options
from BrainAgeLib.resources import sample_scan
from BrainAgeLib.run_folder import LOCK_NAME
from Testing.library.outcomes import names_in

EVERY_FILE = {
    "prediction.json",
    "report.html",
    "saliency.nii.gz",
    "brain_mask.nii.gz",
    "to_template.tfm",
}


@pytest.fixture(scope="module")
def record(full_job):
    """Return the record of the full job."""
    return json.loads((full_job.folder / "prediction.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def scan():
    """Return the bundled sample."""
    return sitk.ReadImage(str(sample_scan()))


def is_on_grid_of(image, scan):
    """Say whether two images share size, spacing, origin and directions."""
    return image.GetSize() == scan.GetSize() and all(
        np.allclose(getattr(image, name)(), getattr(scan, name)(), atol=1e-4)
        for name in ("GetSpacing", "GetOrigin", "GetDirection")
    )


def test_the_full_job_writes_every_file_and_no_other(full_job):
    assert names_in(full_job.folder) == EVERY_FILE


def test_the_record_is_the_last_file(full_job):
    written = {path.name: path.stat().st_mtime_ns for path in full_job.folder.iterdir()}

    assert max(written, key=written.get) == "prediction.json"


def test_the_record_of_the_full_job(record):
    assert list(record)[:3] == ["schema_version", "notice", "brain_age_years"]
    assert 6 < record["brain_age_years"] < 102
    low, high = record["interval_years"]
    assert low < record["brain_age_years"] < high
    assert (record["chronological_age_years"], record["sex"]) == (30.0, "M")
    assert record["gap_years"] == pytest.approx(record["brain_age_years"] - 30.0, abs=1e-4)
    assert record["quality"]["verdict"] in ("pass", "warn")
    assert record["input"]["path"] == str(sample_scan())
    assert re.fullmatch("[0-9a-f]{64}", record["input"]["sha256"])
    assert record["acquisition"]["plane"] == "axial"
    assert record["acquisition"]["slice_count"] == 24
    assert record["acquisition"]["slice_spacing_mm"] == pytest.approx(6.0, abs=1e-3)
    seconds = record["timings_seconds"]
    parts = ("read", "brain_extraction", "registration", "prediction", "saliency")
    assert all(seconds[name] > 0 for name in parts)
    assert seconds["total"] >= sum(seconds[name] for name in parts) - 0.01


def test_the_mask_lies_on_the_scans_own_grid(full_job, scan):
    mask = sitk.ReadImage(str(full_job.folder / "brain_mask.nii.gz"))

    assert is_on_grid_of(mask, scan)
    assert mask.GetPixelID() == sitk.sitkUInt8
    voxels = sitk.GetArrayViewFromImage(mask)
    assert set(np.unique(voxels)) == {0, 1}
    assert 1200 < voxels.sum() * np.prod(scan.GetSpacing()) / 1000 < 2000


def test_the_saliency_lies_on_the_scans_own_grid_within_the_brain(full_job, scan):
    saliency = sitk.ReadImage(str(full_job.folder / "saliency.nii.gz"))
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(full_job.folder / "brain_mask.nii.gz")))

    assert is_on_grid_of(saliency, scan)
    years = sitk.GetArrayFromImage(saliency)
    assert np.isfinite(years).all()
    assert years.any()
    assert not years[mask == 0].any()


def test_the_transform_brings_the_scan_onto_the_template(full_job, scan, template):
    transform = sitk.ReadTransform(str(full_job.folder / "to_template.tfm"))
    mask = sitk.ReadImage(str(full_job.folder / "brain_mask.nii.gz"))
    grid = sitk.GetImageFromArray(template.t1.voxels)
    grid.SetSpacing((2.0, 2.0, 2.0))
    grid.SetOrigin(template.t1.affine[:3, 3].tolist())

    registered = sitk.GetArrayFromImage(
        sitk.Resample(mask, grid, transform, sitk.sitkNearestNeighbor)
    )

    expected = template.t1.voxels > 25
    both = (registered > 0) & expected
    assert 2 * both.sum() / ((registered > 0).sum() + expected.sum()) > 0.9


def test_the_report_is_one_file_that_loads_nothing(full_job, record):
    page = (full_job.folder / "report.html").read_text("utf-8")

    assert page.lstrip().startswith("<!DOCTYPE html>")
    assert f"{record['brain_age_years']:.1f}" in page
    assert record["notice"] in page
    for loads in (r"src=[\"'](?!data:)", r"<link\b", r"@import", r"url\((?!['\"]?(?:data:|#))"):
        assert not re.search(loads, page), loads


@pytest.fixture
def options(small_model):
    """Return the options of a run that takes no time."""
    return Options(in_template_space=True, model=str(small_model), saliency=False)


def test_a_scan_in_template_space_has_no_transform(brain_file, options, tmp_path):
    deliver(brain_file, tmp_path / "out", options, Deliverables())

    assert names_in(tmp_path / "out") == EVERY_FILE - {"to_template.tfm", "saliency.nii.gz"}


def test_an_image_in_memory_has_the_same_files_and_no_name(image, options, tmp_path):
    prediction, _ = deliver(image, tmp_path / "out", options, Deliverables())
    deliver(image, tmp_path / "out", options, Deliverables())

    assert prediction.input.path is None
    assert names_in(tmp_path / "out") == EVERY_FILE - {"to_template.tfm", "saliency.nii.gz"}


def test_no_report_is_written_when_none_is_wanted(brain_file, options, tmp_path):
    deliver(brain_file, tmp_path / "out", options, Deliverables(report=False))

    assert names_in(tmp_path / "out") == {"prediction.json", "brain_mask.nii.gz"}


def test_earlier_outputs_go_and_foreign_files_stay(brain_file, options, tmp_path):
    for name in (*EVERY_FILE, "notes.txt", ".brainage-0a1b2c3d-report.html"):
        (tmp_path / name).write_text("old", "utf-8")

    deliver(brain_file, tmp_path, options, Deliverables(report=False))

    assert names_in(tmp_path) == {"prediction.json", "brain_mask.nii.gz", "notes.txt"}
    assert (tmp_path / "prediction.json").read_text("utf-8") != "old"


def test_earlier_outputs_are_gone_before_the_work_begins(
    brain_file, options, tmp_path, monkeypatch
):
    for name in EVERY_FILE:
        (tmp_path / name).write_text("old", "utf-8")

    def interrupted(*_):
        assert names_in(tmp_path) == {LOCK_NAME}
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "find_brain_in_view", interrupted)
    with pytest.raises(KeyboardInterrupt):
        deliver(brain_file, tmp_path, options, Deliverables())


@pytest.mark.parametrize("failing", ["write_image", "write_report", "write_prediction"])
def test_without_its_record_a_result_is_not_complete(
    brain_file, options, tmp_path, monkeypatch, failing
):
    def disk_full(*_):
        raise BrainAgeError("the disk is full")

    monkeypatch.setattr(delivery, failing, disk_full)
    with pytest.raises(BrainAgeError, match="the disk is full"):
        deliver(brain_file, tmp_path, options, Deliverables())

    assert "prediction.json" not in names_in(tmp_path)
    assert not any(name.startswith(".") for name in names_in(tmp_path))


def test_progress_ends_with_the_writing(brain_file, options, tmp_path):
    heard = []

    deliver(brain_file, tmp_path, options, Deliverables(), lambda *step: heard.append(step))

    assert heard[-1] == ("write", 1.0)
    assert [fraction for _, fraction in heard] == sorted(fraction for _, fraction in heard)
