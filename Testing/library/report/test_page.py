from __future__ import annotations

from html import unescape

from BrainAgeLib.report.markup import element
from BrainAgeLib.report.page import CONTENT_POLICY, html_page


def test_a_whole_page_that_loads_nothing_and_cannot_be_broken_into():
    page = html_page("<b>", "p > b { color: red }", element("p", "<i>"), "&")

    assert page.startswith("<!DOCTYPE html>\n<html")
    assert "<title>&lt;b&gt;</title><style>p > b { color: red }</style>" in page
    assert "<body><p>&lt;i&gt;</p>&amp;</body>" in page
    assert CONTENT_POLICY in unescape(page)


def test_another_policy():
    page = html_page("t", "", policy="default-src 'self'")

    assert "default-src 'self'" in unescape(page)
    assert "none" not in page
