"""The frame of a self-contained HTML page."""

from __future__ import annotations

from BrainAgeLib.report.markup import Markup, element

# The file loads nothing, whatever finds its way into it.
CONTENT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def html_page(title: str, style: str, *body: str, policy: str = CONTENT_POLICY) -> str:
    """Return a page with its style in it. ``policy``: what a browser lets it load and run."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(style)),
    )
    return f"<!DOCTYPE html>\n{element('html', head, element('body', *body), lang='en')}\n"
