"""Which scan of each study a tree of files gives, by headers and grids."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydicom.uid import MRImageStorage

from BrainAgeLib.batch.choice import NO_NATIVE_T1
from Testing.library.batch.made_trees import tree, write_image
from Testing.library.scan.made_dicom import write_frames, write_report, write_series

STUDY = "1.2.840.99999.8"
T1 = {"EchoTime": 12.0, "RepetitionTime": 550.0, "SeriesDescription": "SE tra"}
T2 = {"EchoTime": 98.0, "RepetitionTime": 4500.0, "SeriesDescription": "TSE tra"}


def test_the_t1_of_a_dicom_study_by_echo_and_repetition_time(tmp_path):
    for number, times in enumerate((T2, T1), 1):
        write_series(
            tmp_path / "p1" / "visit" / f"s{number}",
            range(12),
            StudyInstanceUID=STUDY,
            SeriesInstanceUID=f"{STUDY}.{number}",
            **times,
        )

    (entry,), decisions = tree(tmp_path)

    assert entry.scan == str(tmp_path / "p1" / "visit" / "s2")
    assert (entry.id, entry.session, entry.series_uid) == ("p1", "visit", None)
    assert [decision.chosen for decision in decisions] == [False, True]
    preferred = "a T1w scan is preferred; --sequence T2w chooses T2w"
    assert decisions[0].reason == (
        f"2D axial, 12 slices, T2 (TE 98 ms, TR 4500 ms), but {preferred}"
    )
    assert decisions[1].reason == "2D axial, 12 slices, T1 (TE 12 ms, TR 550 ms)"


def test_series_of_one_folder_are_told_apart(tmp_path):
    for number, times in enumerate((T2, T1), 1):
        write_series(tmp_path / "p1", range(9), SeriesInstanceUID=f"{STUDY}.{number}", **times)
    write_report(tmp_path / "p1" / "report")

    (entry,), _ = tree(tmp_path)

    assert (entry.scan, entry.series_uid) == (str(tmp_path / "p1"), f"{STUDY}.2")
    assert entry.further == {"series_uid": f"{STUDY}.2"}


def test_studies_in_one_folder_are_told_apart_without_their_uids(tmp_path):
    for number in (1, 2):
        uid = f"{STUDY}.{number}"
        write_series(tmp_path, range(9), StudyInstanceUID=uid, SeriesInstanceUID=f"{uid}.1", **T1)

    entries, _ = tree(tmp_path)

    assert len({entry.id for entry in entries}) == 2
    assert all(entry.id.startswith("study-") and STUDY not in entry.id for entry in entries)


def test_a_study_that_nobody_reads_is_a_scan_with_a_complaint(tmp_path):
    write_series(tmp_path / "p1" / "a", range(9), SeriesDescription="DTI")

    (entry,), _ = tree(tmp_path)

    words = "no T1-weighted, T2-weighted or FLAIR series among 1: diffusion (described as 'DTI')"
    assert words in entry.complaint


def test_a_multi_frame_file_is_a_series(tmp_path):
    (tmp_path / "p1").mkdir()
    path = write_frames(tmp_path / "p1" / "IM1", range(10), SeriesDescription="T1 tra")

    (entry,), _ = tree(tmp_path)

    assert entry.scan == str(path)


def test_damaged_dicom_is_not_passed_over(tmp_path):
    folder = write_series(tmp_path / "p1", range(3), SOPClassUID=MRImageStorage)
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:-60])

    (entry,), _ = tree(tmp_path)

    assert entry.scan == str(folder)


def test_files_whose_names_differ_by_the_sequence_are_a_study(tmp_path):
    for name in ("p1_T1_tra.nii.gz", "p1_FLAIR.nii.gz", "p1_t2_tse.nii.gz", "p2_t1.nii"):
        write_image(tmp_path / name)

    entries, decisions = tree(tmp_path)

    assert [(entry.id, entry.path) for entry in entries] == [
        ("p1", str(tmp_path / "p1_T1_tra.nii.gz")),
        ("p2", str(tmp_path / "p2_t1.nii")),
    ]
    assert len(decisions) == 4


def test_thick_slices_go_before_3d(tmp_path):
    write_image(tmp_path / "p1" / "T1_3D.nii.gz", (1, 1, 1), (20, 20, 20))
    thick = write_image(tmp_path / "p1" / "T1.nii.gz")

    (entry,), decisions = tree(tmp_path)

    assert (entry.id, entry.path) == ("p1", str(thick))
    assert decisions[1].reason.startswith("3D, 20 slices")


def test_a_sidecar_tells_the_contrast(tmp_path):
    write_image(tmp_path / "p1" / "a.nii.gz")
    sidecar = {"EchoTime": 0.1, "RepetitionTime": 4.5, "SeriesDescription": "x"}
    (tmp_path / "p1" / "a.json").write_text(json.dumps(sidecar))

    (entry,), (decision,) = tree(tmp_path)

    assert entry.selection == "no T1w scan; T2w is taken instead"
    assert decision.reason == (
        "2D axial, 10 slices, T2 (TE 100 ms, TR 4500 ms); no T1w scan; T2w is taken instead"
    )


def test_a_file_that_cannot_be_read_is_a_scan(tmp_path):
    (tmp_path / "p1.nii.gz").write_bytes(b"")
    (tmp_path / "p2.nii.gz").write_bytes(b"nothing of ours")
    (tmp_path / "notes.doc").write_bytes(b"nothing")

    entries, _ = tree(tmp_path)

    assert [entry.id for entry in entries] == ["p1", "p2"]


@pytest.mark.parametrize("name", ["out", "results", ".hidden", "derivatives"])
def test_outputs_and_hidden_folders_are_passed_over(tmp_path, name):
    write_image(tmp_path / "p1.nii.gz")
    write_image(tmp_path / name / "p2" / "saliency.nii.gz")
    (tmp_path / name / "p2" / "prediction.json").touch()

    entries, _ = tree(tmp_path)

    assert [entry.id for entry in entries] == ["p1"]


def test_a_folder_that_is_linked_into_itself_ends(tmp_path):
    write_image(tmp_path / "p1" / "a.nii.gz")
    (tmp_path / "p1" / "loop").symlink_to(tmp_path, target_is_directory=True)

    assert len(tree(tmp_path)[0]) == 1


def test_ids_keep_the_signs_of_the_names(tmp_path):
    for name in ("A-1_v2_T1.nii.gz", "A-2_v2_t1w_ax.nii.gz"):
        write_image(tmp_path / name)

    entries, _ = tree(tmp_path)

    assert [entry.id for entry in entries] == ["A-1_v2", "A-2_v2"]


def test_an_agent_in_the_header_and_a_field_that_says_there_was_none(tmp_path):
    for number, agent in enumerate(("Gadovist", "NONE"), 1):
        uid = f"{STUDY}.{number}"
        tags = {"SeriesInstanceUID": uid, "ContrastBolusAgent": agent, **T1}
        write_series(tmp_path / "p1" / f"s{number}", range(9), StudyInstanceUID=STUDY, **tags)

    (entry,), decisions = tree(tmp_path)

    assert entry.scan == str(tmp_path / "p1" / "s2")
    assert decisions[0].reason == (
        "2D axial, 9 slices, T1 after contrast agent (the header names an agent), "
        "but another series fits better"
    )


def test_the_native_scan_of_a_person_is_taken_whatever_its_name(tmp_path):
    for name in ("B-1-t1c", "B-1-t1n", "B20_1_t1", "B20_1_t1ce", "c_T1_WITHOUT_CONTRAST"):
        write_image(tmp_path / f"{name}.nii.gz")
    write_image(tmp_path / "c_T1_WITH_CONTRAST.nii.gz")
    write_image(tmp_path / "d_T1_POST_OP.nii.gz")

    entries, decisions = tree(tmp_path)

    taken = {"B-1-t1n", "B20_1_t1", "c_T1_WITHOUT_CONTRAST", "d_T1_POST_OP"}
    chosen = {Path(entry.path).name for entry in entries if entry.complaint is None}
    assert chosen == {f"{name}.nii.gz" for name in taken}
    left_out = [decision.reason for decision in decisions if not decision.chosen]
    assert len(left_out) == 3
    assert all("after contrast agent" in reason for reason in left_out)


def test_of_a_person_with_nothing_but_scans_after_an_agent_one_is_taken_that_says_so(tmp_path):
    write_image(tmp_path / "P1_T1GD.nii.gz")
    write_image(tmp_path / "P1_T2.nii.gz")

    (entry,), decisions = tree(tmp_path)

    assert (entry.id, Path(entry.path).name) == ("P1", "P1_T1GD.nii.gz")
    assert entry.selection == NO_NATIVE_T1
    assert "T1 after contrast agent" in decisions[0].reason
    assert decisions[1].reason.endswith("a T1w scan is preferred; --sequence T2w chooses T2w")


def test_a_series_name_in_the_header_tells_of_an_agent(tmp_path):
    for number, description in enumerate(("T1 tra mit KM", "T1 tra ohne KM"), 1):
        uid = f"{STUDY}.{number}"
        tags = T1 | {"SeriesInstanceUID": uid, "SeriesDescription": description}
        write_series(tmp_path / "p1" / f"s{number}", range(9), StudyInstanceUID=STUDY, **tags)

    (entry,), _ = tree(tmp_path)

    assert entry.scan == str(tmp_path / "p1" / "s2")


def test_selection_and_results_have_the_same_ids_sessions_and_series(tmp_path):
    write_image(tmp_path / "siteB" / "scan.nii.gz")
    write_image(tmp_path / "siteA" / "a.nii.gz")
    write_image(tmp_path / "siteA" / "b.nii.gz")
    for number, folder in enumerate(("siteB/p1", "siteB"), 1):
        uid = f"{STUDY}.{number}"
        tags = {"StudyInstanceUID": f"{uid}.0", "SeriesInstanceUID": uid, **T1}
        write_series(tmp_path / folder, range(9), **tags)

    entries, decisions = tree(tmp_path)

    of_rows = {(entry.id, entry.session, entry.path) for entry in entries}
    of_lines = {(one.id, one.session, one.path) for one in decisions if one.chosen}
    assert of_rows == of_lines
    assert len({row[:2] for row in of_rows}) == len(entries)  # none told apart by a folder alone
    assert {one.series_uid for one in decisions} >= {f"{STUDY}.1", None}
    assert f"{STUDY}.1" in {entry.further.get("series_uid") for entry in entries}


def test_a_series_that_was_not_chosen_has_the_session_of_its_study(tmp_path):
    for name in ("scan_T1.nii.gz", "scan_FLAIR.nii.gz"):
        write_image(tmp_path / "p1" / name)
    for number, times in enumerate((T1, T2), 1):
        tags = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": f"{STUDY}.{number}", **times}
        write_series(tmp_path / "p1", range(9), **tags)

    entries, decisions = tree(tmp_path)

    assert [(row.id, row.session) for row in entries] == [("p1", "scan_T1"), ("p1", "p1")]
    of_lines = {(Path(one.path).name, one.chosen): (one.id, one.session) for one in decisions}
    assert of_lines == {
        ("scan_T1.nii.gz", True): ("p1", "scan_T1"),
        ("scan_FLAIR.nii.gz", False): ("p1", "scan_T1"),
        ("p1", True): ("p1", "p1"),
        ("p1", False): ("p1", "p1"),
    }


def test_scans_that_no_name_tells_apart_have_sessions_of_their_own(tmp_path):
    places = ("a_b/c", "a/b/c")  # both of session a_b_c
    for number, place in enumerate(places):
        write_image(tmp_path / "files" / place / "T1.nii.gz")
        uid = f"{STUDY}.{number}"
        tags = {"StudyInstanceUID": f"{uid}.0", "SeriesInstanceUID": uid, **T1}
        write_series(tmp_path / "dicom" / place, range(9), **tags)
    write_image(tmp_path / "files" / "a_b_c_2" / "T1.nii.gz")

    entries, decisions = tree(tmp_path)

    rows = {(row.id, row.session) for row in entries}
    assert len(rows) == len(entries) == 5
    assert {key for key in rows if key[0] == "files"} == {
        ("files", "a_b_c"),
        ("files", "a_b_c_2"),
        ("files", "a_b_c_3"),
    }
    of_dicom = [session for identifier, session in rows if identifier == "dicom"]
    assert all(re.fullmatch("a_b_c_series-[0-9a-f]{8}", session) for session in of_dicom)
    chosen = {(one.id, one.session, one.path) for one in decisions if one.chosen}
    assert chosen == {(row.id, row.session, row.path) for row in entries}
