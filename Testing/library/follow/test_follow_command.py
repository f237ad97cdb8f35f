"""``brainage follow``: what programs hear, and whose error of a scan is taken."""

from __future__ import annotations

import json

import pytest

from BrainAgeLib import resources
from BrainAgeLib.model.card import read_card
from BrainAgeLib.records import Finding, Quality
from Testing.library.cohort.made_results import row, write_table
from Testing.library.follow.made_people import OWN_ERROR, record
from Testing.library.scan.made_dicom import write_series


@pytest.mark.parametrize("worst", ["pass", "warn", "refuse"])
def test_programs_hear_the_worst_verdict_of_the_scans(brainage, tmp_path, model, worst):
    findings = () if worst == "pass" else (Finding("noise", worst, "Noisy.", 0.2, 0.1),)
    first = record(tmp_path / "a", 61.0, 60.5, quality=Quality(findings))
    later = record(tmp_path / "b", 64.0, 62.5, quality=Quality(()))

    out = tmp_path / "out"
    call = ("follow", first, later, "--output", out, "--json-lines", *OWN_ERROR, *model)
    done = brainage(*call)

    assert done.code == 0, done.err
    assert json.loads(done.out.splitlines()[-1])["verdict"] == worst


@pytest.mark.parametrize("is_table", [False, True])
def test_the_error_of_another_model_is_not_taken(brainage, tmp_path, is_table):
    if is_table:
        rows = [
            row(1, age, 61.0, session=f"{age}") | {"model": "thick-slice 8"} for age in (60, 62)
        ]
        given = [write_table(rows, tmp_path / "results.csv")]
    else:
        given = [record(tmp_path / name, 61.0, age) for name, age in (("a", 60.1), ("b", 61.2))]
    call = ("follow", *given, "--output", tmp_path / "out")

    refused, measured = brainage(*call), brainage(*call, *OWN_ERROR)

    assert refused.code == 2 and measured.code == 0, measured.err
    assert "known of the model thick-slice" in refused.err and "--model" in refused.err


@pytest.mark.parametrize("is_named", [True, False])
def test_a_table_of_the_card_s_model_or_of_none_has_its_error(brainage, tmp_path, is_named):
    card = read_card(resources.models_folder() / "thick-slice")
    own = {"model": f"{card.name} {card.version}" if is_named else ""}
    rows = [row(1, age, 61.0, session=f"{age}") | own for age in (60, 62)]

    done = brainage("follow", write_table(rows, tmp_path / "r.csv"), "--output", tmp_path / "out")

    assert done.code == 0, done.err


@pytest.mark.parametrize("ages", [(), ("--ages", "60", "61.5")])
def test_given_ages_go_before_the_dates_of_headers(brainage, tmp_path, model, ages):
    folders = [record(tmp_path / year, 61.0, 60.0) for year in ("2020", "2024")]
    for folder in folders:
        write_series(folder, range(1), StudyDate=f"{folder.name}0301")

    out = tmp_path / "out"
    done = brainage("follow", *folders, "--output", out, *ages, *OWN_ERROR, *model)

    assert done.code == 0, done.err
    (said,) = json.loads((out / "follow.json").read_text())["people"]
    assert said["change"]["years"] == pytest.approx(1.5 if ages else 4.0, abs=0.01)


def test_what_holds_of_everybody_is_said_once(brainage, tmp_path, model):
    rows = [row(n, age, 61.0, session=f"{age}") for n in (1, 2) for age in (60, 62)]
    rows += [row(3, age, 61.0, session=f"{age}", slice_spacing_mm=age / 10) for age in (60, 80)]

    table = write_table(rows, tmp_path / "results.csv")
    done = brainage("follow", table, "--output", tmp_path / "out", *OWN_ERROR, *model)

    assert done.out.count("Not compared") == 1
    assert "Warning about all 3 people: Not compared" in done.out
    assert done.out.count("  Warning: ") == done.out.count("The scans differ in") == 1
