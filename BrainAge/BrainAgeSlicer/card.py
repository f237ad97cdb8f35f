"""The result in the panel: the library's words of it, made to fit. No widget is touched here."""

from __future__ import annotations

import html
import re

from slicer.i18n import tr as _

from BrainAgeLib.records import Finding, Prediction
from BrainAgeLib.report import wording
from BrainAgeLib.report.interval_and_age import interval_and_age

# Sign and colours for a light and a dark window; both have a contrast of 4.5 and more.
SIGNS = {"pass": "\u2714", "note": "\u2139", "warn": "\u26a0", "refuse": "\u2716"}
COLORS = {
    "pass": ("#1b6e34", "#6fd08c"),
    "note": ("#1f5a99", "#8cc0f5"),
    "warn": ("#8a5200", "#f5bd5a"),
    "refuse": ("#a3211b", "#ff9a91"),
}
LONGEST_WORD = 24  # a label cannot be narrower than its longest word
ZERO_WIDTH_SPACE = "\u200b"


def breakable(text: str) -> str:
    """Return a text whose long words, file names and paths mostly, may go on in the next line."""

    def parted(word: re.Match[str]) -> str:
        parts = re.findall(rf"[^\W_]{{1,{LONGEST_WORD}}}[\W_]*|[\W_]+", word[0])
        return ZERO_WIDTH_SPACE.join(parts)

    return re.sub(rf"\S{{{LONGEST_WORD + 1},}}", parted, text)


def sentence(text: str) -> str:
    """Return the words of an error, which begin in lower case, as a sentence begins.

    A file's name stays as it is.
    """
    return text[:1].upper() + text[1:] if re.match(r"[a-z]+[ ,:]", text) else text


def readable(text: str) -> str:
    """Return a text as HTML that fits into any width."""
    return html.escape(breakable(text))


def tip(text: str) -> str:
    """Return a text, which may hold a name that somebody gave, as a tool tip that shows it as is.

    Qt takes what looks like HTML for HTML.
    """
    return f"<span>{html.escape(text)}</span>" if "<" in text else text


def headline(prediction: Prediction) -> str:
    """Return the raw brain age, or that there is none."""
    return wording.brain_age(prediction).value


def intervalText(prediction: Prediction) -> str:
    """Return the interval around the raw brain age, or why there is no age."""
    forced = f"{wording.FORCED}: {wording.DO_NOT_USE}. " if wording.is_forced(prediction) else ""
    return forced + sentence(wording.brain_age(prediction).note)


def rowsHtml(prediction: Prediction) -> str:
    """Return age and gaps as a table, and what the interval says of them below it."""
    facts = wording.facts(prediction, _("enter it at the top and press Apply to see the gap"))
    rows = "".join(_rowHtml(fact) for fact in facts)
    inside = interval_and_age(prediction)
    below = f"<p><small>{readable(inside)}</small></p>" if inside else ""
    return f"<table cellspacing='0' cellpadding='2'>{rows}</table>{below}"


def _rowHtml(fact: wording.Fact) -> str:
    note = f"<br><small>{readable(fact.note)}</small>" if fact.note else ""
    value = readable(wording.typeset(fact.value))
    return (
        f"<tr><td style='padding-right:12px'>{readable(fact.label)}</td>"
        f"<td><b>{value}</b>{note}</td></tr>"
    )


def qualityHtml(prediction: Prediction, dark: bool) -> str:
    """Return the verdict and the findings: sign, word and colour, never colour alone."""
    verdict = prediction.quality.verdict
    words = wording.state(verdict, prediction.brain_age_years is not None)
    title = f"<b>{signed(verdict, _('Scan quality: {verdict}').format(verdict=words), dark)}</b>"
    lines = [_findingHtml(finding, dark) for finding in wording.leading(prediction)]
    more = wording.left_out(prediction)
    below = f"<p><small>{readable(more)}</small></p>" if more else ""
    return f"{title}<table cellspacing='0' cellpadding='1'>{''.join(lines)}</table>{below}"


def _findingHtml(finding: Finding, dark: bool) -> str:
    label = signed(finding.severity, wording.SEVERITY_WORDS[finding.severity] + ":", dark)
    message = readable(sentence(finding.message))
    return f"<tr><td style='white-space:pre'>{label} </td><td>{message}</td></tr>"


def signed(severity: str, text: str, dark: bool) -> str:
    """Return a text with the sign and colour of a severity."""
    color = COLORS[severity][1 if dark else 0]
    return f"<span style='color:{color}'>{SIGNS[severity]} {readable(text)}</span>"


def modelText(prediction: Prediction) -> str:
    """Return which model spoke, where, and how long it took."""
    model = prediction.model
    text = _("Model {name} {version}, trained on ages {low:.0f} to {high:.0f}; on {device}").format(
        name=model.name,
        version=model.version,
        low=model.age_range_years[0],
        high=model.age_range_years[1],
        device=prediction.device,
    )
    seconds = prediction.timings_seconds.total
    # A number and its unit stay in one line.
    return text if seconds is None else text + _(" in {n:.0f}\u00a0s").format(n=seconds)


def oneLine(prediction: Prediction) -> str:
    """Return the result as one line of a list."""
    verdict, age = prediction.quality.verdict, prediction.brain_age_years
    if age is None:
        found = wording.leading(prediction)
        reasons = [each.message for each in found if each.severity == verdict]
        return f"{wording.VERDICT_WORDS[verdict]}: {'; '.join(reasons)}"
    state = "" if verdict == "pass" else f" ({wording.state(verdict, True).lower()})"
    return ", ".join(filter(None, (wording.years(age), wording.source(prediction)))) + state
