"""The report says what it must, hides what it must, and needs nothing but itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from BrainAgeLib.records import (
    NOTICE,
    Correction,
    Finding,
    InputRecord,
    Pictures,
    Prediction,
    Quality,
    RegionLeaning,
)
from BrainAgeLib.report.view import report_html, write_report
from Testing.library.browser import needs_browser, pages_on_paper

MakePerson = Callable[..., Prediction]
NO_PICTURES = Pictures((), (), ())
VOID_ELEMENTS = ("br", "img", "meta")
FORCED = Quality((Finding("contrast", "refuse", "This is not a T1-weighted scan."),))


class Page(HTMLParser):
    """What a reader sees, which elements there are, and whether every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID_ELEMENTS:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += f" {data}"

    def of_kind(self, tag: str, kind: str) -> list[dict[str, str | None]]:
        return [found for name, found in self.elements if name == tag and found["class"] == kind]


@pytest.fixture(name="page", scope="module")
def page_fixture(pictures: Pictures) -> Callable[..., Page]:
    def make(prediction: Prediction, shown: Pictures = pictures) -> Page:
        return Page(report_html(prediction, shown))

    return make


MakePage = Callable[..., Page]


def test_headline(person: MakePerson, page: MakePage) -> None:
    text = page(person(), NO_PICTURES).text
    for words in (
        "63.4", "90 % interval 53.1 to 73.7 years", "61.0 years", "female", "+2.4 years",
        "+1.1 years", "larger than in about 68 of 100", "Passed with warnings".lower(),
        "652", "18 to 88 years", "Cohort A, out of fold", "0.871", "6.93", "not more accurate",
    ):  # fmt: skip
        assert words in text, words


def test_another_sequence_stands_above_the_number(person: MakePerson, page: MakePage) -> None:
    text = page(person(sequence="FLAIR", interval_years=(0.0, 73.7))).text
    assert "Raw brain age from a FLAIR scan" in text
    assert "90 % interval 0.0 to 73.7 years (cut at 0)," in text
    plain = page(person(sequence="T1w")).text
    assert "Raw brain age" in plain and "Raw brain age from" not in plain


def test_every_slice_is_shown_once(person: MakePerson, page: MakePage, pictures: Pictures) -> None:
    shown = page(person())
    slices = shown.of_kind("img", "input-slice")
    assert len(slices) == len(pictures.input_slices)
    assert "22 slices" in shown.text
    assert len(shown.of_kind("img", "registered")) == 3
    assert len(shown.of_kind("img", "template")) == 3
    # The outermost slices hold no brain, so no saliency.
    assert 15 < len(shown.of_kind("img", "saliency-slice")) < 22


def test_pictures_have_words(person: MakePerson, page: MakePage) -> None:
    images = [found for tag, found in page(person()).elements if tag == "img"]
    texts = [image["alt"] for image in images]
    assert all(texts)
    assert len(set(texts)) == len(texts)
    assert "Slice 1 of 22, no brain found in it." in texts
    assert "Slice 11 of 22, brain outlined." in texts


def test_regions_are_named_with_the_word_that_they_are_no_finding(
    person: MakePerson, refused: Prediction, page: MakePage
) -> None:
    regions = (
        RegionLeaning("lateral ventricles", 2.14, 0.7),
        RegionLeaning("insula and Sylvian fissure", 1.52, -0.3),
        RegionLeaning("frontal lobe", 1.01, 0.1),
    )
    text = page(person(leans_on=regions)).text
    assert "lateral ventricles (2.1 times the brain's average, older)" in text
    assert "insula and Sylvian fissure (1.5 times the brain's average, younger)" in text
    assert "frontal lobe" not in text
    assert 0 < text.index("This is no finding") - text.index("insula") < 300
    for prediction, shown in (
        (person(), None), (person(leans_on=()), None), (person(leans_on=regions), NO_PICTURES),
        (replace(refused, leans_on=regions), None),
    ):  # fmt: skip
        words = page(prediction, *([shown] if shown else [])).text
        assert "leans" not in words


def test_size(person: MakePerson, pictures: Pictures, tmp_path: Path) -> None:
    write_report(person(), pictures, tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < 3_000_000


def test_needs_nothing_but_itself(person: MakePerson, pictures: Pictures) -> None:
    html = report_html(person(), pictures)
    assert set(re.findall(r'(?:src|href)="(.{22})', html)) == {"data:image/png;base64,"}
    assert not re.search(r"""(?:src|href)\s*=\s*[^"]""", html)
    assert not re.search(r"url\((?!#)|@import|<script|<link|https?://", html)
    assert "default-src 'none'" in html


def test_the_notice_stands_by_the_number(
    person: MakePerson, refused: Prediction, page: MakePage
) -> None:
    for prediction in (person(), refused, person(quality=FORCED)):
        assert NOTICE in page(prediction, NO_PICTURES).text
    text = page(person(), NO_PICTURES).text
    assert 0 < text.index("63.4") - text.index(NOTICE) < 400


def test_refused_has_findings_for_a_headline_and_no_number(
    refused: Prediction, page: MakePage
) -> None:
    shown = page(refused)
    text = shown.text
    assert "No brain age: scan refused" in text
    assert "This does not look like a T1-weighted scan." in text
    assert "What to do" in text
    for words in ("Raw brain age", "interval", "gap", "61.0"):
        assert words not in text.replace(NOTICE, ""), words
    # The ages that the model was trained on are the only years left.
    assert re.findall(r"[\d.]+ years", text) == ["88 years"]
    assert not shown.of_kind("svg", "plot")
    assert not shown.of_kind("img", "saliency-slice")


def test_forced_puts_the_refusal_above_the_number(person: MakePerson, page: MakePage) -> None:
    text = page(person(quality=FORCED), NO_PICTURES).text
    assert text.index("do not use this number") < text.index("63.4")
    assert "within the error" not in text


def test_the_interval_is_set_against_the_age(person: MakePerson, page: MakePage) -> None:
    text = page(person(chronological_age_years=61.0), NO_PICTURES).text
    assert "lies inside the interval: a gap of this size" in text


def test_without_age_there_is_no_gap(person: MakePerson, page: MakePage) -> None:
    prediction = person(
        chronological_age_years=None, corrected_brain_age_years=None, gap_percentile=None
    )
    text = page(prediction, NO_PICTURES).text
    assert "63.4" in text
    assert "it needs the chronological age" in text
    assert "of 100 healthy people of that age" not in text


def test_passed_without_findings(person: MakePerson, page: MakePage) -> None:
    text = page(person(quality=Quality()), NO_PICTURES).text
    assert "No check of the quality found anything amiss." in text
    assert "not for disease" in text
    assert "passed." in text


def test_outside_the_fitted_ages_there_is_no_corrected_gap(
    person: MakePerson, page: MakePage
) -> None:
    nothing = {"corrected_brain_age_years": None, "correction": None}
    prediction = person(chronological_age_years=95.0, **nothing)
    text = page(prediction, NO_PICTURES).text
    assert "none is fitted on people of that age" in text
    assert "\u221231.6 years" in text


def test_text_from_outside_is_escaped(person: MakePerson, pictures: Pictures) -> None:
    attack = "<script>alert(1)</script>"
    assert pictures.reference is not None
    prediction = person(
        input=InputRecord(f"/scans/{attack.replace('/', '')}.nii", attack, attack),
        quality=Quality((Finding(attack, "warn", attack, attack, attack),)),
        correction=Correction(attack, attack, 5, (18.0, 88.0), 1.0, 0.0, attack),
        device=attack,
    )
    reference = replace(pictures.reference, described_as=attack)
    html = report_html(prediction, Pictures((), (), (), reference))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 8


def test_folders_stay_private(person: MakePerson) -> None:
    html = report_html(person(), NO_PICTURES)
    assert "scan_0001.nii.gz" in html
    assert "DOE" not in html
    assert "archive" not in html
    assert "1.2.840.1" not in html


def test_names_that_are_not_utf8_can_be_written(person: MakePerson, tmp_path: Path) -> None:
    odd = person(input=InputRecord("/a/scan-\udcff.nii", None, None))
    write_report(odd, NO_PICTURES, tmp_path / "report.html")
    assert "scan-?.nii" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_fewer_pictures_than_slices_are_said(
    person: MakePerson, page: MakePage, pictures: Pictures
) -> None:
    few = Pictures(pictures.input_slices[::4], (), ())
    assert "6 of 22 slices" in page(person(), few).text


def test_the_same_input_gives_the_same_report(person: MakePerson, pictures: Pictures) -> None:
    few = replace(pictures, input_slices=pictures.input_slices[10:12])
    assert report_html(person(), few) == report_html(person(), few)


def test_the_sheets_say_into_how_many_columns_they_go_on_paper(
    person: MakePerson, pictures: Pictures
) -> None:
    assert 'class="sheet" style="--columns: 8"' in report_html(person(), pictures)


@needs_browser
@pytest.mark.parametrize("kind", ["usual", "refused", "many findings"])
def test_it_prints_on_two_pages_at_most(
    person: MakePerson, refused: Prediction, pictures: Pictures, tmp_path: Path, kind: str
) -> None:
    six = pictures.registered_slices * 2
    shown = replace(pictures, registered_slices=six, template_slices=six)
    findings = tuple(Finding(f"code_{n}", "warn", f"Something is off, {n}.") for n in range(5))
    prediction = {
        "usual": person(),
        "refused": refused,
        "many findings": person(quality=Quality(findings)),
    }[kind]
    write_report(prediction, shown, tmp_path / "report.html")
    assert pages_on_paper(tmp_path / "report.html") <= 2
