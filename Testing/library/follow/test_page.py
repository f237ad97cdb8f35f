"""The page of people who were scanned again."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from BrainAgeLib.follow.change import change_of
from BrainAgeLib.follow.differences import person_change
from BrainAgeLib.follow.page import write_follow_report
from BrainAgeLib.follow.plot import follow_plot
from BrainAgeLib.follow.wording import NORMAL_AGEING, NOTICE
from BrainAgeLib.records import Reference
from BrainAgeLib.report.pictures import ColourScale, PagePicture, Sheet
from Testing.library.follow.made_people import ERROR, person

PEOPLE = Reference((58.0, 61.0, 90.0), (60.0, 63.0, 88.0), "healthy people")


def page_of(folder, *people):
    changes = [person_change(one, ERROR) for one in people]
    write_follow_report(changes, ERROR, PEOPLE, None, folder / "report.html")
    return (folder / "report.html").read_text("utf-8")


def test_the_page_says_change_interval_and_smallest_change(tmp_path):
    page = page_of(tmp_path, person([0, 2], [61.0, 64.0]))

    words = re.sub(r"<[^>]+>|\s+", " ", page)
    assert "+1.5" in words and "95 % interval +0.1 to +2.9 years a year" in words
    assert "Smallest change that means anything" in words and "2.8 years" in words
    assert "More than scanning again alone explains" in words
    assert html.unescape(words).count(NORMAL_AGEING) == 1
    assert words.count(NOTICE) == 2


@pytest.mark.parametrize(("plane", "says"), [("axial", True), ("sagittal", False)])
def test_the_map_says_which_side_is_left(tmp_path, plane, says):
    one = person([0, 2], [61.0, 64.0])
    visits = [replace(visit, traits={**visit.traits, "plane": plane}) for visit in one.visits]
    changes = [person_change(replace(one, visits=tuple(visits)), ERROR)]
    sheet = Sheet((PagePicture("data:,", "slice 1", 1, 1, "1"),), ColourScale(1.0))
    write_follow_report(changes, ERROR, PEOPLE, sheet, tmp_path / "report.html")

    page = (tmp_path / "report.html").read_text("utf-8")
    assert (">R</abbr>" in page and "left is on the right of each picture" in page) is says


def test_the_largest_type_of_scans_days_apart_is_no_rate(tmp_path):
    days_apart = person([0, 7 / 365.25], [66.0, 61.0])
    (tmp_path / "several").mkdir()

    page = page_of(tmp_path, days_apart)
    several = page_of(tmp_path / "several", days_apart, person([0, 2], [61.0, 64.0]))

    assert '<p class="age">\N{MINUS SIGN}5.0<span> years</span></p>' in page
    assert "<td>0 days</td><td>7 days</td>" in page and "260" not in re.sub(r"<svg.*", "", page)
    rows = re.findall(r"<tr><td>.*</tr>", several)
    assert "<td>7 days</td><td>\N{MINUS SIGN}5.0 years (" in rows[0] and "2.8 years: " in rows[0]
    assert "<td>2.0 years</td><td>+1.5 years a year (+0.1 to +2.9)" in rows[1]


def test_a_forced_scan_and_other_scanners_are_no_change(tmp_path):
    made = person([0, 2], [61.0, 68.0])
    forced = replace(made, visits=(made.visits[0], replace(made.visits[1], verdict="refuse")))
    other = person([0, 2], [61.0, 68.0], [{"scanner": "A"}, {"scanner": "B"}])

    assert "No change can be read from this" in page_of(tmp_path, forced)
    assert "explains, but the warnings may explain it" in page_of(tmp_path, other)


def test_a_property_is_a_row_and_a_scan_a_column(tmp_path):
    page = page_of(tmp_path, person([0, 2], [61.0, 64.0], [{"plane": "axial"}, {"plane": "3d"}]))

    assert '<th scope="col">scan at 0</th><th scope="col">scan at 2</th>' in page
    assert '<th scope="row">raw brain age</th><td>61.0</td><td>64.0</td>' in page
    assert '<th scope="row">plane</th><td>axial</td><td>3d</td>' in page
    assert '<th scope="row">scanner</th>' not in page  # nobody knows it


@pytest.mark.parametrize("brain_ages", [(61.0, 64.0), (61.0, 75.0), (61.0, 55.0)])
def test_nobody_is_said_to_age_fast(tmp_path, brain_ages):
    html = page_of(tmp_path, person([0, 2], brain_ages))

    assert "accelerat" not in html.lower()


def test_what_is_put_in_is_escaped_and_nothing_is_loaded(tmp_path):
    html = page_of(tmp_path, person([0, 1], [61, 62], [{"scanner": "<b>A</b>"}, {"scanner": "B"}]))

    assert "<b>A</b>" not in html and "&lt;b&gt;A&lt;/b&gt;" in html
    assert "default-src 'none'" in html and "http" not in html.replace("http-equiv", "")


def test_several_people_have_a_table_and_many_are_cut(tmp_path):
    everybody = [person([0, 1], [61, 61 + number]) for number in range(23)]

    html = page_of(tmp_path, *everybody)

    assert html.count('class="person-part"') == 20 and "changes.csv has all" in html
    assert "2.8 a year: the change may be nothing" in html
    assert "2.8 a year: the change is larger" in html


def test_the_plot_holds_all_scans_with_the_error_of_each():
    made = person([0, 2, 4], [61.0, 64.0, 66.0])
    plot = follow_plot(made, change_of(made, ERROR), PEOPLE)

    left, top, right, bottom = plot.box
    for mark in plot.visits:
        assert left <= mark.x <= right and top <= mark.high < mark.y < mark.low <= bottom
    assert [mark.x for mark in plot.visits] == sorted(mark.x for mark in plot.visits)
    assert plot.people.count("M") == 2  # the third is far away
    assert plot.x_words == "Age (years)"


def test_without_ages_the_plot_is_over_time():
    made = person([0, 2], [61.0, 64.0])
    nameless = type(made)(
        made.name,
        tuple(type(one)(*(one.name, one.time_years, None, one.brain_age_years, "pass", "m", {}))
              for one in made.visits),
    )  # fmt: skip
    plot = follow_plot(nameless, change_of(nameless, ERROR), PEOPLE)

    assert plot.x_words == "Years since the first scan" and not plot.people


def test_the_age_of_the_first_scan_alone_moves_no_years_since_it():
    made = person([0, 2], [61.0, 64.0])
    first, later = made.visits
    only_first = replace(made, visits=(first, replace(later, age_years=None)))

    plot = follow_plot(only_first, change_of(only_first, ERROR), PEOPLE)

    assert plot.x_words == "Years since the first scan"
    zero = next(tick.place for tick in plot.x_ticks if tick.words == "0")
    assert plot.visits[0].x == zero


@pytest.mark.parametrize(("later_years", "has_line"), [(0.02, False), (2.0, True)])
def test_a_line_through_the_scans_is_drawn_where_a_change_a_year_is_told(
    tmp_path, later_years, has_line
):
    made = person([0, later_years], [61.0, 64.0])

    change = change_of(made, ERROR)
    plot = follow_plot(made, change, PEOPLE)

    assert (change.a_year is not None) == has_line
    assert (plot.line is not None) == has_line
    assert any(words == "line through the scans" for _, words in plot.legend) == has_line
    assert ("line through the scans" in page_of(tmp_path, made)) == has_line
