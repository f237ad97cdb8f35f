"""What tells a contrast agent in a BIDS dataset; a scan without one goes before."""

from __future__ import annotations

import json

import pytest

from BrainAgeLib.batch.bids import read_bids
from BrainAgeLib.batch.choice import NO_NATIVE_T1


@pytest.mark.parametrize(
    ("name", "is_after"),
    [
        ("sub-05_acq-postgad_T1w", True),
        ("sub-05_acq-gd_T1w", True),
        ("sub-05_acq-pregad_T1w", False),
        ("sub-05_acq-nogad_T1w", False),
        ("sub-05_ce-none_T1w", False),
        ("sub-05_ce-gadobutrol_T1w", True),
    ],
)
def test_names_tell_of_a_contrast_agent_and_a_scan_without_goes_before(tmp_path, name, is_after):
    path = tmp_path / "sub-05" / "anat" / f"{name}.nii.gz"
    path.parent.mkdir(parents=True)
    path.touch()

    (entry,), (decision,) = read_bids(tmp_path)

    assert (entry.selection == NO_NATIVE_T1) == is_after
    assert (NO_NATIVE_T1 in decision.reason) == is_after
    native = path.with_name("sub-05_run-9_T1w.nii.gz")
    native.touch()
    taken = {entry.path for entry in read_bids(tmp_path)[0]}
    assert taken == {str(native)} | (set() if is_after else {str(path)})


@pytest.mark.parametrize(
    ("sidecar", "agent", "is_after"),
    [
        ("sub-05/anat/sub-05_acq-b_T1w.json", "Gadovist", True),
        ("sub-05/sub-05_T1w.json", "Gadovist", True),
        ("acq-b_T1w.json", "Gadovist", True),
        ("T1w.json", "Gadovist", True),
        ("acq-a_T1w.json", "Gadovist", False),
        ("T2w.json", "Gadovist", False),
        ("T1w.json", "none", False),
    ],
)
def test_json_files_tell_of_a_contrast_agent(tmp_path, sidecar, agent, is_after):
    path = tmp_path / "sub-05" / "anat" / "sub-05_acq-b_T1w.nii.gz"
    path.parent.mkdir(parents=True)
    path.touch()
    (tmp_path / sidecar).write_text(json.dumps({"ContrastBolusAgent": agent}))

    (entry,), _ = read_bids(tmp_path)

    assert (entry.selection == NO_NATIVE_T1) == is_after


def test_a_json_file_nearer_to_the_image_goes_before(tmp_path):
    path = tmp_path / "sub-05" / "anat" / "sub-05_T1w.nii.gz"
    path.parent.mkdir(parents=True)
    path.touch()
    (tmp_path / "T1w.json").write_text(json.dumps({"ContrastBolusAgent": "Gadovist"}))
    path.with_name("sub-05_T1w.json").write_text(json.dumps({"ContrastBolusAgent": "none"}))

    (entry,), _ = read_bids(tmp_path)

    assert entry.selection == ""
