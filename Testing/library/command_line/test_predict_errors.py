"""``brainage predict`` with what cannot be: exit code 2, one line, nothing lost."""

from __future__ import annotations

import json
import shutil

import pytest
import torch


@pytest.fixture
def out(tmp_path):
    """Return the output folder."""
    return tmp_path / "out"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--age", "0"],
        ["--age", "-4"],
        ["--age", "131"],
        ["--age", "nan"],
        ["--age", "inf"],
        ["--threads", "0"],
        ["--threads", "-2"],
        ["--device", "gpu"],
        ["--device", "cuda:99"],
        ["--device", ""],
        ["--model", "nowhere"],
        ["--correction", "guess"],
        ["--series", "1.2.3"],
    ],
)
def test_a_value_that_cannot_be_is_one_line_and_2(brainage, fast, out, arguments):
    outcome = brainage(*fast, "--output", out, *arguments)

    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("brainage: error: ")
    assert outcome.err.count("\n") == 1
    assert not out.exists() or not list(out.iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--age", "thirty"], "'thirty' is no number of years, such as 30.5"),
        (["--sex", "x"], "'x' is not known: give F or M"),
    ],
)
def test_what_is_no_age_or_sex_is_said_in_words(brainage, fast, out, arguments, words):
    outcome = brainage(*fast, "--output", out, *arguments)

    assert outcome.code == 2
    assert words in outcome.err


@pytest.mark.parametrize(("given", "sex"), [("f", "F"), ("Female", "F"), ("male", "M")])
def test_a_decimal_comma_and_a_sex_in_words(brainage, fast, out, given, sex):
    outcome = brainage(*fast, "--output", out, "--age", "30,5", "--sex", given)

    record = json.loads((out / "prediction.json").read_text("utf-8"))
    assert outcome.code == 0
    assert (record["chronological_age_years"], record["sex"]) == (30.5, sex)
    assert f"Results            {out}" in outcome.out


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
def test_a_device_that_is_absent_is_2(brainage, fast, out, monkeypatch, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)

    outcome = brainage(*fast, "--output", out, "--device", name)

    assert outcome.code == 2
    assert f"the device {name} is not available" in outcome.err


@pytest.mark.parametrize("scan", ["nowhere.nii.gz", "", "."])
def test_a_scan_that_cannot_be_read_is_2(brainage, fast, out, tmp_path, monkeypatch, scan):
    monkeypatch.chdir(tmp_path)
    fast[1] = scan

    outcome = brainage(*fast, "--output", out)

    assert outcome.code == 2
    assert outcome.err.startswith("brainage: error: ")
    assert outcome.err.count("\n") == 1


def test_a_folder_below_one_that_is_missing_is_made(brainage, fast, tmp_path):
    outcome = brainage(*fast, "--output", tmp_path / "missing" / "out")

    assert outcome.code == 0
    assert (tmp_path / "missing" / "out" / "prediction.json").exists()


def test_the_scan_is_never_overwritten(brainage, fast, brain_file, out):
    out.mkdir()
    fast[1] = shutil.copy(brain_file, out / "brain_mask.nii.gz")
    before = (out / "brain_mask.nii.gz").read_bytes()

    outcome = brainage(*fast, "--output", out)

    assert outcome.code == 2
    assert (out / "brain_mask.nii.gz").read_bytes() == before


@pytest.mark.parametrize(
    ("scan", "arguments"),
    [
        ("nowhere.nii.gz", []),
        ("notes.txt", []),
        (None, ["--device", "cuda:99"]),
        (None, ["--correction", "foo"]),
        (None, ["--site", "nowhere.json"]),
        (None, ["--series", "1.2.3"]),
    ],
)
def test_a_mistyped_command_leaves_the_earlier_result(
    brainage, fast, out, tmp_path, monkeypatch, scan, arguments
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("no scan", "utf-8")
    assert brainage(*fast, "--output", out).code == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    fast[1] = scan or fast[1]

    outcome = brainage(*fast, "--output", out, *arguments)

    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_an_earlier_result_that_goes_is_told_in_one_line(brainage, fast, out):
    first, second = (brainage(*fast, "--output", out) for _ in range(2))

    assert (first.code, second.code) == (0, 0)
    assert "earlier result" not in first.err
    assert second.err.count(f"the earlier result in {out} was removed\n") == 1


def test_files_of_the_user_by_our_names_are_named_and_no_earlier_result(brainage, fast, out):
    out.mkdir()
    for name in ("prediction.json", "report.html", "thumbnail.png"):
        (out / name).write_text("{}", "utf-8")

    outcome = brainage(*fast, "--output", out)

    assert outcome.code == 0
    assert (
        f"warning: prediction.json, report.html and thumbnail.png in {out} were removed\n"
        in outcome.err
    )
    assert "earlier result" not in outcome.err
