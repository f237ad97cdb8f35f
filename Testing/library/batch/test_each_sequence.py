"""``--each-sequence``: of every session the best scan of each sequence, each in its own folder."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from BrainAgeLib.batch.batch import earlier_wish, run_batch
from BrainAgeLib.batch.bids import read_bids
from BrainAgeLib.batch.choice import EACH, choose
from BrainAgeLib.batch.scan_list import find_scans
from BrainAgeLib.batch.tree import read_tree
from BrainAgeLib.codec import to_text
from BrainAgeLib.errors import InputError
from BrainAgeLib.model.card import read_card
from Testing.library.batch.made_batches import HereWorkers, quick_settings
from Testing.library.batch.made_trees import write_image
from Testing.library.batch.test_choice import BROKEN, DWI, FLAIR, T1, T2, UNTOLD
from Testing.library.batch.test_other_sequences import dataset, names_of, study
from Testing.library.model_folders import knowing_sets

GIVEN = "--each-sequence was given"
AFTER_AGENT = replace(T1, description="T1 after gadolinium")


def each_of(root):
    """Return the scans of a tree, and what was decided."""
    return read_tree(root, root / "out", EACH)


class TestChoice:
    def test_the_best_of_each_is_taken_in_order(self):
        few = replace(T1, slice_count=12)

        choice = choose([FLAIR, few, T2, AFTER_AGENT, T1, DWI], EACH)

        assert choice.taken == [T1, AFTER_AGENT, T2, FLAIR]
        assert choice.reasons[1].endswith(", but another series fits better")
        assert choice.reasons[5].startswith("diffusion")
        assert all(choice.reasons[number].endswith(GIVEN) for number in (0, 2, 3, 4))

    def test_what_no_header_tells_stands_for_a_t1(self):
        assert choose([T2, UNTOLD], EACH).taken == [UNTOLD, T2]
        assert choose([T1, UNTOLD], EACH).taken == [T1]

    def test_what_cannot_be_read_is_a_row_if_nothing_else_is_of_its_sequence(self):
        broken_t2 = replace(BROKEN, description="T2")

        assert choose([T1, broken_t2, FLAIR], EACH).taken == [T1, broken_t2, FLAIR]
        assert choose([T1, T2, broken_t2], EACH).taken == [T1, T2]


class TestDataset:
    def test_a_session_gives_all_of_its_sequences_the_t1_first(self, tmp_path):
        root = dataset(
            tmp_path,
            *("sub-1_ses-a_FLAIR", "sub-1_ses-a_T1w", "sub-1_ses-a_T2w", "sub-1_ses-a_PDw"),
            *("sub-1_ses-a_ce-gadolinium_T1w", "sub-1_ses-b_T2w", "sub-2_run-1_T1w"),
            "sub-2_run-2_T1w",
        )

        entries, decisions = read_bids(root, wish=EACH)

        assert names_of(entries) == [
            *("sub-1_ses-a_T1w", "sub-1_ses-a_ce-gadolinium_T1w", "sub-1_ses-a_T2w"),
            *("sub-1_ses-a_FLAIR", "sub-1_ses-b_T2w", "sub-2_run-1_T1w", "sub-2_run-2_T1w"),
        ]
        assert [entry.taken_as for entry in entries] == [
            *("T1w", "T1w after contrast", "T2w", "FLAIR", "T2w", "T1w", "T1w"),
        ]
        assert {(one.id, one.session) for one in entries[:4]} == {("sub-1", "ses-a")}
        assert [one.selection for one in entries] == ["", GIVEN, GIVEN, GIVEN, GIVEN, "", ""]
        assert len({entry.folder for entry in entries}) == len(entries)
        (left_out,) = [one for one in decisions if not one.chosen]
        assert left_out.reason == "PDw: --sequence PDw chooses it"

    def test_files_beside_the_people_are_sequences_of_one_visit(self, tmp_path):
        dataset(tmp_path, "sub-1_T1w")
        for name in ("p9_T1_5mm", "p9_T2_4mm"):
            write_image(tmp_path / f"{name}.nii.gz")

        entries, _ = read_bids(tmp_path, wish=EACH)

        assert [(one.id, one.session) for one in entries[1:]] == [("p9", ""), ("p9", "")]


class TestTree:
    def test_a_study_gives_a_row_a_sequence_in_a_folder_of_its_own(self, tmp_path):
        study(tmp_path / "p1" / "v1", "T2", "T1", "FLAIR", "T1")

        entries, decisions = each_of(tmp_path)

        assert [Path(entry.scan).name for entry in entries] == ["s2", "s1", "s3"]
        assert {(entry.id, entry.session) for entry in entries} == {("p1", "v1")}
        assert [entry.folder for entry in entries] == ["p1_v1_T1w", "p1_v1_T2w", "p1_v1_FLAIR"]
        assert [entry.selection for entry in entries] == ["", GIVEN, GIVEN]
        assert [one.chosen for one in decisions].count(True) == 3
        assert all((one.id, one.session) == ("p1", "v1") for one in decisions)

    @pytest.mark.parametrize(
        ("names", "visits"),
        [
            (("p1_T1", "p1_T2", "p2_T1"), [("p1", ""), ("p1", ""), ("p2", "")]),
            (("p1_T1_5mm", "p1_T2_4mm"), [("p1", ""), ("p1", "")]),
            (("p1/T1_5mm", "p1/T2_4mm"), [("p1", ""), ("p1", "")]),
            (("p1/t1/T1", "p1/t2/T2"), [("p1", ""), ("p1", "")]),
            (("p1/ax_t1_5.5mm", "p1/brain_t2_4mm"), [("p1", ""), ("p1", "")]),
            (("p1/v1/T1", "p1/v2/T2"), [("p1", "v1"), ("p1", "v2")]),
        ],
    )
    def test_files_are_of_one_visit_by_their_names(self, tmp_path, names, visits):
        for name in names:
            write_image(tmp_path / f"{name}.nii.gz")

        entries, _ = each_of(tmp_path)

        assert [(entry.id, entry.session) for entry in entries] == visits

    @pytest.mark.parametrize(
        "names",
        [
            ("T1_anna", "T2_bert"),
            ("2019/T1_anna", "2019/FLAIR_bert"),
            ("brain_01_T1", "brain_02_T2"),
            ("p1_pre_T1", "p1_post_T2"),
            ("p1/pre/T1", "p1/post/T2"),
            ("p1/T1post", "p1/T2"),
            ("km/T1", "se/T2"),
            ("p1/T1/v1", "p1/T2/v2"),
        ],
    )
    def test_two_people_or_visits_are_never_one(self, tmp_path, names):
        for name in names:
            write_image(tmp_path / f"{name}.nii.gz")

        entries, _ = each_of(tmp_path)

        assert len({(entry.id, entry.session) for entry in entries}) == len(names)

    def test_two_scans_of_one_sequence_may_be_two_people(self, tmp_path):
        for name in ("T1_anna", "T1_bob", "T2_bob"):
            write_image(tmp_path / "p" / f"{name}.nii.gz")

        entries, _ = each_of(tmp_path)

        assert names_of(entries) == ["T1_anna", "T1_bob", "T2_bob"]
        assert entries[0].id != entries[1].id == entries[2].id

    def test_rows_of_two_studies_of_one_place_keep_their_sequences_together(self, tmp_path):
        study(tmp_path / "p1", "T1", "T2")
        for name in ("T1", "T2"):
            write_image(tmp_path / "p1" / f"{name}.nii.gz")

        entries, _ = each_of(tmp_path)

        visits = [(one.id, one.session) for one in entries]
        assert len(set(visits)) == 2
        assert all(visits.count(visit) == 2 for visit in visits)
        assert len({(one.id, one.session, one.taken_as) for one in entries}) == 4

    def test_scans_that_cannot_be_read_are_told_apart_in_their_session(self, tmp_path):
        write_image(tmp_path / "p1" / "T1.nii.gz")
        for name in ("T2.nii.gz", "T2_tse.nii.gz"):
            (tmp_path / "p1" / name).write_bytes(b"broken")

        entries, _ = each_of(tmp_path)

        assert [(one.session, one.taken_as) for one in entries] == [
            *(("", "T1w"), ("T2", "T2w"), ("T2_tse", "T2w")),
        ]


@pytest.fixture
def batch(brain_file, small_model, tmp_path):
    """Return what runs a batch of one session of T1w and T2w, whose pictures are both a T1."""
    folder = dataset(tmp_path / "data") / "sub-1" / "anat"
    folder.mkdir(parents=True)
    for name in ("T1w", "T2w"):
        (folder / f"sub-1_{name}.nii.gz").symlink_to(brain_file)

    def run(each_sequence=True, model=small_model):
        settings = quick_settings(tmp_path / "out", model)
        chosen = replace(settings, each_sequence=each_sequence)
        workers = HereWorkers(chosen)
        scans = find_scans(str(tmp_path / "data"), settings.output, chosen.wish)
        return run_batch(scans, chosen, workers.start, lambda *_: None), workers.given

    return run


def test_both_tables_are_written_and_nothing_is_done_twice(batch, tmp_path):
    rows, given = batch()
    again, given_again = batch()

    assert (len(given), given_again) == (2, [])
    assert rows == again
    with (tmp_path / "out" / "results.csv").open(newline="") as lines:
        assert [line["sequence"] for line in csv.DictReader(lines)] == ["T1w", "T1w"]
    with (tmp_path / "out" / "sessions.csv").open(newline="") as lines:
        (line,) = csv.DictReader(lines)
    assert line["T1w_brain_age_years"] and not line["T2w_verdict"]
    assert line["notes"].startswith("sub-1_T2w.nii.gz (")
    assert line["notes"].endswith(") is T1w, too, and does not count")
    assert "sessions.csv" in (tmp_path / "out" / ".bidsignore").read_text()


def test_the_age_of_both_sequences_reaches_the_table(batch, small_model, tmp_path):
    """The pictures are both of a T1; that one is of a T2w is written into its record."""
    model = Path(shutil.copytree(small_model, tmp_path / "model"))
    (model / "card.json").write_text(to_text(knowing_sets(read_card(small_model))))
    batch(model=model)
    (file,) = (tmp_path / "out").rglob("sub-1_T2w/prediction.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"sequence": "T2w"}))

    (t1, t2), given = batch(model=model)

    assert given == []
    with (tmp_path / "out" / "sessions.csv").open(newline="") as lines:
        (line,) = csv.DictReader(lines)
    expected = 0.75 * t1.brain_age_years + 0.25 * t2.brain_age_years
    assert float(line["together_brain_age_years"]) == pytest.approx(expected, abs=1e-3)
    assert line["together_of"] == "T1w 0.75;T2w 0.25"


def test_results_of_the_t1_alone_are_those_of_another_option(batch, tmp_path):
    batch()

    assert earlier_wish(tmp_path / "out") == EACH
    with pytest.raises(InputError, match="other options") as caught:
        batch(each_sequence=False)
    assert caught.value.details == ("each sequence: yes before, no now",)


def test_a_folder_that_does_not_name_the_option_goes_on_without_it(batch, tmp_path):
    batch(each_sequence=False)
    file = tmp_path / "out" / "batch.json"
    options = json.loads(file.read_text())
    assert options.pop("each_sequence") is False
    file.write_text(json.dumps(options))

    assert batch(each_sequence=False)[1] == []
    with pytest.raises(InputError, match="other options"):
        batch()
