"""The records beside a results table, told by path and brain age."""

from __future__ import annotations

from dataclasses import replace

import pytest

from BrainAgeLib.cohort.beside import RecordsBeside
from BrainAgeLib.report.record import write_prediction
from Testing.library.follow.made_people import prediction


@pytest.mark.parametrize("way", ["real/T1.nii.gz", "link/T1.nii.gz", "real/../link/T1.nii.gz"])
def test_another_way_to_the_scan_tells_its_record(tmp_path, way):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "T1.nii.gz").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "T1.nii.gz").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    (tmp_path / "batch.json").write_text("{}")
    made = prediction(60.0)
    own = replace(made.input, path=str(tmp_path / "real" / "T1.nii.gz"))
    write_prediction(replace(made, input=own), tmp_path / "prediction.json")

    records = RecordsBeside(tmp_path / "results.csv")

    assert records.of(str(tmp_path / way), 60.0) is not None
    assert records.of(str(tmp_path / "other" / "T1.nii.gz"), 60.0) is None
    assert records.of(str(tmp_path / way), 61.0) is None
