"""Whether a scan can carry a brain age: all families of checks, in a fixed order.

Each file beside this one is a family: what is measured, its limits with what chose them, and its
findings. A new check goes there; its code goes into ``findings``. ``docs/quality.md`` has the table
of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from BrainAgeLib.findings import FindingCode, explained_by
from BrainAgeLib.gate import (
    artefacts,
    brain,
    contrast,
    coverage,
    header,
    placement,
    sides,
    skull,
    slice_order,
    trust,
)
from BrainAgeLib.gate.evidence import Evidence, Family
from BrainAgeLib.records import Finding

FAMILIES: dict[str, Family[Any]] = {
    "contrast": contrast.FAMILY,
    "coverage": coverage.FAMILY,
    "header": header.FAMILY,
    "brain": brain.FAMILY,
    "placement": placement.FAMILY,
    "artefacts": artefacts.FAMILY,
    "slice_order": slice_order.FAMILY,
    "sides": sides.FAMILY,
    "skull": skull.FAMILY,
    "trust": trust.FAMILY,
}


def measure(evidence: Evidence) -> dict[str, Any]:
    """Return what each family measures on a scan: its record by its name in ``FAMILIES``."""
    return {name: family.measure(evidence) for name, family in FAMILIES.items()}


def judge(measured: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return what all families find; what follows from a refusal comes last."""
    found = [item for name, family in FAMILIES.items() for item in family.judge(measured[name])]
    explained = explained_by(item.code for item in found if item.severity == "refuse")
    return tuple(sorted(found, key=lambda item: item.code in explained))


def no_brain() -> Finding:
    """Return the finding of a scan in which no brain could be found at all."""
    return Finding(
        FindingCode.NO_BRAIN,
        "refuse",
        "No brain was found in this scan. Check that it is a T1-weighted scan of a head; a handful "
        "of slices only works with --in-template-space.",
    )


def not_registered() -> Finding:
    """Return the finding of a brain whose place in the template could not be found."""
    return Finding(
        FindingCode.NOT_REGISTERED,
        "refuse",
        "The brain could not be registered to the template. Check that the scan is a whole "
        "T1-weighted head; a handful of slices only works with --in-template-space.",
    )


def on_the_cpu_instead() -> Finding:
    """Return the note that the GPU had too little memory."""
    return Finding(
        FindingCode.GPU_MEMORY,
        "note",
        "The GPU had too little memory for this scan; the CPU did the work. "
        "Nothing needs to be done; --device cpu chooses the CPU at once.",
    )
