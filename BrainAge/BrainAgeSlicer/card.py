"""The result in words: what the panel says of a prediction. No widget is touched here."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from slicer.i18n import tr as _

from BrainAgeLib.records import Correction, Finding, Prediction

# Sign, word and colours for a light and a dark window; both have a contrast of 4.5 and more.
SIGNS = {"pass": "\u2714", "note": "\u2139", "warn": "\u26a0", "refuse": "\u2716"}
COLORS = {
    "pass": ("#1b6e34", "#6fd08c"),
    "note": ("#1f5a99", "#8cc0f5"),
    "warn": ("#8a5200", "#f5bd5a"),
    "refuse": ("#a3211b", "#ff9a91"),
}


LONGEST_WORD = 24  # a label cannot be narrower than its longest word
ZERO_WIDTH_SPACE = "\u200b"


@dataclass(frozen=True)
class Row:
    """One line of the card: what, how much, and what to know of it."""

    label: str
    value: str
    explanation: str = ""


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


def headline(prediction: Prediction) -> str:
    """Return the raw brain age, or that there is none."""
    if prediction.brain_age_years is None:
        return _("No prediction")
    return _("{age:.1f} years").format(age=prediction.brain_age_years)


def intervalText(prediction: Prediction) -> str:
    """Return the interval around the raw brain age, or why there is no age."""
    if prediction.brain_age_years is None:
        return _("The quality check refused this scan.")
    if prediction.interval_years is None:
        return ""
    low, high = prediction.interval_years
    return _("{percent:.0f} % interval: {low:.1f} to {high:.1f} years").format(
        percent=100 * prediction.interval_level, low=low, high=high
    )


def rows(prediction: Prediction) -> list[Row]:
    """Return the lines below the headline."""
    age = prediction.chronological_age_years
    known = _("not known") if age is None else _("{age:.1f} years").format(age=age)
    found = [Row(_("Chronological age"), known)]
    if prediction.brain_age_years is None:
        return found
    found.append(Row(_("Brain age gap (raw)"), _gap(prediction.gap_years), _inside(prediction)))
    found.append(
        Row(
            _("Brain age gap (corrected)"),
            _gap(prediction.corrected_gap_years),
            _aboutCorrection(prediction),
        )
    )
    percentile = prediction.gap_percentile
    if percentile is not None:
        found.append(Row(_("Among healthy people of that age"), _comparison(percentile)))
    return found


def _comparison(percentile: float) -> str:
    if percentile > 99:
        return _("larger gap than in more than 99 of 100")
    if percentile < 1:
        return _("smaller gap than in more than 99 of 100")
    return _("larger gap than in about {n:.0f} of 100").format(n=percentile)


def _inside(prediction: Prediction) -> str:
    age, ends = prediction.chronological_age_years, prediction.interval_years
    if age is None:
        return _("enter the age at the top and press Apply to see it")
    if ends is None:
        return ""
    if not ends[0] <= age <= ends[1]:
        return _("the age lies outside the interval")
    if prediction.has_wide_interval:
        return _("the age lies inside the interval, which is wide for this scan")
    return _("the age lies inside the interval: the model errs by as much in healthy people")


def _gap(years: float | None) -> str:
    if years is None:
        return "\u2013"
    return _("{gap} years").format(gap=f"{years:+.1f}".replace("-", "\u2212"))


def _aboutCorrection(prediction: Prediction) -> str:
    if prediction.corrected_gap_years is None:
        if prediction.chronological_age_years is None:
            return ""
        return _("there is no correction for this age: none is fitted on people of that age")
    if prediction.correction is None:
        return _("correction not stated")
    return _correctionText(prediction.correction)


def _correctionText(correction: Correction) -> str:
    low, high = correction.age_range_years
    text = _(
        "age-bias correction \u201c{method}\u201d, fitted on {people} people aged "
        "{low:.0f} to {high:.0f}: {fittedOn}"
    ).format(
        method=correction.method,
        fittedOn=correction.fitted_on,
        people=correction.people,
        low=low,
        high=high,
    )
    if correction.site:
        text = _("calibrated for the site {site}: ").format(site=correction.site) + text
    return text


def rowsHtml(prediction: Prediction) -> str:
    """Return the lines as a table."""
    lines = []
    for row in rows(prediction):
        explanation = f"<br><small>{readable(row.explanation)}</small>" if row.explanation else ""
        lines.append(
            f"<tr><td style='padding-right:12px'>{readable(row.label)}</td>"
            f"<td><b>{readable(row.value)}</b>{explanation}</td></tr>"
        )
    return f"<table cellspacing='0' cellpadding='2'>{''.join(lines)}</table>"


def qualityHtml(prediction: Prediction, dark: bool) -> str:
    """Return the verdict and the findings: sign, word and colour, never colour alone."""
    verdict = prediction.quality.verdict
    words = {
        "pass": _("Scan quality: passed"),
        "warn": _("Scan quality: usable, with warnings"),
        "refuse": _("Scan quality: refused"),
    }
    title = f"<b>{signed(verdict, words[verdict], dark)}</b>"
    findings = sorted(prediction.quality.findings, key=_rank)  # the worst first
    lines = [_findingHtml(finding, dark) for finding in findings]
    return f"{title}<table cellspacing='0' cellpadding='1'>{''.join(lines)}</table>"


def _rank(finding: Finding) -> int:
    return {"refuse": 0, "warn": 1}.get(finding.severity, 2)


def _findingHtml(finding: Finding, dark: bool) -> str:
    words = {"note": _("Note"), "warn": _("Warning"), "refuse": _("Refused")}
    severity = finding.severity if finding.severity in words else "note"  # of a later version
    label = signed(severity, words[severity] + ":", dark)
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
    return text if seconds is None else text + _(" in {n:.0f} s").format(n=seconds)


def oneLine(prediction: Prediction) -> str:
    """Return the result as one line of a list."""
    if prediction.brain_age_years is None:
        reasons = [f.message for f in prediction.quality.findings if f.severity == "refuse"]
        return _("refused: {reason}").format(reason="; ".join(reasons))
    text = _("{age:.1f} years").format(age=prediction.brain_age_years)
    if prediction.quality.verdict == "warn":
        text += _(" (warnings)")
    if prediction.quality.verdict == "refuse":
        text += _(" (refused, forced)")
    return text
