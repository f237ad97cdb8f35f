"""What a ``participants.tsv`` in a folder tree says of the people of its scans."""

from __future__ import annotations

import pytest

from BrainAgeLib.batch.scan_list import find_scans
from Testing.library.batch.made_trees import write_image
from Testing.library.scan.made_dicom import write_series


def test_a_tree_has_ages_sexes_and_groups_of_its_participants(tmp_path):
    for name in ("P01/visit/T1.nii.gz", "P02/visit/T1.nii.gz"):
        write_image(tmp_path / name)
    (tmp_path / "participants.tsv").write_text(
        "participant_id\tage\tsex\tgroup\tmodel\tfile\n"
        "P01\t51.2\tF\tpatient\tA\tP01/visit/T1.nii.gz\n"
        "P02\t24\tM\tcontrol\tB\tP02/visit/T1.nii.gz\n"
        "P03\t70\tM\tcontrol\tB\t\n"
    )

    found = find_scans(str(tmp_path), tmp_path / "out")

    assert [
        (entry.id, entry.age_years, entry.sex, entry.group, entry.complaint)
        for entry in found.entries
    ] == [("P01", 51.2, "F", "patient", None), ("P02", 24.0, "M", "control", None)]
    assert found.entries[0].further["participants_model"] == "A"
    (line,) = found.decisions[2:]
    assert (line.id, line.chosen) == ("P03", False)
    assert line.reason == "named in participants.tsv, no T1w, T2w or FLAIR scan"


def test_participants_of_a_tree_that_tell_nobodys_age_are_told_of(tmp_path, caplog):
    write_image(tmp_path / "P01" / "T1.nii.gz")
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nX1\t51.2\n")

    found = find_scans(str(tmp_path), tmp_path / "out")

    assert [entry.age_years for entry in found.entries] == [None]
    assert [line.id for line in found.decisions] == ["P01"]
    assert "1 of 1 people with a scan have no age in participants.tsv" in caplog.text


def test_nobody_of_a_tree_without_a_scan_has_two_lines(tmp_path):
    for name in ("sub-01/T1.nii.gz", "sub-03/DWI.nii.gz"):
        write_image(tmp_path / name)
    (tmp_path / "sub-02").mkdir()
    (tmp_path / "participants.tsv").write_text("participant_id\tage\n1\t51\n2\t60\n3\t61\n4\t62\n")

    found = find_scans(str(tmp_path), tmp_path / "out")

    assert [(entry.id, entry.age_years) for entry in found.entries] == [("sub-01", 51)]
    assert sorted(line.id for line in found.decisions) == ["4", "sub-01", "sub-02", "sub-03"]


def test_a_folder_without_a_scan_takes_nobodys_age_and_is_no_person_with_a_scan(tmp_path, caplog):
    for name in ("sub-01/T1.nii.gz", "sub-05/T1.nii.gz"):
        write_image(tmp_path / name)
    (tmp_path / "01").mkdir()
    (tmp_path / "01" / "notes.txt").touch()
    (tmp_path / "participants.tsv").write_text("participant_id\tage\n1\t51\n")

    found = find_scans(str(tmp_path), tmp_path / "out")

    assert [(entry.id, entry.age_years) for entry in found.entries] == [
        ("sub-01", 51),
        ("sub-05", None),
    ]
    assert "1 of 2 people with a scan have no age in participants.tsv" in caplog.text


@pytest.mark.parametrize(
    ("order", "first", "second"),
    [
        ("visits", "ses-01", "ses-02"),  # which is no person 1
        ("visits", "1", "2"),  # nor is this
        ("visits", "baseline", "later"),
        ("people", "1", "2"),
    ],
)
def test_a_person_is_who_a_folder_of_any_depth_is_called_after(tmp_path, order, first, second):
    expected = {}
    rows = []
    for number, person in enumerate(("sub-001", "sub-002", "sub-003")):
        for visit, session in enumerate((first, second)):
            age = 40 + 10 * number + visit
            folders = (session, person) if order == "visits" else (person, session)
            path = tmp_path.joinpath(*folders, "T1.nii.gz")
            write_image(path)
            expected[str(path)] = age
            rows.append(f"{number + 1}\t{age}\t{session}\n")
    table = "".join(["participant_id\tage\tsession_id\n", *rows, "9\t70\t1\n"])
    (tmp_path / "participants.tsv").write_text(table)

    found = find_scans(str(tmp_path), tmp_path / "out")

    assert {entry.path: entry.age_years for entry in found.entries} == expected
    people = [(entry.id, entry.session) for entry in found.entries]
    visits = [(f"sub-00{number}", visit) for number in (1, 2, 3) for visit in (first, second)]
    assert sorted(people) == visits
    assert sorted((line.id, line.session) for line in found.decisions if line.chosen) == visits
    assert [line.id for line in found.decisions if not line.chosen] == ["9"]


def test_two_scans_of_one_folder_are_of_its_person(tmp_path):
    for name in ("P1/a.nii.gz", "P1/b.nii.gz"):
        write_image(tmp_path / name)
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nP1\t51\n")

    found = find_scans(str(tmp_path), tmp_path / "out")

    assert [(entry.id, entry.age_years) for entry in found.entries] == [("P1_a", 51), ("P1_b", 51)]
    assert all(line.chosen for line in found.decisions)


def test_series_in_folders_of_their_own_are_of_the_visit_of_their_study(tmp_path):
    for series in ("s1", "s2"):
        write_series(tmp_path / "P1" / "v2" / series, SeriesInstanceUID=f"1.2.{series[1:]}")
    (tmp_path / "participants.tsv").write_text(
        "participant_id\tage\tsession_id\nP1\t51\tv1\nP1\t53\tv2\n"
    )

    found = find_scans(str(tmp_path), tmp_path / "out")

    assert [(entry.id, entry.session, entry.age_years) for entry in found.entries] == [
        ("P1", "v2", 53)
    ]


@pytest.mark.parametrize(("table", "is_told"), [("rawdata", True), ("", False)])
def test_a_dataset_below_the_folder_whose_people_become_one_is_told_of(
    tmp_path, caplog, table, is_told
):
    for name in ("sub-1", "sub-2"):
        write_image(tmp_path / "rawdata" / name / "anat" / f"{name}_T1w.nii.gz")
    (tmp_path / table / "participants.tsv").write_text("participant_id\tage\n1\t51\n2\t60\n")

    found = find_scans(str(tmp_path), tmp_path / "out")

    ids = {entry.id for entry in found.entries}
    assert ids == ({"rawdata"} if is_told else {"sub-1", "sub-2"})
    assert ("rawdata below this folder (1 such) is a BIDS dataset" in caplog.text) == is_told
