"""The tables of the yardstick on other scanners."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from BrainAgeLib.model.calibration import UnseenScanner
from BrainAgeLib.statistics import accuracy, exact_interval
from BrainAgeLib.training.calibration import unseen_scanner_factor
from Testing.studies._pages import PAGES, PROJECT, table, write_part

MARK = "other scanners"
YOUNG_UP_TO_YEARS, OLD_FROM_YEARS = 30.0, 60.0
FIRST, AGAIN, WHOLE = "5+1 mm", "5+1 mm again", "3D"
# One person of heads3d is in the other set as well, at a finer resolution.
TWICE = {"sub-ixi04"}
UNKNOWN = "not recorded"
STRIPS = ("head", "loose", "tight of loose")


@dataclass(frozen=True)
class Row:
    """One prediction; years. ``strip``: head, loose, tight or "tight of loose".

    ``usual_half_width_years``: half the interval's width on a scanner that the model has seen.
    """

    participant_id: str
    session: str
    scanner: str
    age_years: float
    strip: str
    cut: str
    brain_age_years: float
    usual_half_width_years: float
    verdict: str
    findings: str
    model: str


def set_of(row: Row) -> str:
    """Return the study that a scanner belongs to."""
    return "IXI" if row.scanner.startswith("IXI") else row.scanner


def write_pages(rows: list[Row], write: bool) -> tuple[dict[str, object], UnseenScanner]:
    """Print the tables, write them into the pages if wanted.

    Return the figures of groups, and how much wider the interval has to be on such scanners.
    """
    unseen = fit_unseen_scanner(rows)
    groups = group_figures(rows, unseen)
    spread = spread_figures(rows)
    shown = [entry for entry in groups if entry["people"] >= 3]
    errors = table(
        ["people, strip, cut", "people", "raw MAE (95 % interval)", "MAE of the mean age", "r",
         "mean error", f"up to {YOUNG_UP_TO_YEARS:.0f}", f"from {OLD_FROM_YEARS:.0f}",
         "interval holds", "fitted without them", "mean width", "`pass` and outside"],
        [_line(entry) for entry in shown],
    )  # fmt: skip
    pairs = table(["the same person", "people", "SD within a person", "largest difference"],
                  [_pair(entry) for entry in spread])  # fmt: skip
    models = ", ".join(sorted({row.model for row in rows}))
    factors = (
        f"On a scanner that the model never saw the interval is {unseen.whole_head:.2f} times as "
        f"wide for whole heads and {unseen.stripped:.2f} times for stripped brains."
    )
    text = f"Model {models}; years. {factors}\n\n{errors}\n\n{pairs}"
    print(text)
    if write:
        write_part(PAGES / "model.md", MARK, text)
        write_part(PROJECT / "README.md", MARK, errors)
    return {"model": models, "groups": groups, "within_person": spread}, unseen


def fit_unseen_scanner(rows: list[Row], without: str | None = None) -> UnseenScanner:
    """Return how much wider the interval has to be; ``without``: a set that is left out."""
    counted = [row for row in rows if _counts(row) and row.cut == FIRST]
    counted = [row for row in counted if set_of(row) != without]
    factors = []
    for is_head in (True, False):
        chosen = [row for row in counted if (row.strip == "head") == is_head]
        scores = np.array([_score(row) for row in chosen])
        factors.append(unseen_scanner_factor(scores, [f"{set_of(r)}, {r.strip}" for r in chosen]))
    people = {row.participant_id for row in counted}
    scanners = {row.scanner for row in counted if UNKNOWN not in row.scanner}
    described_as = "simulated 5+1 mm scans of healthy people of " + " and ".join(
        sorted({set_of(row) for row in counted})
    )
    whole_head, stripped = (round(factor, 3) for factor in factors)
    return UnseenScanner(whole_head, stripped, len(people), len(scanners), described_as)


def _counts(row: Row) -> bool:
    """Say whether a row is one of those in which everybody counts once."""
    return row.cut != AGAIN and row.session == "1" and row.participant_id not in TWICE


def _score(row: Row) -> float:
    return abs(row.brain_age_years - row.age_years) / row.usual_half_width_years


def group_figures(rows: list[Row], unseen: UnseenScanner) -> list[dict[str, object]]:
    """Return the figures of each set, strip and cut; everybody counts once."""
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if _counts(row):
            groups[set_of(row), row.strip, row.cut].append(row)
    left_out = {name: fit_unseen_scanner(rows, name) for name, _, _ in groups}
    kinds = {(name, strip == "head") for name, strip, _ in groups}
    return [
        _figures(
            *names,
            members,
            unseen,
            # Where nobody else came as these did, nothing can be fitted without them.
            left_out[names[0]]
            if any(name != names[0] and is_head == (names[1] == "head") for name, is_head in kinds)
            else None,
        )
        for names, members in groups.items()
    ]


def _figures(
    name: str,
    strip: str,
    cut: str,
    rows: list[Row],
    unseen: UnseenScanner,
    without_them: UnseenScanner | None,
) -> dict[str, object]:
    ages = np.array([row.age_years for row in rows])
    brain_ages = np.array([row.brain_age_years for row in rows])
    errors = brain_ages - ages
    scores, factor = np.array([_score(row) for row in rows]), unseen.factor(strip != "head")
    inside = scores <= factor
    passed = np.array([row.verdict == "pass" for row in rows])
    figures: dict[str, object] = {
        "set": name, "strip": strip, "cut": cut, "people": len(rows),
        "mean_error_years": float(errors.mean()),
        "young_years": _mean(errors[ages <= YOUNG_UP_TO_YEARS]),
        "old_years": _mean(errors[ages >= OLD_FROM_YEARS]),
        "inside": int(inside.sum()),
        "inside_interval": exact_interval(int(inside.sum()), len(rows)),
        "inside_fitted_without_them": None
        if without_them is None
        else int((scores <= without_them.factor(strip != "head")).sum()),
        "width_years": float(2 * factor * np.mean([row.usual_half_width_years for row in rows])),
        "passed": int(passed.sum()), "passed_outside": int((passed & ~inside).sum()),
    }  # fmt: skip
    if len(rows) >= 3:
        whole = accuracy(ages, brain_ages)
        figures |= {
            "mae_years": whole.mae_years, "mae_interval_years": whole.mae_interval_years,
            "mean_age_mae_years": whole.mean_age_mae_years, "r": whole.r, "slope": whole.slope,
        }  # fmt: skip
    return figures


def spread_figures(rows: list[Row]) -> list[dict[str, object]]:
    """Return how far one person's ages differ: strips, cuts, and two scans."""
    ages = {(r.participant_id, r.session, r.strip, r.cut): r.brain_age_years for r in rows}
    people = sorted({(r.participant_id, r.session) for r in rows})
    strips = [[ages.get((*one, strip, FIRST)) for strip in STRIPS] for one in people]
    result = [_spread("head, loose and tight", strips)]
    for first, second in itertools.combinations(range(len(STRIPS)), 2):
        chosen = [[one[first], one[second]] for one in strips]
        result.append(_spread(f"{STRIPS[first]} and {STRIPS[second]}", chosen))
    kinds = sorted({(*one, r.strip) for r in rows for one in people if one[0] == r.participant_id})
    cuts = [[ages.get((*kind, FIRST)), ages.get((*kind, AGAIN))] for kind in kinds]
    result.append(_spread("cut twice", cuts))
    second = {r.participant_id for r in rows if r.session == "2"}
    visits = [
        [ages.get((person, session, strip, FIRST)) for session in ("1", "2")]
        for person in sorted(second)
        for strip in ("tight", "head")
    ]
    return [entry for entry in [*result, _spread("scanned twice", visits)] if entry["people"]]


def _spread(name: str, values: Iterable[list[float | None]]) -> dict[str, object]:
    """Return the pooled standard deviation within a person, and the largest difference."""
    complete = np.array([one for one in values if None not in one], dtype=float)
    if len(complete) == 0:
        return {"name": name, "people": 0}
    return {
        "name": name,
        "people": len(complete),
        "sd_years": float(np.sqrt(complete.var(1, ddof=1).mean())),
        "largest_years": float(np.ptp(complete, axis=1).max()),
        "mean_difference_years": float((complete[:, -1] - complete[:, 0]).mean()),
    }


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _signed(value: object) -> str:
    return f"{value:+.1f}" if isinstance(value, float) else ""


def _line(entry: dict[str, object]) -> list[str]:
    low, high = entry["mae_interval_years"]  # type: ignore[misc]
    return [
        f"{entry['set']}, {entry['strip']}, {entry['cut']}",
        str(entry["people"]),
        f"**{entry['mae_years']:.1f}** ({low:.1f}-{high:.1f})",
        f"{entry['mean_age_mae_years']:.1f}",
        f"{entry['r']:.2f}",
        _signed(entry["mean_error_years"]),
        _signed(entry["young_years"]),
        _signed(entry["old_years"]),
        f"{entry['inside']} of {entry['people']}",
        "" if (inside := entry["inside_fitted_without_them"]) is None else str(inside),
        f"{entry['width_years']:.0f}",
        f"{entry['passed_outside']} of {entry['passed']}",
    ]


def _pair(entry: dict[str, object]) -> list[str]:
    return [
        str(entry["name"]),
        str(entry["people"]),
        f"{entry['sd_years']:.1f}",
        f"{entry['largest_years']:.1f}",
    ]
