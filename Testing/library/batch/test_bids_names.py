"""Names in BIDS datasets that say less, or more, than those of a plain T1 scan."""

from __future__ import annotations

import pytest

from BrainAgeLib.batch.bids import read_bids
from BrainAgeLib.batch.bids_names import IN_TEMPLATE


def files(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_a_session_that_only_the_folder_names_is_one(tmp_path):
    files(
        tmp_path,
        "sub-1/ses-a/anat/sub-1_T1w.nii",
        "sub-1/ses-b/anat/sub-1_T1w.nii",
        "sub-1/ses-c/anat/sub-1_FLAIR.nii",
    )
    table = tmp_path / "sub-1" / "sub-1_sessions.tsv"
    table.write_text("session_id\tage\nses-a\t60\nses-b\t62\nses-c\t63\n")

    entries, _ = read_bids(tmp_path)

    assert [(entry.session, entry.age_years) for entry in entries] == [
        ("ses-a", 60.0),
        ("ses-b", 62.0),
        ("ses-c", 63.0),
    ]
    assert [entry.folder for entry in entries][1] == "sub-1/ses-b/anat/sub-1_T1w"


def test_a_picture_of_phases_is_no_scan(tmp_path):
    files(tmp_path, "sub-1/anat/sub-1_part-mag_T1w.nii", "sub-1/anat/sub-1_part-phase_T1w.nii")

    (entry,), decisions = read_bids(tmp_path)

    assert "part-mag" in entry.path
    (left_out,) = [line for line in decisions if not line.chosen]
    assert "part-phase" in left_out.reason


@pytest.mark.parametrize(
    ("space", "is_told"), [("MNI152NLin2009cAsym", True), ("orig", False), ("T1w", False)]
)
def test_a_scan_that_a_pipeline_moved_to_a_template_is_told_of(tmp_path, space, is_told):
    files(tmp_path, f"sub-1/anat/sub-1_space-{space}_desc-preproc_T1w.nii.gz")

    (entry,), (line,) = read_bids(tmp_path)

    assert (entry.selection == IN_TEMPLATE) == is_told == (IN_TEMPLATE in line.reason)


@pytest.mark.parametrize("ending", ["_T1w.NII.GZ", "_t1w.nii.gz", "_T1W.nii.gz"])
def test_capitals_that_keep_a_scan_out_are_named(tmp_path, ending):
    files(tmp_path, "sub-1/anat/sub-1_T1w.nii", f"sub-2/anat/sub-2{ending}")

    (line,) = [line for line in read_bids(tmp_path)[1] if not line.chosen]

    assert line.reason == "capitals count in names of BIDS: it has to end in _T1w.nii.gz"
