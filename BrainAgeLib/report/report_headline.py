"""The top of the report: the number, or that there is none, and how far to trust it."""

from __future__ import annotations

from BrainAgeLib.records import Prediction, Severity, Verdict
from BrainAgeLib.report import wording
from BrainAgeLib.report.markup import Markup, element, together

NO_BRAIN_AGE = "No brain age: scan refused"
# Drawn in 24 x 24; the shapes differ, so that they tell apart without colour.
_ICON_PATHS = {
    "pass": ("M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z", "M7 12.5l3.5 3.5l6.5-7.5"),
    "warn": ("M12 2.5L22.5 21h-21z", "M12 9v6M12 18v0.2"),
    "refuse": ("M8 2h8l6 6v8l-6 6H8l-6-6V8z", "M8.5 8.5l7 7M15.5 8.5l-7 7"),
    "note": ("M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z", "M12 11v6M12 7v0.2"),
}
_VERDICT_SENTENCES: dict[Verdict, str] = {
    "pass": "Nothing was found that speaks against this scan.",
    "warn": "The warnings limit what the number is worth.",
    "refuse": "This scan cannot give a brain age that means anything.",
}


def headline(prediction: Prediction) -> Markup:
    """Return title, notice, number with interval and gaps, and the verdict.

    A refused scan has no number: the findings take its place. A number that was forced stands
    under the refusal.
    """
    refused = prediction.quality.verdict == "refuse"
    number = _number(prediction)
    if refused:
        result = together(_refusal(prediction, forced=number is not None), number)
    else:
        result = together(number, _verdict(prediction))
    return element(
        "header",
        element(
            "div",
            element("h1", "Brain age report"),
            element("p", wording.scan_name(prediction), class_="scan-name"),
            class_="title",
        ),
        element("p", prediction.notice, class_="notice", role="note"),
        result,
    )


def icon(kind: Severity | Verdict) -> Markup:
    """Return the sign of a verdict or a severity; the word always stands beside it."""
    shape, sign = _ICON_PATHS[kind]
    return element(
        "svg",
        element("path", d=shape),
        element("path", d=sign),
        viewBox="0 0 24 24",
        class_="icon",
        aria_hidden="true",
    )


def _verdict(prediction: Prediction) -> Markup:
    """Return the verdict as a sign, a word and a sentence."""
    verdict = prediction.quality.verdict
    return element(
        "p",
        icon(verdict),
        element("strong", f"Quality: {wording.VERDICT_WORDS[verdict].lower()}."),
        f" {_VERDICT_SENTENCES[verdict]}",
        class_=f"verdict {verdict}",
    )


def _refusal(prediction: Prediction, forced: bool) -> Markup:
    """Return the loudest thing on the page: why this scan was refused and what to do."""
    title = "Refused, but forced: do not use this number" if forced else NO_BRAIN_AGE
    reasons = [item for item in prediction.quality.findings if item.severity == "refuse"]
    advice = wording.WHAT_TO_DO_WHEN_REFUSED
    return element(
        "div",
        element("p", icon("refuse"), element("strong", title), class_="refusal-title"),
        element("p", _VERDICT_SENTENCES["refuse"]),
        element("ul", *(element("li", item.message) for item in reasons), class_="reasons"),
        None if forced else element("h2", "What to do"),
        None if forced else element("ul", *(element("li", line) for line in advice)),
        class_="refusal",
    )


def _number(prediction: Prediction) -> Markup | None:
    """Return the raw brain age in large figures and all that qualifies it, or None without one."""
    if prediction.brain_age_years is None:
        return None
    ends = wording.interval(prediction)
    words = f"{wording.level(prediction)} interval {ends}" if ends else "no interval"
    forced = prediction.quality.verdict == "refuse"
    figure, unit = wording.years(prediction.brain_age_years).split()
    number = element(
        "div",
        element("p", "Raw brain age, forced" if forced else "Raw brain age", class_="label"),
        element("p", figure, element("span", f" {unit}"), class_="age"),
        element("p", words, class_="interval"),
        class_="number forced" if forced else "number",
    )
    # What the interval says holds for scans like those of the reference people only.
    comparison = None if forced else wording.interval_and_age(prediction)
    return element(
        "div",
        element("div", number, _facts(prediction), class_="result"),
        None if comparison is None else element("p", comparison, class_="comparison-words"),
    )


def _facts(prediction: Prediction) -> Markup:
    """Return the person's own facts and the gaps."""
    age, gap = prediction.chronological_age_years, prediction.gap_years
    rows: list[tuple[str, str, str | None]] = [
        ("Chronological age", wording.NOT_KNOWN if age is None else wording.years(age), None),
        ("Sex", wording.SEX_WORDS.get(prediction.sex or "", wording.NOT_KNOWN), None),
    ]
    if gap is None:
        rows.append(("Raw gap", "none", "it needs the chronological age"))
    else:
        rank = prediction.gap_percentile
        words = None if rank is None else wording.percentile(rank)
        rows.append(("Raw gap", typeset(wording.signed_years(gap)), words))
        rows.append(_corrected_gap(prediction))
    return element(
        "dl",
        *(
            element(
                "div",
                element("dt", term),
                element("dd", value, None if note is None else element("small", note)),
            )
            for term, value, note in rows
        ),
        class_="facts",
    )


def _corrected_gap(prediction: Prediction) -> tuple[str, str, str]:
    gap, correction = prediction.corrected_gap_years, prediction.correction
    if gap is None or correction is None:
        return ("Corrected gap", "none", wording.why_no_corrected_gap(prediction))
    note = f"{wording.fitted_on(correction)}; not more accurate than the raw gap"
    return ("Corrected gap", typeset(wording.signed_years(gap)), note)


def typeset(text: str) -> str:
    """Return plain ASCII arithmetic with true signs."""
    return text.replace("-", "\u2212").replace(" x ", " \u00d7 ")
