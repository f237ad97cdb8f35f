from __future__ import annotations

import json

import pytest

from BrainAgeLib.batch.batch import run_batch
from BrainAgeLib.batch.bids import is_bids, read_bids
from BrainAgeLib.batch.scan_list import find_scans
from BrainAgeLib.errors import InputError
from Testing.library.batch.made_batches import HereWorkers, quick_settings


@pytest.fixture
def dataset(tmp_path):
    for name in (
        "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz",
        "sub-01/ses-b/anat/sub-01_ses-b_acq-ax_T1w.nii",
        "sub-01/ses-b/anat/sub-01_ses-b_ce-gadolinium_T1w.nii.gz",
        "sub-01/ses-b/anat/sub-01_ses-b_FLAIR.nii.gz",
        "sub-02/anat/sub-02_T1w.nii.gz",
        "derivatives/x/sub-03/anat/sub-03_T1w.nii.gz",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "participants.tsv").write_text(
        "participant_id\tage\tsex\tgroup\thandedness\nsub-01\t60\tF\tcontrol\tright\n"
        "sub-02\t89+\tn/a\tn/a\tn/a\n"
    )
    (tmp_path / "sub-01" / "sub-01_sessions.tsv").write_text(
        "session_id\tage\tsex\nses-b\t62.5\tn/a\n"
    )
    return tmp_path


def test_t1_weighted_scans_with_their_people(dataset):
    entries, _ = read_bids(dataset)

    assert [(e.id, e.session, e.age_years, e.sex, e.group) for e in entries] == [
        ("sub-01", "ses-a", 60.0, "F", "control"),
        ("sub-01", "ses-b", 62.5, "F", "control"),
        ("sub-02", "", None, None, ""),
    ]
    assert [entry.further for entry in entries] == [
        {"handedness": "right"},
        {"handedness": "right"},
        {"handedness": ""},
    ]


def test_columns_of_ours_in_any_case_and_others_that_have_their_names(dataset):
    (dataset / "participants.tsv").write_text(
        "participant_id\tAge\tSEX\tmodel\tsite\nsub-02\t71\tm\tAvanto\tA\n"
    )

    entry = read_bids(dataset)[0][-1]

    assert (entry.age_years, entry.sex) == (71.0, "M")
    assert entry.further == {"participants_model": "Avanto", "site": "A"}


def test_outputs_have_the_names_of_bids(dataset):
    entries, _ = read_bids(dataset)

    assert [entry.folder for entry in entries] == [
        "sub-01/ses-a/anat/sub-01_ses-a_T1w",
        "sub-01/ses-b/anat/sub-01_ses-b_acq-ax_T1w",
        "sub-02/anat/sub-02_T1w",
    ]


def test_scans_after_contrast_agent_and_of_other_sequences_are_left_out_and_said_so(dataset):
    entries, decisions = read_bids(dataset)

    flair, left_out = [decision for decision in decisions if not decision.chosen]
    assert flair.reason == "FLAIR: a T1w scan is preferred; --sequence FLAIR chooses FLAIR"
    assert {entry.selection for entry in entries} == {""}
    assert "ce-gadolinium" in left_out.path
    assert left_out.study == "sub-01/ses-b"
    assert "contrast agent" in left_out.reason


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sub-03_visit2_T1w.nii.gz", "not one of BIDS"),
        ("sub-03_acq-1.5T_T1w.nii.gz", "no dot but that"),
        ("sub-03_T1w.nii.x", "not one of BIDS"),
        ("sub-_T1w.nii", "whose it is"),
    ],
)
def test_a_name_that_breaks_the_rules_is_left_out_and_said_so(dataset, name, words):
    (dataset / name).touch()

    entries, decisions = read_bids(dataset)

    (left_out,) = [decision for decision in decisions if name in decision.path]
    assert not left_out.chosen and words in left_out.reason
    assert not [entry for entry in entries if name in entry.path]


def test_labels_with_hyphens_are_of_different_people_and_sessions(tmp_path):
    for name in ("sub-A-1_ses-20-1_T1w.nii", "sub-A-1_ses-20-2_T1w.nii", "sub-A-2_T1w.nii"):
        (tmp_path / name).touch()
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nsub-A-1\t30\nsub-A-2\t70\n")

    entries, _ = read_bids(tmp_path)

    assert [(entry.id, entry.session, entry.age_years) for entry in entries] == [
        ("sub-A-1", "ses-20-1", 30.0),
        ("sub-A-1", "ses-20-2", 30.0),
        ("sub-A-2", "", 70.0),
    ]


@pytest.mark.parametrize(
    "description", [b"\xff{", b'{"BIDSVersion": 1.8}', b'{"BIDSVersion": null}']
)
def test_a_broken_description_does_not_matter(dataset, description):
    (dataset / "dataset_description.json").write_bytes(description)

    assert len(read_bids(dataset)[0]) == 3


def test_links_in_a_circle(dataset):
    (dataset / "sub-02" / "again").symlink_to(dataset, target_is_directory=True)
    (dataset / "sub-02" / "anat" / "again").symlink_to(dataset, target_is_directory=True)

    assert len(read_bids(dataset)[0]) == 3


def test_an_age_that_makes_no_sense_is_a_complaint(dataset):
    (dataset / "participants.tsv").write_text("participant_id\tage\nsub-02\tabout 60\n")

    entries, _ = read_bids(dataset)

    assert "about 60" in entries[-1].complaint


def test_files_with_the_names_of_bids_in_one_folder(tmp_path):
    (tmp_path / "sub-01_ses-a_T1w.nii.gz").touch()
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nsub-01\t44\n")

    assert is_bids(tmp_path)
    (entry,), _ = read_bids(tmp_path)
    assert (entry.id, entry.session, entry.age_years) == ("sub-01", "ses-a", 44.0)


def test_a_table_with_a_line_for_each_file(tmp_path):
    for session in "ab":
        (tmp_path / f"sub-01_ses-{session}_T1w.nii.gz").touch()
    (tmp_path / "participants.tsv").write_text(
        "file\tparticipant_id\tage\n"
        "sub-01_ses-a_T1w.nii.gz\tsub-01\t44\nsub-01_ses-b_T1w.nii.gz\tsub-01\t46\n"
    )

    entries, _ = read_bids(tmp_path)

    assert [entry.age_years for entry in entries] == [44.0, 46.0]


def test_what_is_no_dataset(tmp_path, dataset):
    assert is_bids(dataset)
    assert not is_bids(dataset / "sub-01")


def test_a_table_that_cannot_be_read_ends_the_batch_before_it_begins(dataset):
    (dataset / "participants.tsv").write_text("participant_id\tage\n" + "x" * 200_000)

    with pytest.raises(InputError, match=r"participants.tsv is no table"):
        read_bids(dataset)


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


def test_every_image_of_a_dataset_is_a_row_or_a_line(dataset):
    for name in ("sub-02/func/sub-02_bold.nii.gz", "sub-02/anat/sub-02_T1w.mgz", "patient7.nii.gz"):
        (dataset / name).parent.mkdir(exist_ok=True)
        (dataset / name).touch()
    (dataset / "sub-02" / "anat" / "sub-02_run-2_T1w.nii.gz").symlink_to("../.git/annex/x")

    entries, decisions = read_bids(dataset, dataset / "out")

    rows = {entry.path for entry in entries}
    lines = {decision.path: decision for decision in decisions}
    images = {
        str(path) for path in dataset.rglob("*.*") if path.name.endswith((".gz", ".nii", ".mgz"))
    }
    images = {path for path in images if "derivatives" not in path}
    assert images == set(lines)
    assert {path for path, line in lines.items() if line.chosen} == rows
    assert "patient7" in {entry.id for entry in entries}
    assert str(dataset / "sub-02" / "anat" / "sub-02_run-2_T1w.nii.gz") in rows
    assert "bold, not in a folder" in lines[str(dataset / "sub-02/func/sub-02_bold.nii.gz")].reason


def test_a_broken_file_among_files_with_the_names_of_bids(tmp_path):
    (tmp_path / "sub-01_T1w.nii.gz").touch()
    (tmp_path / "broken.nii.gz").write_bytes(b"no scan")

    entries, decisions = read_bids(tmp_path)

    assert [entry.id for entry in entries] == ["sub-01", "broken"]
    assert [decision.chosen for decision in decisions] == [True, True]
