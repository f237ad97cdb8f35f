"""What a ``participants.tsv`` in a folder tree says of the people of its scans."""

from __future__ import annotations

from BrainAgeLib.batch.scan_list import find_scans
from Testing.library.batch.made_trees import write_image


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
    assert "leaves 1 of 1 people with a scan without an age" in caplog.text


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
    assert "leaves 1 of 2 people with a scan without an age" in caplog.text
