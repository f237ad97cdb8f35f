"""Nobody is passed over: who has no scan has a line that says so."""

from __future__ import annotations

import pytest

from BrainAgeLib.batch.bids import read_bids
from Testing.library.batch.made_trees import tree, write_image
from Testing.library.scan.made_dicom import write_report


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["T1.nii.gz.part"], "T1.nii.gz.part"),
        (["T1.npy"], "T1.npy"),
        (["T1"], "T1"),
        (["IM0000", "IM0001"], "IM0000, IM0001"),
        ([f"{n:03}.jpg" for n in range(25)], "019.jpg and 5 more"),
        (["report.pdf", "notes.txt"], "notes.txt, report.pdf"),
        ([], "an empty folder"),
        ([".T1.nii.gz.icloud"], "an empty folder"),
    ],
)
def test_a_person_without_a_scan_that_is_read_has_a_line(tmp_path, names, words):
    write_image(tmp_path / "p1" / "T1.nii.gz")
    (tmp_path / "p2" / "visit").mkdir(parents=True)
    for name in names:
        (tmp_path / "p2" / "visit" / name).touch()

    entries, decisions = tree(tmp_path)

    (line,) = [decision for decision in decisions if not decision.chosen]
    assert [entry.id for entry in entries] == ["p1"]
    assert (line.id, line.session) == ("p2", "visit")
    assert line.reason.endswith(words)


def test_files_beside_scans_in_one_folder_have_a_line(tmp_path):
    for name in ("p1.nii.gz", "p2.nii.gz"):
        write_image(tmp_path / name)
    for name in ("p3.npy", "p4.nii.gz~", "notes.txt"):
        (tmp_path / name).touch()

    _, decisions = tree(tmp_path)

    (line,) = [decision for decision in decisions if not decision.chosen]
    assert line.reason == "no scan of a kind that is read: p3.npy, p4.nii.gz~"


def test_a_folder_of_dicom_without_images_has_a_line(tmp_path):
    (tmp_path / "p1").mkdir()
    write_report(tmp_path / "p1" / "report")

    entries, (line,) = tree(tmp_path)

    assert not entries
    assert (line.id, line.chosen) == ("p1", False)


def test_results_of_an_earlier_batch_have_no_line(tmp_path):
    write_image(tmp_path / "p1" / "T1.nii.gz")
    (tmp_path / "earlier" / "p2").mkdir(parents=True)
    (tmp_path / "earlier" / "p2" / "failure.json").touch()

    _, decisions = tree(tmp_path)

    assert [decision.chosen for decision in decisions] == [True]


@pytest.fixture
def small_dataset(tmp_path):
    path = tmp_path / "sub-01" / "anat" / "sub-01_T1w.nii.gz"
    path.parent.mkdir(parents=True)
    path.touch()
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nsub-01\t60\n")
    return tmp_path


def test_every_person_is_a_row_or_a_line(small_dataset):
    (small_dataset / "sub-03" / "anat").mkdir(parents=True)
    (small_dataset / "sub-04" / "anat").mkdir(parents=True)
    (small_dataset / "sub-04" / "anat" / "IM0001").touch()
    with (small_dataset / "participants.tsv").open("a") as table:
        table.write("sub-05\t50\n")

    _, decisions = read_bids(small_dataset)

    reasons = {decision.id: decision.reason for decision in decisions if not decision.chosen}
    assert "no image file with a name of BIDS" in reasons["sub-03"]
    assert "no image file with a name of BIDS" in reasons["sub-04"]
    assert reasons["sub-05"] == "named in participants.tsv, no T1w, T2w or FLAIR scan"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sub-03/anat/sub-02_T1w.nii.gz", "its name says sub-02, but it lies in sub-03"),
        ("sub-02/ses-1/anat/sub-02_ses-2_T1w.nii.gz", "its name says ses-2, but it lies in ses-1"),
    ],
)
def test_a_name_that_contradicts_its_folder_has_nobodys_age(small_dataset, name, words):
    (small_dataset / name).parent.mkdir(parents=True)
    (small_dataset / name).touch()

    entries, decisions = read_bids(small_dataset)

    assert str(small_dataset / name) not in {entry.path for entry in entries}
    assert words in {decision.reason for decision in decisions}


def test_a_folder_above_the_dataset_may_have_any_name(tmp_path):
    path = tmp_path / "sub-x" / "sub-01" / "anat" / "sub-01_T1w.nii.gz"
    path.parent.mkdir(parents=True)
    path.touch()

    (entry,), _ = read_bids(tmp_path / "sub-x")

    assert (entry.id, entry.path) == ("sub-01", str(path))
