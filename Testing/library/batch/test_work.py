"""One scan of a batch: whole or not at all, once and not twice."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from BrainAgeLib.batch import work
from BrainAgeLib.batch.table import ScanEntry
from BrainAgeLib.batch.work import Failure, finished_row, record_failure, work_on
from BrainAgeLib.errors import FullDiskError
from Testing.library.batch.made_batches import quick_settings
from Testing.library.held_files import HeldFiles
from Testing.library.phantoms import write_volume
from Testing.library.scan.made_dicom import write_volume_series


@pytest.fixture
def settings(tmp_path, small_model):
    return quick_settings(tmp_path, small_model)


@pytest.fixture
def entry(brain_file):
    return ScanEntry("brain.nii.gz", str(brain_file), "p1", "v1", "g", 50.0, "F", folder="a/b")


def test_the_row_is_that_of_the_record(entry, settings, tmp_path):
    row = work_on(entry, settings)

    record = json.loads((tmp_path / "a" / "b" / "prediction.json").read_text("utf-8"))
    assert (row.path, row.id, row.session, row.group) == ("brain.nii.gz", "p1", "v1", "g")
    assert (row.age, row.sex, row.exit_code, row.error) == (50.0, "F", 0, None)
    for name in ("brain_age_years", "gap_years", "corrected_gap_years", "gap_percentile"):
        assert getattr(row, name) == record[name]
    assert [row.interval_low, row.interval_high] == record["interval_years"]
    assert row.interval_covers == record["interval_covers"]
    assert row.verdict == record["quality"]["verdict"]
    assert row.slice_spacing_mm == record["acquisition"]["slice_spacing_mm"]
    assert row.seconds == record["timings_seconds"]["total"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_is_done_is_not_done_again(entry, settings, monkeypatch):
    done = work_on(entry, settings)
    monkeypatch.setattr(work, "deliver", None)

    assert work_on(entry, settings) == done
    assert finished_row(entry, settings) == done


@pytest.mark.parametrize("change", [{"age_years": 51.0}, {"sex": "M"}, {"scan": "elsewhere.nii"}])
def test_another_person_or_file_is_work_to_do(entry, settings, change):
    work_on(entry, settings)

    assert finished_row(replace(entry, **change), settings) is None


def test_another_way_to_the_same_file_is_no_work(entry, settings, brain_file, tmp_path):
    done = work_on(entry, settings)
    (tmp_path / "link").symlink_to(brain_file.parent, target_is_directory=True)

    folder, name = brain_file.parent, brain_file.name
    for way in (folder / ".." / folder.name / name, tmp_path / "link" / name):
        assert finished_row(replace(entry, scan=str(way)), settings) == done


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd"])
def test_a_file_that_was_replaced_is_work_to_do(thick_brain, settings, tmp_path, suffix):
    scan = tmp_path / f"exported{suffix}"
    write_volume(thick_brain, scan)
    entry = ScanEntry("exported", str(scan), "p1", folder="p1")
    done = work_on(entry, settings)
    assert finished_row(entry, settings) == done

    write_volume(thick_brain.with_voxels(0.5 * thick_brain.voxels), scan)

    assert finished_row(entry, settings) is None


def test_another_series_of_the_same_folder_is_work_to_do(thick_brain, settings, tmp_path):
    folder = write_volume_series(tmp_path / "dicom", thick_brain, SeriesInstanceUID="1.2.3")
    entry = ScanEntry("dicom", str(folder), "p1", folder="p1")
    done = work_on(entry, settings)

    assert finished_row(replace(entry, series_uid="1.2.3"), settings) == done
    assert finished_row(replace(entry, series_uid="1.2.4"), settings) is None


def test_a_series_that_is_asked_for_of_a_file_without_any_changes_nothing(entry, settings):
    with_series = replace(entry, series_uid="1.2.3")

    assert work_on(with_series, settings) == finished_row(with_series, settings)


def test_a_new_age_replaces_the_old_result(entry, settings):
    work_on(entry, settings)

    assert work_on(replace(entry, age_years=70.0), settings).age == 70.0


def test_a_failure_is_a_row_and_is_remembered(entry, settings, tmp_path):
    gone = replace(entry, scan=str(tmp_path / "gone.nii"))

    row = work_on(gone, settings)

    assert (row.exit_code, row.age, row.brain_age_years) == (2, 50.0, None)
    assert row.error == f"{tmp_path / 'gone.nii'} does not exist (check the path)"
    assert finished_row(gone, settings) == row
    assert finished_row(gone, settings, failures_too=False) is None


@pytest.mark.parametrize("change", [{"scan": "/elsewhere/other.nii"}, {"series_uid": "1.2.3"}])
def test_a_failure_says_nothing_of_another_file_or_series(entry, settings, tmp_path, change):
    gone = replace(entry, scan=str(tmp_path / "gone.nii"))
    work_on(gone, settings)
    other = replace(gone, **change)

    assert finished_row(other, settings) is None
    assert other.scan in work_on(other, settings).error


def test_a_failure_takes_the_place_of_what_was_of_another_age(entry, settings):
    work_on(entry, settings)
    older = replace(entry, age_years=70.0)

    row = record_failure(older, settings, Failure(4, "the worker process died", 0.0))

    assert finished_row(older, settings) == row


def test_a_fault_of_ours_is_a_row(entry, settings, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("of a\nkind")

    monkeypatch.setattr(work, "deliver", fail)

    row = work_on(entry, settings)

    assert (row.exit_code, row.error) == (4, "internal error: ZeroDivisionError: of a kind")


def test_a_full_disk_is_no_row(entry, settings, monkeypatch, tmp_path):
    def fail(*_):
        raise FullDiskError("the disk is full")

    monkeypatch.setattr(work, "deliver", fail)

    with pytest.raises(FullDiskError):
        work_on(entry, settings)
    assert list(tmp_path.iterdir()) == []


def test_what_the_list_complains_of_leaves_no_folder(entry, settings, tmp_path):
    row = work_on(replace(entry, complaint="an age of 400 years cannot be"), settings)

    assert (row.exit_code, row.error) == (2, "an age of 400 years cannot be")
    assert list(tmp_path.iterdir()) == []


def test_files_of_others_in_the_folder_stay(entry, settings, tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "notes.txt").write_text("mine")

    work_on(entry, settings)

    assert {path.name for path in (tmp_path / "a" / "b").iterdir()} == {
        *("notes.txt", "prediction.json", "brain_mask.nii.gz", "thumbnail.png"),
    }


def test_whoever_is_first_owns_the_folder(entry, settings, tmp_path, monkeypatch):
    predict = work.deliver

    def slow(*arguments):
        """Work while another worker does the same and is done before us."""
        monkeypatch.setattr(work, "deliver", predict)
        work_on(entry, settings)
        times.append((tmp_path / "a" / "b" / "prediction.json").stat().st_mtime_ns)
        return predict(*arguments)

    times = []
    monkeypatch.setattr(work, "deliver", slow)

    row = work_on(entry, settings)

    assert row.exit_code == 0
    assert times == [(tmp_path / "a" / "b" / "prediction.json").stat().st_mtime_ns]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_an_indexer_looks_into_gets_its_name_a_moment_later(
    settings, tmp_path, monkeypatch
):
    held = HeldFiles(monkeypatch, "rename", "b", times=1)
    missing = ScanEntry("gone.nii", str(tmp_path / "gone.nii"), folder="a/b")

    row = work_on(missing, settings)

    assert held.refusals == 1
    assert row.exit_code == 2
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["failure.json"]
