"""Ages of other sequences than T1 in a results table: the findings of their scans tell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from BrainAgeLib.batch.table import FINDING_SEPARATOR
from BrainAgeLib.findings import FindingCode

if TYPE_CHECKING:
    import pandas as pd

BY_ITSELF = (
    "--sequence T1w, T2w or FLAIR of brainage batch makes a table of one sequence, and "
    "prediction.json of each scan says which it is."
)


def finding_codes(row: Mapping[Any, Any]) -> list[str]:
    """Return what was found in the scan of a row; nothing where the table does not hold it."""
    return [code for code in str(row.get("findings") or "").split(FINDING_SEPARATOR) if code]


def is_of_t1(row: Mapping[Any, Any]) -> bool:
    """Say whether the age of a row is that of a scan which was read as a T1."""
    return FindingCode.OTHER_SEQUENCE not in finding_codes(row)


def sequence_cautions(scans: pd.DataFrame) -> list[str]:
    """Return what a reader must know where not all scans are of T1, in a sentence."""
    others = scans[[not is_of_t1(row) for row in scans.to_dict("records")]]
    if others.empty:
        return []
    if len(others) == len(scans):
        return [
            "All ages are of another sequence than T1 (the finding other_sequence): errors and "
            "gaps are those of that sequence and say nothing of T1 scans. Do not put T2w and "
            f"FLAIR together: {BY_ITSELF}"
        ]
    counts, of_others = scans["group"].value_counts(), others["group"].value_counts()
    by_group = ", ".join(
        f"{name or '(none)'} {of_others.get(name, 0)} of {counts[name]}"
        for name in sorted(counts.index)
    )
    each = f" ({by_group})" if len(counts) > 1 else ""
    return [
        f"Ages of T1 and of other sequences stand together: {len(others)} of {len(scans)} scans"
        f"{each} are of another sequence than T1 (the finding other_sequence), whose ages err "
        f"differently and by more. Analyse each sequence by itself: {BY_ITSELF}"
    ]
