"""The tables of the gate's limits, for the documentation."""

from __future__ import annotations

from typing import Any

from Testing.studies.gate._novelty import novelty_lines


def markdown(found: dict[str, Any]) -> str:
    """Return the tables of the documentation."""
    parts = [_head_lines(found), _sound_lines(found), _check_lines(found)]
    parts += [
        _fault_lines(
            "**Faults by grade** (bold: gross, no scan may pass with it)", found["faults"]
        ),
        _fault_lines("**The same in whole heads alone**", found["faults of heads"]),
        _end(found),
    ]
    if found.get("unlike training"):
        parts.append(novelty_lines(found["unlike training"]))
    if "shapes" in found:
        parts.append(_shape_lines(found["shapes"]))
    if "heights" in found:
        parts.append(_height_lines(found["heights"], found["heights model"]))
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _head_lines(found: dict[str, Any]) -> list[str]:
    model = found["model"]
    return [
        f"Measured with `{model['name']}` {model['version']} (sha256 {model['sha256'][:12]}): "
        f"{found['rows']} scans, sound and faulty, of {found['people']} people, in "
        f"{found['seconds'] / 60:.0f} minutes of one processor core."
    ]


def _sound_lines(found: dict[str, Any]) -> list[str]:
    lines = ["**Sound scans**", "", "| scans | number | people | refused | warned | findings |"]
    lines.append("|---|---|---|---|---|---|")
    for name, entry in found["sound"].items():
        codes = ", ".join(f"`{code}` {count}" for code, count in entry["codes"].items()) or "none"
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


def _fault_lines(title: str, faults: list[dict[str, Any]]) -> list[str]:
    if not faults:
        return []
    lines = [
        title,
        "",
        "| fault | grade | scans (people) | refused | warned | age moves by (median, most) | "
        "findings |",
        "|---|---|---|---|---|---|---|",
    ]
    for entry in faults:
        grade = f"{entry['grade']} {entry['unit']}".strip()
        grade = f"**{grade}**" if entry["gross"] else grade
        median, most = entry["shift_years_median"], entry["shift_years_most"]
        moves = "not known" if median is None else f"{median:.1f}, {most:.1f} years"
        codes = ", ".join(f"`{code}` {count}" for code, count in entry["codes"].items()) or "none"
        lines.append(
            f"| {entry['kind']} | {grade} | {entry['scans']} ({entry['people']}) | "
            f"{entry['refused']} | {entry['warned']} | {moves} | {codes} |"
        )
    return lines


def _end(found: dict[str, Any]) -> list[str]:
    gross = found["gross"]
    lines = [
        f"Of {gross['scans']} grossly unfit scans of {gross['people']} people "
        f"{_part(gross, 'refused')} were refused and {gross['warned']} warned about.",
    ]
    for name, moved in found["moved"].items():
        caught = moved["refused"] + moved["warned"]
        missed = ", ".join(f"{fault} ({count})" for fault, count in moved["missed"].items())
        lines.append(
            f"Of {moved['scans']} faulty {name} of {moved['people']} people whose raw age moved by "
            f"more than {moved['more_than_years']:.0f} years, {caught} "
            f"({100 * caught / max(1, moved['scans']):.1f} %) were refused or warned about. "
            f"Not caught: {missed or 'none'}."
        )
    return lines


def _shape_lines(found: dict[str, Any]) -> list[str]:
    """Return how many heads of all would have been refused under a wrong header."""
    factors = list(next(iter(found["slice spacing"].values())))
    lines = [
        f"**A wrong header, by the shape of {found['people']} healthy heads**: share refused when "
        "the header gives so many times the true spacing; 1.0 are false refusals. Computed from "
        "the registrations of the 3D scans, which a wrong header scales.",
        "",
        f"| wrong | slices | {' | '.join(factors)} |",
        "|---|---|" + "---|" * len(factors),
    ]
    for kind in ("slice spacing", "pixel size"):
        for plane, refused in found[kind].items():
            shares = [f"{100 * count / found['people']:.1f} %" for count in refused.values()]
            lines.append(f"| {kind} | {plane} | {' | '.join(shares)} |")
    return lines


def _height_lines(rows: list[dict[str, Any]], model: str) -> list[str]:
    lines = [
        "**How high a slice may lie**: single slices of routine scans, simulated, each person "
        f"predicted by a model of `{model}` that has not seen that person.",
        "",
        "| height in the template | slices | people | MAE | the 90 % interval holds the age in |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        height = row["height_mm"]
        where = "beyond what the model knows" if height is None else f"about {height:.0f} mm"
        lines.append(
            f"| {where} | {row['slices']} | {row['people']} | {row['mae_years']:.1f} years | "
            f"{100 * row['coverage']:.0f} % |"
        )
    return lines
