"""``brainage predict`` as users script against it: exit codes, events, files, one line an error."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
import torch

from BrainAgeLib import pipeline
from BrainAgeLib.records import NOTICE
from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.stages import STAGE_ENDS
from BrainAgeLib.template.registration import Registration
from Testing.library.phantoms import moved, rigid_motion, write_volume

NIFTI_DESCRIPTION = slice(148, 228)


def record_in(folder):
    """Return the record that a run wrote."""
    return json.loads((folder / "prediction.json").read_text("utf-8"))


def without(record, *names):
    """Return a record without what may differ between runs of the same image."""
    return {name: value for name, value in record.items() if name not in names}


@pytest.fixture
def out(tmp_path):
    """Return the output folder."""
    return tmp_path / "out"


@pytest.fixture(scope="module")
def beside(thick_brain, tmp_path_factory):
    """Return a brain that lies far from where the template has one."""
    far = moved(thick_brain, rigid_motion(shift_mm=(0, 0, 600)))
    return write_volume(far, tmp_path_factory.mktemp("beside") / "beside.nii.gz")


@pytest.fixture
def doubtful(monkeypatch):
    """Let every registration come out so badly that the gate refuses, without its seconds."""
    monkeypatch.setattr(
        pipeline, "register_to_template", lambda *_: Registration(np.eye(4), similarity=0.2)
    )


def test_the_full_job_says_its_result_and_nothing_else(full_job):
    assert full_job.code == 0, full_job.err
    assert full_job.err == ""
    lines = full_job.out.splitlines()
    assert lines[0].startswith("Raw brain age")
    assert any(line.startswith("Chronological age") and "30" in line for line in lines)
    assert any(str(full_job.folder / "report.html") in line for line in lines)
    assert lines[-1] == NOTICE


def test_events_of_a_run(brainage, brain_file, small_model, out):
    outcome = brainage(
        *("predict", brain_file, "--output", out, "--in-template-space"),
        *("--model", small_model, "--json-lines"),
    )

    events = [json.loads(line) for line in outcome.out.splitlines()]
    assert outcome.code == 0
    assert outcome.err == ""
    *stages, result = events
    assert result == {
        "event": "result",
        "path": str(out / "prediction.json"),
        "verdict": record_in(out)["quality"]["verdict"],
    }
    assert all(set(event) == {"event", "name", "fraction"} for event in stages)
    assert list(dict.fromkeys(event["name"] for event in stages)) == list(STAGE_ENDS)
    fractions = [event["fraction"] for event in stages]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)


def test_a_refused_scan_is_3_with_a_record_without_numbers(brainage, beside, fast, out):
    fast[1] = beside

    outcome = brainage(*fast, "--output", out, "--age", "50")

    record = record_in(out)
    assert outcome.code == 3
    assert "No brain age, scan refused" in outcome.out
    assert outcome.err == ""
    assert record["quality"]["verdict"] == "refuse"
    assert [finding["code"] for finding in record["quality"]["findings"]] == [
        "not_in_template_space"
    ]
    for name in ("brain_age_years", "interval_years", "gap_years", "corrected_gap_years"):
        assert record[name] is None
    assert record["chronological_age_years"] == 50.0


def test_programs_hear_of_a_refusal_as_a_result(brainage, beside, fast, out):
    fast[1] = beside

    outcome = brainage(*fast, "--output", out, "--json-lines")

    last = json.loads(outcome.out.splitlines()[-1])
    assert outcome.code == 3
    assert last == {
        "event": "result",
        "path": str(out / "prediction.json"),
        "verdict": "refuse",
    }


@pytest.fixture
def nothing(tmp_path):
    """Return an image without any brain."""
    voxels = np.full((20, 64, 64), -5.0, np.float32)
    voxels[0, 0, 0] = -6.0
    return write_volume(Volume(voxels, np.diag([3.0, 3.0, 6.0, 1.0])), tmp_path / "nothing.nii.gz")


def test_an_image_without_a_brain_is_refused(brainage, nothing, fast, out):
    fast[1] = nothing

    outcome = brainage(*fast, "--output", out)

    assert outcome.code == 3
    assert record_in(out)["quality"]["findings"][0]["code"] == "no_brain"
    assert [path.name for path in out.iterdir()] == ["prediction.json"]


@pytest.mark.usefixtures("doubtful")
def test_force_gives_the_number_but_not_the_verdict(brainage, brain_file, small_model, out):
    run = ["predict", brain_file, "--brain-extracted", "--model", small_model, "--output", out]

    refused = brainage(*run, "--no-saliency", "--no-report")
    refused_record = record_in(out)
    forced = brainage(*run, "--no-saliency", "--no-report", "--force")

    assert refused.code == 3
    assert refused_record["brain_age_years"] is None
    assert forced.code == 0
    assert record_in(out)["quality"] == refused_record["quality"]
    assert record_in(out)["brain_age_years"] is not None
    assert forced.out.startswith("REFUSED, BUT FORCED")


def test_force_cannot_give_what_is_not_there(brainage, nothing, fast, out):
    fast[1] = nothing

    outcome = brainage(*fast, "--output", out, "--force")

    assert outcome.code == 3
    assert record_in(out)["brain_age_years"] is None


def test_a_single_slice_that_has_to_be_registered_is_refused(
    brainage, thick_brain, small_model, out, tmp_path
):
    middle = len(thick_brain.voxels) // 2
    alone = Volume(thick_brain.voxels[middle : middle + 1], thick_brain.affine)
    scan = write_volume(alone, tmp_path / "slice.nii.gz")

    outcome = brainage(
        *("predict", scan, "--brain-extracted", "--output", out, "--model", small_model)
    )

    codes = {finding["code"] for finding in record_in(out)["quality"]["findings"]}
    assert outcome.code == 3
    assert codes == {"not_registered"}
    assert {path.name for path in out.iterdir()} == {
        "prediction.json",
        "report.html",
        "brain_mask.nii.gz",
    }


@pytest.mark.parametrize(
    "person",
    [
        ["--age", "21.5"],
        ["--age", "87", "--sex", "F"],
        ["--sex", "M"],
        ["--age", "50", "--correction", "none"],
        ["--age", "50", "--correction", "cole"],
        ["--threads", "2"],
    ],
)
def test_the_raw_age_depends_on_the_image_alone(brainage, fast, out, tmp_path, person):
    brainage(*fast, "--output", tmp_path / "plain")

    assert brainage(*fast, "--output", out, *person).code == 0

    plain, known = record_in(tmp_path / "plain"), record_in(out)
    assert known["brain_age_years"] == plain["brain_age_years"]
    assert known["interval_years"] == plain["interval_years"]


def test_person_and_correction_are_in_the_record(brainage, fast, out):
    brainage(*fast, "--output", out, "--age", "50", "--sex", "F", "--correction", "cole")

    record = record_in(out)
    assert (record["chronological_age_years"], record["sex"]) == (50.0, "F")
    assert record["correction"]["method"] == "cole"
    assert record["gap_years"] == pytest.approx(record["brain_age_years"] - 50.0, abs=1e-4)
    assert record["corrected_gap_years"] == pytest.approx(
        record["corrected_brain_age_years"] - 50.0, abs=1e-4
    )
    assert 0 <= record["gap_percentile"] <= 100


def test_name_and_header_comment_of_the_file_do_not_matter(
    brainage, fast, brain_file, out, tmp_path
):
    brainage(*fast, "--output", tmp_path / "plain")
    content = bytearray(gzip.decompress(brain_file.read_bytes()))
    content[NIFTI_DESCRIPTION] = b"DOE^JANE age 93".ljust(80, b"\0")
    other = tmp_path / "sub-093_age-12_F.nii"
    other.write_bytes(content)
    fast[1] = other

    assert brainage(*fast, "--output", out).code == 0

    ours = ("input", "timings_seconds")
    assert without(record_in(out), *ours) == without(record_in(tmp_path / "plain"), *ours)
    assert record_in(out)["input"]["path"] == str(other)


def test_the_same_run_twice_gives_the_same_numbers(brainage, fast, out, tmp_path):
    for folder in (out, tmp_path / "again"):
        assert brainage(*fast, "--output", folder, "--age", "50").code == 0

    once, again = (without(record_in(f), "timings_seconds") for f in (out, tmp_path / "again"))
    assert once == again


def test_who_is_quiet_says_errors_alone(brainage, fast, out):
    done = brainage(*fast, "--output", out, "--quiet")
    fast[1] = "nowhere.nii"
    failed = brainage(*fast, "--output", out, "--quiet")

    assert (done.code, done.out, done.err) == (0, "", "")
    assert (failed.code, failed.out) == (2, "")
    assert failed.err == "brainage: error: nowhere.nii does not exist (check the path)\n"


@pytest.mark.parametrize("how", ["--quiet", "--verbose"])
def test_events_are_the_same_however_much_is_said(brainage, fast, out, how):
    usual = brainage(*fast, "--output", out, "--json-lines")
    other = brainage(*fast, "--output", out, "--json-lines", how)

    assert other.out == usual.out
    assert ("prediction took" in other.err) == (how == "--verbose")


def test_nobody_is_verbose_and_quiet(brainage, fast, out):
    assert brainage(*fast, "--output", out, "--quiet", "--verbose").code == 2


def test_threads_are_as_many_as_asked_for(brainage, fast, out, monkeypatch):
    seen = []
    find_brain = pipeline.find_brain

    def watched(*arguments):
        seen.append(torch.get_num_threads())
        return find_brain(*arguments)

    monkeypatch.setattr(pipeline, "find_brain", watched)
    assert brainage(*fast, "--output", out, "--threads", "3").code == 0
    assert seen == [3]
