"""Ages of other sequences than T1 in a results table: the findings of their scans tell them.

Which other one it is says the column ``sequence``, which older tables do not have.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from BrainAgeLib.batch.table import FINDING_SEPARATOR
from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import T1_LIKE, SequenceName

if TYPE_CHECKING:
    import pandas as pd

BY_ITSELF = (
    "--sequence T1w, T2w or FLAIR of brainage batch makes a table of one sequence, and "
    "prediction.json of each scan, and the column sequence of newer tables, say which it is."
)
ALL_OTHERS = (
    "All ages are of another sequence than T1 (the finding other_sequence): errors and gaps are "
    "those of that sequence and say nothing of T1 scans. Do not put T2w and FLAIR together: "
    f"{BY_ITSELF}"
)
OTHERS = "Other sequences"
T1, NOT_T1 = "T1w", "another one than T1w"


def finding_codes(row: Mapping[Any, Any]) -> list[str]:
    """Return what was found in the scan of a row; nothing where the table does not hold it."""
    return [code for code in str(row.get("findings") or "").split(FINDING_SEPARATOR) if code]


def is_of_t1(row: Mapping[Any, Any]) -> bool:
    """Say whether the age of a row is that of a scan which was read as a T1."""
    return FindingCode.OTHER_SEQUENCE not in finding_codes(row)


def t1_first(rows: Sequence[Mapping[Any, Any]]) -> list[tuple[int, Mapping[Any, Any]]]:
    """Return rows with their places: those of T1, those after an agent, then other sequences.

    Of several scans of a session the age of the T1 is the one to use.
    """

    def rank(item: tuple[int, Mapping[Any, Any]]) -> tuple[bool, bool]:
        return not is_of_t1(item[1]), FindingCode.CONTRAST_AGENT in finding_codes(item[1])

    return sorted(enumerate(rows), key=rank)


def sequence_of(row: Mapping[Any, Any]) -> str:
    """Return as which sequence the age of a row was read; NOT_T1 where nothing says which other.

    A column ``sequence`` may be the user's own: what contradicts the findings is not heeded.
    """
    said, is_t1 = str(row.get("sequence") or "").strip(), is_of_t1(row)
    if said in get_args(SequenceName) and (said in T1_LIKE) == is_t1:
        return said
    return T1 if is_t1 else NOT_T1


def beside_plain_t1(with_own_curve: Collection[str]) -> frozenset[str]:
    """Return what ``sequence_of`` says of ages that are not those of a plain T1.

    ``with_own_curve``: the sequences that a model reads by a curve of their own, a T1 after
    contrast agent for one.
    """
    return (frozenset({NOT_T1, *get_args(SequenceName)}) - T1_LIKE) | frozenset(with_own_curve)


def by_sequence(scans: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the scans of each sequence, those of T1 first, then those of the commonest."""
    names = scans.assign(sequence=[sequence_of(row) for row in scans.to_dict("records")])
    counts = names["sequence"].value_counts()
    order = sorted(counts.index, key=lambda name: (name != T1, -counts[name], name))
    return {name: scans[names["sequence"] == name].reset_index(drop=True) for name in order}


def apart_cautions(name: str, others: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return what a reader of figures of one sequence must know, in sentences.

    ``others``: the first scans of people of further sequences in the table.
    """
    said = []
    if name != T1:
        known = f"All figures are of {name} scans and say nothing of plain T1 scans."
        said.append(ALL_OTHERS if name == NOT_T1 else known)
    if others:
        each = ", ".join(f"{other}: {len(scans)}" for other, scans in others.items())
        said.append(
            f"The table holds people by other sequences, too ({each}): their ages err differently, "
            f"count in no figure of {name}, and have their own under {OTHERS}."
        )
    if NOT_T1 in others:
        said.append(f"Do not take {NOT_T1} for one sequence: {BY_ITSELF}")
    return said


def sequence_cautions(scans: pd.DataFrame) -> list[str]:
    """Return what a reader must know where not all scans are of T1, in a sentence."""
    others = scans[[not is_of_t1(row) for row in scans.to_dict("records")]]
    if others.empty:
        return []
    if len(others) == len(scans):
        return [ALL_OTHERS]
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
