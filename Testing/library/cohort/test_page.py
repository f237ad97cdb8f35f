"""The folder of an analysis: complete, self-contained, safe against what people call things."""

from __future__ import annotations

import re

import numpy as np
import pytest

from BrainAgeLib.cohort.charts import MOST_DRAWN, against_age, forest
from BrainAgeLib.cohort.estimates import Estimate
from BrainAgeLib.cohort.page import Report, exclusions_section, page, write_report_folder
from BrainAgeLib.cohort.table import Exclusion
from BrainAgeLib.errors import InputError
from BrainAgeLib.records import NOTICE

HOSTILE = '$x_{"><script>alert(1)</script>'


@pytest.fixture
def report():
    report = Report("A title")
    report.estimates = [Estimate("a", "gap", "everybody", "mean", 1.0)]
    svg = forest([(HOSTILE, 1.0, 0.5, 1.5)], "years", 0.0)
    report.section("Numbers", "Words.", report.chart("numbers.svg", svg, "A chart."))
    report.exclusions = [Exclusion(2, HOSTILE, "1", "failed: damaged")]
    exclusions_section(report, 5)
    return report


def test_a_folder_holds_report_numbers_exclusions_and_charts(report, tmp_path):
    files = write_report_folder(report, tmp_path / "out")

    assert set(files) == {"numbers.svg", "numbers.csv", "exclusions.csv", "report.html"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(files)


def test_the_page_loads_nothing_and_carries_the_notice(report):
    html = page(report)

    assert NOTICE in html
    assert "default-src 'none'" in html
    assert all(source.startswith("data:") for source in re.findall(r'src="([^"]*)', html))
    assert "<script" not in html
    assert "5 rows were read, 1 left out." in html


def test_charts_are_the_same_each_time_and_safe():
    rows = [(HOSTILE, 1.0, 0.5, 1.5)]
    svg = forest(rows, "years", 0.0)

    assert svg == forest(rows, "years", 0.0)
    assert b"<script" not in svg
    assert b"<dc:date>" not in svg


@pytest.mark.parametrize(("people", "pictures"), [(100, 0), (MOST_DRAWN + 1, 1)])
def test_very_many_points_are_one_picture(people, pictures):
    ages = np.linspace(18, 88, people)

    svg = against_age(ages, ages + 1, "brain age (years)", 1.0)

    assert svg.count(b"<image") == pictures
    assert b"fitted line</text>" in svg


def test_a_folder_that_cannot_be(report, tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(InputError, match="is a file"):
        write_report_folder(report, tmp_path / "file")
