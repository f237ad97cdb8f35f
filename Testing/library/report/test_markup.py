"""Text cannot become markup."""

from __future__ import annotations

from BrainAgeLib.report.markup import Markup, element, together


def test_text_is_escaped_once() -> None:
    inner = element("b", "1 < 2 & <script>")
    assert inner == "<b>1 &lt; 2 &amp; &lt;script&gt;</b>"
    assert element("p", inner, " & ") == f"<p>{inner} &amp; </p>"
    assert isinstance(together("a", inner), Markup)


def test_attributes_are_escaped_and_named_as_in_html() -> None:
    made = element("img", class_="a", aria_label='x" onload="y', width=3, alt=None)
    assert made == '<img class="a" aria-label="x&quot; onload=&quot;y" width="3">'


def test_nothing_is_left_out_silently_but_none() -> None:
    assert element("p", None, "", "x") == "<p>x</p>"
