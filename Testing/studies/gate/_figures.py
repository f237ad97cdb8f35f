"""What the gate says of measured scans, in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from BrainAgeLib.gate.gate import judge, no_brain, not_registered
from BrainAgeLib.records import Finding, Quality
from Testing.studies.gate._facts import MEASURED, NO_BRAIN, NOT_REGISTERED, UNREADABLE
from Testing.studies.gate._faults import MADE_FOR, Fault, all_faults
from Testing.studies.gate._rows import Row, measurements_of
from Testing.studies.gate._sources import OTHERS

MOVED_YEARS = 5.0


def findings_of(row: Row) -> tuple[Finding, ...]:
    """Return what the gate says of a row."""
    if row["outcome"] == NO_BRAIN:
        return (no_brain(),)
    if row["outcome"] == NOT_REGISTERED:
        return (not_registered(),)
    if row["outcome"] == UNREADABLE:
        return (Finding("unreadable", "refuse", row["message"]),)
    return judge(measurements_of(row))


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Return all figures of the study."""
    judged = [(row, findings_of(row)) for row in rows]
    sound = [(row, found) for row, found in judged if row["fault"] is None]
    groups = {
        "simulated": [pair for pair in sound if pair[0]["kind"].startswith("simulated")],
        OTHERS: [pair for pair in sound if pair[0]["kind"] == OTHERS],
        "whole heads": [pair for pair in sound if pair[0]["kind"].startswith("whole head")],
    }
    sound_ages = {row["scan"]: _age(row) for row, _ in sound}
    faults = {fault.name: fault for fault in all_faults()}
    faulty = [(row, found) for row, found in judged if row["fault"] in faults]
    in_heads = [pair for pair in faulty if pair[0]["kind"].startswith("whole head")]
    return {
        "rows": len(rows),
        "people": len({row["person"] for row in rows}),
        "seconds": round(sum(row["seconds"] for row in rows)),
        "sound": {name: _verdicts(pairs) for name, pairs in groups.items() if pairs},
        "facts": {name: _distributions(pairs) for name, pairs in groups.items() if pairs},
        "checks": _checks(sound, faulty, faults),
        "faults": _fault_rows(faults, faulty, sound_ages),
        "faults of heads": _fault_rows(faults, in_heads, sound_ages),
        "gross": _gross(faulty, faults),
        "moved": {
            "simulated scans": _moved([p for p in faulty if p not in in_heads], sound_ages),
            "whole heads": _moved(in_heads, sound_ages),
        },
    }


def _age(row: Row) -> float | None:
    return row["facts"]["trust"]["brain_age_years"] if row["outcome"] == MEASURED else None


def _verdict(found: Iterable[Finding]) -> str:
    return Quality(tuple(found)).verdict


def _verdicts(pairs: list[tuple[Row, tuple[Finding, ...]]]) -> dict[str, Any]:
    verdicts = Counter(_verdict(found) for _, found in pairs)
    codes = Counter(finding.code for _, found in pairs for finding in found)
    return {
        "scans": len(pairs),
        "people": len({row["person"] for row, _ in pairs}),
        "refused": verdicts["refuse"],
        "warned": verdicts["warn"],
        "codes": dict(sorted(codes.items())),
    }


def _distributions(pairs: list[tuple[Row, tuple[Finding, ...]]]) -> dict[str, list[float]]:
    """Return the least, 1st, 50th, 99th percentile and the most of each fact, with their count."""
    values: dict[str, list[float]] = {}
    for row, _ in pairs:
        for name, value in _numbers(row.get("facts") or {}):
            values.setdefault(name, []).append(value)
    return {
        name: [len(found), *np.quantile(found, (0.0, 0.01, 0.5, 0.99, 1.0)).round(4).tolist()]
        for name, found in values.items()
    }


def _numbers(facts: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, float]]:
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{name}.")
        elif name == "scale":
            yield from (
                (f"{prefix}{name}_{which}", value[n]) for n, which in ((0, "min"), (2, "max"))
            )
        elif name == "members_years" and value:
            yield "members_range_years", max(value) - min(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield prefix + name, float(value)


def _checks(
    sound: list[tuple[Row, tuple[Finding, ...]]],
    faulty: list[tuple[Row, tuple[Finding, ...]]],
    faults: dict[str, Fault],
) -> dict[str, dict[str, int]]:
    """Return for each code how often it speaks on sound scans and misses a gross fault of its."""
    found_codes = {finding.code for _, found in sound + faulty for finding in found}
    table = {}
    for code in sorted(found_codes | {code for codes in MADE_FOR.values() for code in codes}):
        said = Counter(f.severity for _, found in sound for f in found if f.code == code)
        meant = [
            found
            for row, found in faulty
            if code in faults[row["fault"]].codes and faults[row["fault"]].gross
        ]
        table[code] = {
            "sound": len(sound),
            "false_refusals": said["refuse"],
            "false_warnings": said["warn"],
            "gross_faults": len(meant),
            "missed_by_it": sum(all(f.code != code for f in found) for found in meant),
            "missed_by_the_gate": sum(_verdict(found) != "refuse" for found in meant),
        }
    return table


def _fault_rows(
    faults: dict[str, Fault],
    faulty: list[tuple[Row, tuple[Finding, ...]]],
    sound_ages: dict[str, float | None],
) -> list[dict[str, Any]]:
    """Return a row for each fault that was measured."""
    rows = [
        _fault_row(fault, [pair for pair in faulty if pair[0]["fault"] == name], sound_ages)
        for name, fault in faults.items()
    ]
    return [row for row in rows if row["scans"]]


def _fault_row(
    fault: Fault, pairs: list[tuple[Row, tuple[Finding, ...]]], sound_ages: dict[str, float | None]
) -> dict[str, Any]:
    verdicts = Counter(_verdict(found) for _, found in pairs)
    codes = Counter(finding.code for _, found in pairs for finding in found)
    shifts = [shift for row, _ in pairs if (shift := _shift(row, sound_ages)) is not None]
    return {
        "kind": fault.kind,
        "grade": fault.grade,
        "unit": fault.unit,
        "gross": fault.gross,
        "scans": len(pairs),
        "people": len({row["person"] for row, _ in pairs}),
        "refused": verdicts["refuse"],
        "warned": verdicts["warn"],
        "codes": dict(codes.most_common(4)),
        "shift_years_median": round(float(np.median(np.abs(shifts))), 2) if shifts else None,
        "shift_years_most": round(float(np.max(np.abs(shifts))), 2) if shifts else None,
    }


def _shift(row: Row, sound_ages: dict[str, float | None]) -> float | None:
    age, before = _age(row), sound_ages.get(row["scan"])
    return None if age is None or before is None else age - before


def _gross(
    faulty: list[tuple[Row, tuple[Finding, ...]]], faults: dict[str, Fault]
) -> dict[str, int]:
    gross = [(row, found) for row, found in faulty if faults[row["fault"]].gross]
    verdicts = [_verdict(found) for _, found in gross]
    return {
        "people": len({row["person"] for row, _ in gross}),
        "scans": len(verdicts),
        "refused": verdicts.count("refuse"),
        "warned": verdicts.count("warn"),
    }


def _moved(
    faulty: list[tuple[Row, tuple[Finding, ...]]], sound_ages: dict[str, float | None]
) -> dict[str, Any]:
    """Return how many faults that move the age by more than 5 years are refused or warned of."""
    moved = [
        (row, found) for row, found in faulty if abs(_shift(row, sound_ages) or 0.0) > MOVED_YEARS
    ]
    verdicts = [_verdict(found) for _, found in moved]
    missed = Counter(row["fault"] for row, found in moved if _verdict(found) == "pass")
    return {
        "more_than_years": MOVED_YEARS,
        "scans": len(moved),
        "people": len({row["person"] for row, _ in moved}),
        "refused": verdicts.count("refuse"),
        "warned": verdicts.count("warn"),
        "missed": dict(missed.most_common()),
    }
