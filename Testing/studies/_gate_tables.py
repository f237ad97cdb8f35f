"""The tables of the gate's limits, for the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

BEGIN, END = "<!-- gate limits: begin -->", "<!-- gate limits: end -->"


def markdown(found: dict[str, Any]) -> str:
    """Return the tables of the documentation."""
    return "\n".join(
        [*_sound_lines(found), "", *_check_lines(found), "", *_fault_lines(found), "", *_end(found)]
    )


def _sound_lines(found: dict[str, Any]) -> list[str]:
    lines = ["**Sound scans**", "", "| scans | number | people | refused | warned | findings |"]
    lines.append("|---|---|---|---|---|---|")
    for name, entry in found["sound"].items():
        codes = ", ".join(f"{code} {count}" for code, count in entry["codes"].items()) or "none"
        lines.append(
            f"| {name} | {entry['scans']} | {entry['people']} | {_part(entry, 'refused')} | "
            f"{_part(entry, 'warned')} | {codes} |"
        )
    return lines


def _part(entry: dict[str, Any], name: str) -> str:
    return f"{entry[name]} ({100 * entry[name] / max(1, entry['scans']):.1f} %)"


def _check_lines(found: dict[str, Any]) -> list[str]:
    lines = [
        "**Checks**: on all sound scans, and on the gross faults that the check is made for",
        "",
        "| finding | false refusals | false warnings | gross faults | missed by it | not refused |",
        "|---|---|---|---|---|---|",
    ]
    for code, entry in found["checks"].items():
        lines.append(
            f"| `{code}` | {entry['false_refusals']} of {entry['sound']} | "
            f"{entry['false_warnings']} of {entry['sound']} | {entry['gross_faults']} | "
            f"{entry['missed_by_it']} | {entry['missed_by_the_gate']} |"
        )
    return lines


def _fault_lines(found: dict[str, Any]) -> list[str]:
    lines = [
        "**Faults by grade** (bold: gross, no scan may pass with it)",
        "",
        "| fault | grade | scans | refused | warned | age moves by (median, most) | findings |",
        "|---|---|---|---|---|---|---|",
    ]
    for entry in found["faults"]:
        if not entry["scans"]:
            continue
        grade = f"{entry['grade']} {entry['unit']}".strip()
        grade = f"**{grade}**" if entry["gross"] else grade
        median, most = entry["shift_years_median"], entry["shift_years_most"]
        moves = "no age" if median is None else f"{median:.1f}, {most:.1f} years"
        codes = ", ".join(f"`{code}` {count}" for code, count in entry["codes"].items()) or "none"
        lines.append(
            f"| {entry['kind']} | {grade} | {entry['scans']} | {entry['refused']} | "
            f"{entry['warned']} | {moves} | {codes} |"
        )
    return lines


def _end(found: dict[str, Any]) -> list[str]:
    gross, moved = found["gross"], found["moved"]
    caught = moved["refused"] + moved["warned"]
    missed = ", ".join(f"{name} ({count})" for name, count in moved["missed"].items()) or "none"
    return [
        f"Of {gross['scans']} grossly unfit scans {_part(gross, 'refused')} were refused and "
        f"{gross['warned']} warned about.",
        f"Of {moved['scans']} faulty scans whose raw age moved by more than "
        f"{moved['more_than_years']:.0f} years, {caught} "
        f"({100 * caught / max(1, moved['scans']):.1f} %) were refused or warned about. "
        f"Not caught: {missed}.",
    ]


def write_between_marks(page: Path, tables: str) -> None:
    """Replace what stands between the marks of a page. Raises ValueError when it has none."""
    before, begin, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no marks {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}", "utf-8")
