from __future__ import annotations

import json

from BrainAgeLib.batch.batch import run_batch
from BrainAgeLib.batch.scan_list import find_scans
from Testing.library.batch.made_batches import HereWorkers, quick_settings


def test_the_output_of_a_dataset_is_a_derivative(brain_file, small_model, tmp_path):
    anat = tmp_path / "data" / "sub-1" / "ses-a" / "anat"
    anat.mkdir(parents=True)
    (anat / "sub-1_ses-a_T1w.nii.gz").symlink_to(brain_file)
    output = tmp_path / "out"
    settings = quick_settings(output, small_model)

    scans = find_scans(str(tmp_path / "data"), output)
    (row,) = run_batch(scans, settings, HereWorkers(settings).start, lambda *_: None)

    assert (row.id, row.session, row.exit_code) == ("sub-1", "ses-a", 0)
    description = json.loads((output / "dataset_description.json").read_text())
    assert description["DatasetType"] == "derivative"
    assert description["GeneratedBy"][0]["Name"] == "SlicerBrainAge"
    folder = output / "sub-1" / "ses-a" / "anat" / "sub-1_ses-a_T1w"
    assert (folder / "prediction.json").is_file()
    assert (folder / "thumbnail.png").is_file()
    assert 'href="' not in (output / "index.html").read_text()  # there was no report
