"""``brainage bids`` as the convention of BIDS Apps has it."""

from __future__ import annotations

import csv
import shutil

import pytest


@pytest.fixture
def dataset(brain_file, tmp_path):
    """Return a dataset of three people, one of them with two sessions."""
    for name in ("sub-01_ses-a", "sub-01_ses-b", "sub-02", "sub-03"):
        folder = tmp_path / "data" / name.replace("_", "/") / "anat"
        folder.mkdir(parents=True)
        shutil.copyfile(brain_file, folder / f"{name}_T1w.nii.gz")
    (tmp_path / "data" / "participants.tsv").write_text("participant_id\tage\n1\t60\nsub-02\t50\n")
    return tmp_path / "data"


@pytest.fixture
def bids(brainage, dataset, small_model, tmp_path):
    """Return the command on that dataset, which takes no time."""
    quick = ("--in-template-space", "--no-saliency", "--no-report", "--model", small_model)

    def call(level, *more):
        return brainage("bids", dataset, tmp_path / "out", level, *quick, "--threads", 1, *more)

    return call


def rows(tmp_path):
    with (tmp_path / "out" / "results.csv").open(newline="") as lines:
        return [(row["id"], row["session"], row["age"]) for row in csv.DictReader(lines)]


def test_some_people_then_a_session_then_the_group(bids, tmp_path):
    assert bids("participant", "--participant-label", "02", "sub-03").code == 0
    assert rows(tmp_path) == [("sub-02", "", "50"), ("sub-03", "", "")]

    outcome = bids("participant", "--participant_label", "01", "--session-label", "b")
    assert outcome.code == 0, outcome.err
    everybody = [("sub-01", "ses-b", "60"), ("sub-02", "", "50"), ("sub-03", "", "")]
    assert rows(tmp_path) == everybody
    folder = tmp_path / "out" / "sub-01" / "ses-b" / "anat" / "sub-01_ses-b_T1w"
    assert (folder / "prediction.json").is_file()

    (tmp_path / "out" / "results.csv").unlink()
    assert bids("group").code == 0
    assert rows(tmp_path) == everybody


def test_options_and_failures_are_nothing_to_a_group(
    brainage, bids, dataset, small_model, tmp_path
):
    (dataset / "sub-03" / "anat" / "sub-03_T1w.nii.gz").write_bytes(b"no scan")
    assert bids("participant").code == 5
    before = (tmp_path / "out" / "results.csv").read_text()
    assert "saliency: no before" in brainage("bids", dataset, tmp_path / "out", "participant").err

    model = ("--model", small_model)
    outcome = brainage("bids", dataset, tmp_path / "out", "group", "--retry-failed", *model)

    assert outcome.code == 5 and "other options" not in outcome.err
    assert (tmp_path / "out" / "results.csv").read_text() == before


def test_a_group_is_of_the_model_and_the_wish_of_its_results(brainage, bids, dataset, tmp_path):
    assert bids("participant", "--each-sequence").code == 0
    before = (tmp_path / "out" / "sessions.csv").read_text()

    bundled = brainage("bids", dataset, tmp_path / "out", "group")
    of_t2 = bids("group", "--sequence", "T2w")

    assert (bundled.code, of_t2.code) == (2, 2)
    assert "holds results of the model small 4 (" in bundled.err
    assert "sequence: each before, T2w now" in of_t2.err
    assert (tmp_path / "out" / "sessions.csv").read_text() == before
    assert bids("group", "--each-sequence").code == 0


def test_the_usage_line_works_as_it_is_printed(brainage):
    words = " ".join(brainage("bids", "--help").out.split())

    assert words.startswith(
        "usage: brainage bids INPUT OUTPUT {participant,group} [--participant-label LABEL ...]"
    )


def test_who_is_not_there_and_a_group_of_nobody(bids, tmp_path):
    stranger = bids("participant", "--participant-label", "09", "01")
    nobody = bids("group")

    assert (stranger.code, nobody.code) == (2, 2)
    assert stranger.err.splitlines()[-1] == "  09"
    assert "run the level participant first" in nobody.err
    assert not (tmp_path / "out").exists()


def test_another_folder_is_no_dataset(brainage, brain_file, tmp_path):
    outcome = brainage("bids", brain_file.parent, tmp_path / "out", "participant")

    assert outcome.code == 2
    assert "is no BIDS dataset" in outcome.err


def test_a_group_is_of_the_sequence_that_was_asked_for(bids, dataset, tmp_path):
    (dataset / "sub-02" / "anat" / "sub-02_T2w.nii.gz").write_bytes(b"no scan")

    outcome = bids("participant", "--sequence", "T2w")

    assert outcome.code == 5
    assert "1 scan: --sequence T2w was given\n" in outcome.err
    (tmp_path / "out" / "results.csv").unlink()
    assert bids("group").code == 5
    with (tmp_path / "out" / "results.csv").open(newline="") as lines:
        (row,) = csv.DictReader(lines)
    assert row["path"].endswith("sub-02_T2w.nii.gz")
    other = bids("participant", "--sequence", "FLAIR")
    assert other.code == 2 and "Traceback" not in other.err


def test_a_group_is_of_each_sequence_if_that_was_asked_for(bids, dataset, tmp_path):
    (dataset / "sub-02" / "anat" / "sub-02_T2w.nii.gz").write_bytes(b"no scan")
    (dataset / "sub-02" / "anat" / "sub-02_FLAIR.nii.gz").write_bytes(b"no scan")

    outcome = bids("participant", "--participant-label", "02", "--each-sequence")

    assert outcome.code == 5
    assert "--each-sequence was given\n" in outcome.err
    rows_before = rows(tmp_path)
    assert rows_before == 3 * [("sub-02", "", "50")]
    for name in ("results.csv", "sessions.csv"):
        (tmp_path / "out" / name).unlink()
    assert bids("group").code == 5
    assert rows(tmp_path) == rows_before
    with (tmp_path / "out" / "sessions.csv").open(newline="") as lines:
        assert [row["id"] for row in csv.DictReader(lines)] == ["sub-02"]
    (dataset / "sub-02" / "anat" / "sub-02_T2w.nii.gz").unlink()
    (dataset / "sub-02" / "anat" / "sub-02_FLAIR.nii.gz").unlink()
    assert bids("participant", "--each-sequence", "--retry-failed").code == 0


def test_the_code_is_of_the_people_who_were_asked_for(bids, dataset, tmp_path):
    (dataset / "sub-03" / "anat" / "sub-03_T1w.nii.gz").write_bytes(b"no scan")
    assert bids("participant", "--participant-label", "02", "03").code == 5
    failure = tmp_path / "out" / "sub-03" / "anat" / "sub-03_T1w" / "failure.json"
    before = failure.stat().st_mtime_ns

    outcome = bids("participant", "--participant-label", "02", "--retry-failed")

    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("1 scan: 1 with a brain age, 0 refused, 0 failed\n")
    assert failure.stat().st_mtime_ns == before
    assert [person for person, *_ in rows(tmp_path)] == ["sub-02", "sub-03"]
    assert bids("participant", "--participant-label", "03").code == 5


def test_results_of_another_age_are_left_out_with_a_word(bids, dataset, tmp_path):
    assert bids("participant", "--participant-label", "02", "03").code == 0
    (dataset / "participants.tsv").write_text("participant_id\tage\n1\t60\nsub-02\t51\n")

    outcome = bids("group")

    assert (outcome.code, rows(tmp_path)) == (0, [("sub-03", "", "")])
    assert "left out of the tables: 1 scan whose results are of another age" in outcome.err
    assert bids("participant", "--participant-label", "02").code == 0
    assert rows(tmp_path) == [("sub-02", "", "51"), ("sub-03", "", "")]


def test_failures_of_files_elsewhere_are_left_out_with_a_word(bids, brainage, dataset, tmp_path):
    (dataset / "sub-03" / "anat" / "sub-03_T1w.nii.gz").write_bytes(b"no scan")
    assert bids("participant", "--participant-label", "03").code == 5
    moved = dataset.rename(tmp_path / "moved")

    outcome = brainage("bids", moved, tmp_path / "out", "group")

    assert outcome.code == 2
    assert "left out of the tables: 1 scan whose results are of another age" in outcome.err


def test_a_session_that_is_not_there_is_said_after_an_earlier_run_too(bids, tmp_path):
    assert bids("participant", "--participant-label", "02").code == 0

    stranger = bids("participant", "--session-label", "c", "a")
    nobody = bids("participant", "--participant-label", "02", "--session-label", "a")

    assert (stranger.code, nobody.code) == (2, 2)
    assert "of 1 of these sessions" in stranger.err and stranger.err.splitlines()[-1] == "  c"
    assert "no scan is of these people and sessions" in nobody.err
    assert rows(tmp_path) == [("sub-02", "", "50")]


def test_an_output_folder_with_too_long_a_name(brainage, dataset, tmp_path):
    participant, group = (
        brainage("bids", dataset, tmp_path / ("x" * 300), level)
        for level in ("participant", "group")
    )

    assert (participant.code, group.code) == (2, 2)
    assert "cannot be made: File name too long" in participant.err
    assert "run the level participant first" in group.err


@pytest.mark.parametrize("name", ["dataset_description.json", ".bidsignore"])
def test_the_own_description_of_a_dataset_stays(brainage, dataset, name):
    (dataset / name).write_text('{"Name": "Scans of the clinic", "BIDSVersion": "1.8.0"}')
    before = sorted(path.relative_to(dataset) for path in dataset.rglob("*"))

    outcome = brainage("bids", dataset, dataset, "participant")

    assert outcome.code == 2
    assert f"this run would replace its {name}" in outcome.err
    assert "Scans of the clinic" in (dataset / name).read_text()
    assert sorted(path.relative_to(dataset) for path in dataset.rglob("*")) == before
