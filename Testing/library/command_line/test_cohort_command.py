"""``brainage cohort`` as people run it."""

from __future__ import annotations

import csv
import sys

import pytest

from BrainAgeLib.records import NOTICE
from BrainAgeLib.resources import sample_scan
from Testing.library.cohort.made_results import failed_row, healthy_rows, write_table

SAMPLE = sample_scan().parent / "simulated_cohort.csv"
COLUMNS = ("--reference", "control", "--measure", "volume", "--score", "score")
EVENT = ("--event", "event", "--event-time", "years_to_event")
SECTIONS = (
    "Group differences at the first scan",
    "How well the gap tells groups apart",
    "What the gap adds to volume",
    "Change over time",
    "Change of score",
    "Time to event",
    "Reliability, and power of a planned study",
    "Diagnostics",
    "Missing data",
    "Exclusions",
    "Methods",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of the whole report on the bundled sample."""
    from BrainAgeLib.command_line.main import main

    output = tmp_path_factory.mktemp("cohort") / "out"
    assert main(["cohort", str(SAMPLE), "--output", str(output), *COLUMNS, *EVENT]) == 0
    return output


def test_the_report_has_every_part_and_the_notice(folder):
    html = (folder / "report.html").read_text("utf-8")

    assert [title for title in SECTIONS if f"<h2>{title}</h2>" not in html] == []
    assert NOTICE in html
    charts = {path.name for path in folder.glob("*.svg")}
    assert {"gap_against_age.svg", "group_differences.svg", "change_over_time.svg"} <= charts


def test_no_p_value_without_interval_and_effect_size(folder):
    with (folder / "numbers.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))

    tested = [row for row in rows if row["p"]]
    assert len(tested) >= 5
    assert all(row["low"] and row["high"] for row in tested)
    sizes = {
        "group difference": "Cohen's d",
        "change over time": "the same in SDs between people",
        "clinical score": "within a person, standardised",
    }
    for analysis, size in sizes.items():
        assert any(row["analysis"] == analysis and row["figure"] == size for row in rows)


def test_the_methods_name_the_models_and_their_limits(folder):
    text = (folder / "methods.txt").read_text("utf-8")

    for words in (
        "raw gap ~ group + age + age^2 + sex",
        "HC3",
        "Holm",
        "regression to the mean",
        "(group + age at first scan) x years",
        "corrected for optimism",
        "Between families nothing is corrected",
        "of 60 people; outside the ages of the line there is none",
        "random intercept",
        "missing at random",
        "Efron",
        "associations, and selection",
        "statsmodels",
    ):
        assert words in text


def test_one_group_at_one_visit_is_described_and_not_compared(brainage, tmp_path):
    people = [entry | {"group": "control"} for entry in healthy_rows(30)]
    table = write_table([*people, failed_row(99)], tmp_path / "results.csv")

    outcome = brainage("cohort", table, "--output", tmp_path / "out")

    words = "There is one group (control), so no groups are compared."
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith(f"{words}\n")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert words in page and "difference of 1 year<" in page and "of 1 years" not in page


def test_what_to_read_first_is_a_line_of_the_terminal(brainage, tmp_path):
    rows = [
        entry | {"group": "ab"[number // 2 % 2], "site": "xy"[number // 4 % 2]}
        for number, entry in enumerate(healthy_rows(40))
    ]
    call = ("cohort", write_table(rows, tmp_path / "results.csv"), "--output", tmp_path / "out")

    outcome = brainage(*call)
    assert outcome.code == 0, outcome.err
    first, *figures = outcome.out.splitlines()
    adjusted = brainage(*call, "--covariate", "site")

    assert first.startswith("Read first: The column site has 2 values and is no covariate")
    assert any("adjusted difference" in line for line in figures)
    assert adjusted.code == 0 and "The column site" not in adjusted.out


def test_names_that_look_like_code_or_markup_are_only_names(brainage, tmp_path):
    names = ("C(group) <script>", "${x} + np.exp(1)")
    rows = [
        entry | {"group": names[number // 2 % 2], "Q('a')": number % 3, "<b>": number % 5}
        for number, entry in enumerate(healthy_rows(40))
    ]
    table = write_table(rows, tmp_path / "results.csv")

    outcome = brainage(
        "cohort",
        table,
        "--output",
        tmp_path / "out",
        "--covariate",
        "Q('a')",
        "--measure",
        "<b>",
    )

    assert outcome.code == 0, outcome.err
    html = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "<script" not in html
    assert "<b>" not in html


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--reference", "nobody"), "no group 'nobody'"),
        (("--measure", "weight"), "no column weight"),
        (("--event", "event"), "--event and --event-time"),
        (("--covariate", "group"), "the name of a column that the models have of their own"),
    ],
)
def test_usage_errors_are_one_line(brainage, tmp_path, options, message):
    outcome = brainage("cohort", SAMPLE, "--output", tmp_path / "out", *options)

    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_missing_extra_names_the_line_that_adds_it(brainage, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels", None)

    outcome = brainage("cohort", SAMPLE, "--output", tmp_path / "out")

    assert outcome.code == 2
    assert 'pip install "slicerbrainage[cohort]"' in outcome.err


def test_a_column_that_is_not_there_is_named_beside_those_that_are(brainage, tmp_path):
    outcome = brainage("cohort", SAMPLE, "--output", tmp_path / "out", "--measure", "volumes")

    header = SAMPLE.read_text("utf-8").splitlines()[0]
    assert outcome.code == 2
    assert f"no column volumes (it has {header.replace(',', ', ')})" in outcome.err


def test_a_table_that_lies_where_the_report_goes_is_refused(brainage, tmp_path):
    table = write_table(healthy_rows(30), tmp_path / "exclusions.csv")
    before = table.read_bytes()

    outcome = brainage("cohort", table, "--output", tmp_path)

    assert outcome.code == 2
    assert f"the table {table} lies where this run writes its exclusions.csv" in outcome.err
    assert table.read_bytes() == before


def test_a_terminal_sees_how_far_it_is(brainage, monkeypatch, tmp_path):
    from BrainAgeLib.command_line import cohort_command
    from BrainAgeLib.command_line.progress import STAGE_WORDS

    told = []
    monkeypatch.setattr(
        cohort_command, "progress_for", lambda *_: lambda *stage: told.append(stage)
    )

    assert brainage("cohort", SAMPLE, "--output", tmp_path / "out").code == 0

    assert len(told) > 3
    assert {name for name, _ in told} <= STAGE_WORDS.keys()
    assert [fraction for _, fraction in told] == sorted(fraction for _, fraction in told)
