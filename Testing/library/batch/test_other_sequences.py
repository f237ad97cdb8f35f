"""A batch takes T2w or FLAIR where there is no T1, and what ``--sequence`` names, and says so."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from BrainAgeLib.batch.batch import earlier_wish, run_batch
from BrainAgeLib.batch.bids import is_bids, read_bids
from BrainAgeLib.batch.scan_list import find_scans
from BrainAgeLib.batch.tree import read_tree
from Testing.library.batch.made_batches import HereWorkers, quick_settings
from Testing.library.batch.made_trees import tree, write_image
from Testing.library.scan.made_dicom import write_series

STUDY = "1.2.840.99999.9"
TIMES = {
    "T1": {"EchoTime": 12.0, "RepetitionTime": 550.0},
    "T2": {"EchoTime": 98.0, "RepetitionTime": 4500.0},
    "FLAIR": {"EchoTime": 110.0, "RepetitionTime": 9000.0, "InversionTime": 2500.0},
}


def dataset(root, *names):
    """Make a described BIDS dataset of empty files; return its folder."""
    root.mkdir(exist_ok=True)
    (root / "dataset_description.json").write_text("{}")
    for name in names:
        subject, *others = name.split("_")
        session = [part for part in others if part.startswith("ses-")]
        path = root.joinpath(subject, *session, "anat", f"{name}.nii.gz")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def names_of(entries):
    return [Path(entry.path).name.split(".")[0] for entry in entries]


def study(folder, *kinds, **tags):
    """Write one DICOM study with a series of each of these kinds."""
    for number, kind in enumerate(kinds, 1):
        uids = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": f"{STUDY}.{number}"}
        write_series(folder / f"s{number}", range(9), **uids, **TIMES[kind], **tags)
    return folder


class TestDataset:
    def test_each_session_gives_its_first_sequence(self, tmp_path):
        root = dataset(
            tmp_path,
            *("sub-1_ses-a_T1w", "sub-1_ses-a_T2w", "sub-1_ses-b_T2w", "sub-1_ses-b_FLAIR"),
            *("sub-2_FLAIR", "sub-3_T2w", "sub-3_run-2_T2w", "sub-4_PDw"),
        )

        entries, decisions = read_bids(root)

        assert names_of(entries) == [
            *("sub-1_ses-a_T1w", "sub-1_ses-b_T2w", "sub-2_FLAIR"),
            *("sub-3_T2w", "sub-3_run-2_T2w"),
        ]
        t2 = "no T1w scan; T2w is taken instead"
        flair = "no T1w scan; FLAIR is taken instead"
        assert [entry.selection for entry in entries] == ["", t2, flair, t2, t2]
        reasons = {Path(one.path).name.split(".")[0]: one.reason for one in decisions}
        assert reasons["sub-2_FLAIR"] == f"sub-2/anat/sub-2_FLAIR.nii.gz is a FLAIR scan; {flair}"
        assert reasons["sub-1_ses-a_T2w"] == (
            "T2w: a T1w scan is preferred; --sequence T2w chooses T2w"
        )
        assert reasons["sub-1_ses-b_FLAIR"] == (
            "FLAIR: a T2w scan is preferred; --sequence FLAIR chooses FLAIR"
        )
        assert reasons["sub-4_PDw"] == "PDw: --sequence PDw chooses it"
        assert entries[1].folder == "sub-1/ses-b/anat/sub-1_ses-b_T2w"

    def test_a_t1_after_contrast_agent_goes_before_a_t2(self, tmp_path):
        root = dataset(tmp_path, "sub-1_ce-gadolinium_T1w", "sub-1_T2w")

        (entry,), _ = read_bids(root)

        assert names_of([entry]) == ["sub-1_ce-gadolinium_T1w"]
        assert entry.selection == "no T1w scan from before the contrast agent"

    def test_a_t1_whose_name_is_against_the_rules_is_of_no_use(self, tmp_path):
        root = dataset(tmp_path, "sub-1_visit_T1w", "sub-1_T2w")

        (entry,), _ = read_bids(root)

        assert entry.selection == "no T1w scan of use; T2w is taken instead"

    @pytest.mark.parametrize(
        ("wish", "taken"),
        [
            ("T1w", ["sub-1_T1w"]),
            ("T2w", ["sub-1_T2w", "sub-2_T2w"]),
            ("FLAIR", ["sub-2_FLAIR"]),
            ("PDw", ["sub-1_PDw"]),
        ],
    )
    def test_a_wish_decides(self, tmp_path, wish, taken):
        root = dataset(
            tmp_path, *("sub-1_T1w", "sub-1_T2w", "sub-1_PDw", "sub-2_T2w", "sub-2_FLAIR")
        )

        entries, decisions = read_bids(root, wish=wish)

        assert names_of(entries) == taken
        said = {entry.selection for entry in entries}
        assert said == {"" if wish == "T1w" else f"--sequence {wish} was given"}
        left_out = [one.reason for one in decisions if not one.chosen]
        assert len(left_out) == 5 - len(taken)
        assert all(reason.endswith(f"; --sequence {wish} was given") for reason in left_out)

    def test_tables_of_two_sequences_can_be_joined(self, tmp_path):
        root = dataset(tmp_path, "sub-1_ses-a_T1w", "sub-1_ses-a_T2w", "sub-2_T1w", "sub-2_T2w")

        of_t1, of_t2 = (
            [(one.id, one.session) for one in read_bids(root, wish=wish)[0]]
            for wish in ("T1w", "T2w")
        )

        assert of_t1 == of_t2 and len(set(of_t1)) == 2

    def test_who_has_no_scan_of_the_sequence_has_a_line(self, tmp_path):
        root = dataset(tmp_path, "sub-1_T1w", "sub-2_T2w")
        (root / "participants.tsv").write_text("participant_id\tage\nsub-1\t60\nsub-2\t70\n")

        entries, _ = read_bids(root)
        of_wish, decisions = read_bids(root, wish="T2w")

        assert [entry.age_years for entry in entries] == [60.0, 70.0]
        assert [entry.age_years for entry in of_wish] == [70.0]
        assert ("sub-1", "named in participants.tsv, no T2w scan") in {
            (one.id, one.reason) for one in decisions
        }

    def test_names_of_other_sequences_alone_make_no_dataset(self, tmp_path):
        write_image(tmp_path / "sub-1" / "anat" / "sub-1_T1.nii.gz")
        write_image(tmp_path / "sub-1" / "anat" / "sub-1_T2w.nii.gz")

        assert not is_bids(tmp_path)
        assert names_of(tree(tmp_path)[0]) == ["sub-1_T1"]
        (tmp_path / "dataset_description.json").write_text("{}")
        assert is_bids(tmp_path)


class TestStudy:
    @pytest.mark.parametrize(
        ("kinds", "taken", "sequence"),
        [
            (("T2",), "s1", "T2w"),
            (("FLAIR", "T2"), "s2", "T2w"),
            (("FLAIR",), "s1", "FLAIR"),
            (("T2", "FLAIR", "T1"), "s3", None),
        ],
    )
    def test_the_first_sequence_is_taken_and_said(self, tmp_path, kinds, taken, sequence):
        study(tmp_path / "p1", *kinds)

        (entry,), decisions = tree(tmp_path)

        assert Path(entry.scan).name == taken
        why = f"no T1w scan; {sequence} is taken instead" if sequence else ""
        assert entry.selection == why
        (chosen,) = [one for one in decisions if one.chosen]
        assert chosen.reason.endswith(why)

    def test_a_wish_decides(self, tmp_path):
        study(tmp_path / "p1", "T1", "FLAIR", "T2")

        (entry,), decisions = read_tree(tmp_path, tmp_path / "out", "FLAIR")

        assert Path(entry.scan).name == "s2"
        assert entry.selection == "--sequence FLAIR was given"
        assert all("--sequence FLAIR was given" in one.reason for one in decisions)

    def test_a_study_without_the_wish_is_a_row_that_says_so(self, tmp_path):
        study(tmp_path / "p1", "T1")

        (entry,), _ = read_tree(tmp_path, tmp_path / "out", "T2w")

        assert entry.complaint.startswith("no T2w series among 1: T1 (TE 12 ms, TR 550 ms)")

    @pytest.mark.parametrize(
        "tags",
        [{"ScanningSequence": ["EP", "SE"]}, {"Modality": "CT"}, {"SeriesDescription": "T2*"}],
    )
    def test_what_no_model_reads_is_not_taken(self, tmp_path, tags):
        study(tmp_path / "p1", "T2", **tags)

        (entry,), _ = tree(tmp_path)

        assert entry.complaint.startswith("no T1-weighted, T2-weighted or FLAIR series among 1: ")


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (("p1_T2", "p2_T1"), ["p1_T2", "p2_T1"]),
        (("p1/T1_5mm", "p1/T2_4mm"), ["T1_5mm"]),
        (("p1_T1_5mm", "p1_T2_4mm"), ["p1_T1_5mm"]),
        (("p1/t1/T1", "p1/t2/T2"), ["T1"]),
        (("p1/v1/T1", "p1/v2/T2"), ["T1", "T2"]),
        (("p1/t2/T2", "p1/flair/FLAIR"), ["T2"]),
    ],
)
def test_in_files_nothing_takes_the_place_of_a_persons_t1(tmp_path, names, taken):
    for name in names:
        write_image(tmp_path / f"{name}.nii.gz")

    entries, decisions = tree(tmp_path)

    assert sorted(names_of(entries)) == sorted(taken)
    assert len(decisions) == 2
    assert all(one.chosen or "is preferred; --sequence" in one.reason for one in decisions)


def test_results_and_page_say_what_was_taken_and_why(brain_file, small_model, tmp_path):
    folder = dataset(tmp_path / "data") / "sub-1" / "anat"
    folder.mkdir(parents=True)
    (folder / "sub-1_T2w.nii.gz").symlink_to(brain_file)
    settings = quick_settings(tmp_path / "out", small_model)

    scans = find_scans(str(tmp_path / "data"), settings.output)
    run_batch(scans, settings, HereWorkers(settings).start, lambda *_: None)

    why = "no T1w scan; T2w is taken instead"
    with (settings.output / "results.csv").open(newline="") as lines:
        assert [row["selection"] for row in csv.DictReader(lines)] == [why]
    assert why in (settings.output / "index.html").read_text()
    assert why in (settings.output / "selection.csv").read_text()
    assert earlier_wish(settings.output) is None


def test_the_sequence_of_earlier_results_is_known(tmp_path):
    assert earlier_wish(tmp_path) is None
    for text, known in (('{"sequence": "T2w"}', "T2w"), ("{", None), ('{"sequence": []}', None)):
        (tmp_path / "batch.json").write_text(text)
        assert earlier_wish(tmp_path) == known
