"""The words of a result, once: the terminal, the pages, DICOM and Slicer take them from here.

Plain ASCII, for any terminal; :func:`typeset` gives true signs where they can be shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from BrainAgeLib.errors import printable
from BrainAgeLib.findings import SEQUENCE_WORDS, UNITS, FindingCode, explained_by
from BrainAgeLib.records import Correction, Finding, Prediction, Severity
from BrainAgeLib.report.interval_and_age import interval_and_age

NOT_KNOWN, NONE = "not known", "none"
NO_BRAIN_AGE, SCAN_REFUSED = "No brain age", "scan refused"
FORCED, DO_NOT_USE = "Refused, but forced", "do not use this number"
SEVERITY_WORDS: dict[Severity, str] = {"refuse": "Refused", "warn": "Warning", "note": "Note"}
VERDICT_WORDS = {"pass": "Passed", "warn": "Passed with warnings", "refuse": "Refused"}
VERDICT_SENTENCES = {
    "pass": "Nothing was found that speaks against this scan.",
    "warn": "The warnings limit what the number is worth.",
    "refuse": "This scan cannot give a brain age that means anything.",
}
SEX_WORDS = {"F": "female", "M": "male"}
# Which scanners an interval speaks of, and what is known of this one; None: a model of one scanner.
INTERVAL_COVERS = {
    "any scanner": ("for scanners that the model never saw", "; this one is not calibrated"),
    "this site": ("for this site's calibrated scanner", ""),
    None: ("known on the training's scanner alone", "; this one was not seen"),
}
OF_SITES = (FindingCode.SITE_AGE_RANGE, FindingCode.SITE_ACQUISITION)
LABEL_LETTERS = 19  # of the column of labels on a terminal


@dataclass(frozen=True)
class Fact:
    """One line of a result: what, how much, and what to know of it."""

    label: str
    value: str
    note: str = ""


def brain_age(prediction: Prediction) -> Fact:
    """Return the raw brain age with its interval, or that there is none."""
    label = "Forced brain age" if is_forced(prediction) else "Raw brain age"
    if prediction.brain_age_years is None:
        return Fact(label, NO_BRAIN_AGE, SCAN_REFUSED)
    note = ", ".join(filter(None, (source(prediction), interval_note(prediction))))
    return Fact(label, years(prediction.brain_age_years), note)


def source(prediction: Prediction) -> str:
    """Say which sequence an age is from, or nothing where that is a plain T1."""
    sequence = prediction.sequence
    if prediction.brain_age_years is None or sequence is None or sequence == "T1w":
        return ""
    return f"from {SEQUENCE_WORDS[sequence]}"


def interval_note(prediction: Prediction) -> str:
    """Return the interval, whether birth cuts it off, and which scanners it speaks of."""
    if prediction.interval_years is None:
        return "no interval"
    cut = " (cut at 0)" if prediction.interval_years[0] == 0 else ""
    level = percent(prediction.interval_level)
    return f"{level} interval {interval(prediction)}{cut}, {scanners(prediction)}"


def facts(prediction: Prediction, how_to_give_the_age: str = "") -> list[Fact]:
    """Return the person's age, sex if known, and the gaps; nothing when there is no brain age.

    ``how_to_give_the_age``: said where the age is missing.
    """
    if prediction.brain_age_years is None:
        return []
    age, gap = prediction.chronological_age_years, prediction.gap_years
    sex = [Fact("Sex", SEX_WORDS[prediction.sex])] if prediction.sex else []
    if age is None or gap is None:
        return [
            Fact("Chronological age", NOT_KNOWN, how_to_give_the_age),
            *sex,
            Fact("Raw gap", NONE, "it needs the chronological age"),
        ]
    rank = prediction.gap_percentile
    return [
        Fact("Chronological age", years(age)),
        *sex,
        Fact("Raw gap", signed_years(gap), "" if rank is None else percentile(rank)),
        _corrected_gap(prediction),
    ]


def _corrected_gap(prediction: Prediction) -> Fact:
    gap, correction = prediction.corrected_gap_years, prediction.correction
    if gap is None or correction is None:
        return Fact("Corrected gap", NONE, why_no_corrected_gap(prediction))
    note = f"{fitted_on(correction)}; not more accurate than the raw gap"
    return Fact("Corrected gap", signed_years(gap), note)


def is_forced(prediction: Prediction) -> bool:
    """Say whether there is a number although the gate refuses it."""
    return prediction.brain_age_years is not None and prediction.quality.verdict == "refuse"


def state(verdict: str, has_age: bool) -> str:
    """Return the verdict in words, and whether its number was forced."""
    return FORCED if verdict == "refuse" and has_age else VERDICT_WORDS[verdict]


def worst_first(prediction: Prediction) -> Iterator[Finding]:
    """Yield the findings: refusals, warnings, notes."""
    for severity in SEVERITY_WORDS:
        yield from (item for item in prediction.quality.findings if item.severity == severity)


def leading(prediction: Prediction) -> list[Finding]:
    """Return the findings, worst first, less what follows from a refusal; all if it is forced."""
    found = list(worst_first(prediction))
    refused = () if is_forced(prediction) else [x.code for x in found if x.severity == "refuse"]
    explained = explained_by(refused)
    return [item for item in found if item.code not in explained]


def left_out(prediction: Prediction) -> str:
    """Say how many findings the short answer leaves out, or nothing."""
    count = len(prediction.quality.findings) - len(leading(prediction))
    if not count:
        return ""
    those = "1 more finding follows" if count == 1 else f"{count} more findings follow"
    return f"{those} from what the scan is refused for: see the report or prediction.json."


def measured(finding: Finding, value: float | str | None) -> str:
    """Return a finding's value or limit, with its unit, or '' when there is none."""
    if value is None or isinstance(value, str):
        return value or ""
    number = f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
    return f"{number} {UNITS.get(finding.code, '')}".rstrip()


def scans_in_words(count: int) -> str:
    """Return how many scans these are."""
    return "1 scan" if count == 1 else f"{count} scans"


def scan_name(prediction: Prediction) -> str:
    """Return the scan's name without its folders, which may name a patient."""
    path = prediction.input.path
    return Path(path).name or NOT_KNOWN if path else NOT_KNOWN


def one_decimal(value: float) -> str:
    """63.42 -> '63.4'; there is no negative nothing."""
    text = f"{value:.1f}"
    return "0.0" if text == "-0.0" else text


def signed(value: float) -> str:
    """2.31 -> '+2.3'; a gap of nothing is '0.0'."""
    text = one_decimal(value)
    return text if value < 0 or text == "0.0" else f"+{text}"


def years(value: float) -> str:
    """63.42 -> '63.4 years'."""
    return f"{one_decimal(value)} years"


def signed_years(value: float) -> str:
    """2.31 -> '+2.3 years'."""
    return f"{signed(value)} years"


def interval(prediction: Prediction) -> str | None:
    """'57.2 to 69.6 years', or None."""
    if prediction.interval_years is None:
        return None
    return "{} to {} years".format(*map(one_decimal, prediction.interval_years))


def percent(fraction: float) -> str:
    """0.9 -> '90 %'."""
    return f"{fraction * 100:g} %"


def scanners(prediction: Prediction) -> str:
    """Say which scanners the interval is known to hold on, and what is known of this one."""
    which, this_one = INTERVAL_COVERS[prediction.interval_covers]
    if this_one and any(item.code in OF_SITES for item in prediction.quality.findings):
        this_one = "; the site's calibration does not hold for this scan"
    return which + this_one


def age_range(ages: tuple[float, float]) -> str:
    """(18.0, 88.0) -> '18 to 88 years'."""
    return "{:g} to {:g} years".format(*(round(age, 1) for age in ages))


def percentile(value: float) -> str:
    """Say how many healthy people of that age, on the training's scanner, have a smaller gap."""
    people = "healthy people of that age on the scanner of the training"
    if value < 1:
        return f"smaller than in more than 99 of 100 {people}"
    if value > 99:
        return f"larger than in more than 99 of 100 {people}"
    return f"larger than in about {value:.0f} of 100 {people}"


def fitted_on(correction: Correction) -> str:
    """Say in one phrase what a correction was fitted on."""
    return (
        f"method {correction.method}, fitted on {correction.people} people aged "
        f"{age_range(correction.age_range_years)} ({correction.fitted_on})"
    )


def why_no_corrected_gap(prediction: Prediction) -> str:
    """Say why there is a raw age but no corrected gap."""
    age = prediction.chronological_age_years
    if age is None:
        return "it needs the chronological age"
    if prediction.uncorrected:
        return "no correction was asked for"
    for item in prediction.quality.findings:
        if item.code == FindingCode.SITE_AGE_RANGE and item.value is not None:
            return f"the site calibration was fitted on people of {item.limit} only"
    return "there is no correction for this age: none is fitted on people of that age"


def typeset(text: str) -> str:
    """Return plain ASCII arithmetic with true signs."""
    return text.replace("-", "\u2212").replace(" x ", " \u00d7 ")


def result_lines(prediction: Prediction, how_to_give_the_age: str = "") -> list[Fact]:
    """Return the whole result in lines: ages, gaps, verdict, findings, which have no label."""
    about_age = interval_and_age(prediction)
    lines = [brain_age(prediction), *facts(prediction, how_to_give_the_age)]
    lines += [Fact("Age and interval", about_age)] if about_age else []
    findings = [Fact("", _finding(item)) for item in leading(prediction)]
    if left_out(prediction):
        findings.append(Fact("", left_out(prediction)))
    return [*lines, Fact("Quality", VERDICT_WORDS[prediction.quality.verdict]), *findings]


def _finding(finding: Finding) -> str:
    value, limit = measured(finding, finding.value), measured(finding, finding.limit)
    measurements = ", ".join(filter(None, [value, f"limit {limit}" if limit else ""]))
    word = SEVERITY_WORDS[finding.severity].lower()
    return f"{word}: {finding.message}" + (f" ({measurements})" if measurements else "")


def readable_result(
    prediction: Prediction, report: Path | None = None, folder: Path | None = None
) -> str:
    """Return the result as lines for a terminal, with the notice.

    ``report``: where the report lies, or None when none was written: then ``folder`` is named, if
    there is one. Characters of file names that a terminal would obey are replaced.
    """
    lines = result_lines(prediction, "give it with --age")
    if report is not None:
        lines.append(Fact("Report", str(report)))
    elif folder is not None:
        lines.append(Fact("Results", str(folder)))
    loud = [f"{FORCED}: {DO_NOT_USE}".upper()] if is_forced(prediction) else []
    return "\n".join(map(printable, [*loud, *map(_terminal_line, lines), "", prediction.notice]))


def _terminal_line(fact: Fact) -> str:
    if not fact.label:
        return f"  {fact.value}"
    return f"{fact.label:<{LABEL_LETTERS}}{', '.join(filter(None, (fact.value, fact.note)))}"
