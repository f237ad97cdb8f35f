"""Whether a scan can carry a brain age: all checks on what was measured, in a fixed order.

Each file beside this one holds one family of checks. A check takes the measurements and returns a
finding or None; a limit stands beside what chose it. ``docs/quality.md`` has the table of all.
"""

from __future__ import annotations

from collections.abc import Callable

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate import artefacts, brain, contrast, coverage, header, placement, trust
from BrainAgeLib.gate.measurements import Measurements
from BrainAgeLib.records import Finding

Check = Callable[[Measurements], Finding | None]

CHECKS: tuple[Check, ...] = (
    *contrast.CHECKS,
    *coverage.CHECKS,
    *header.CHECKS,
    *brain.CHECKS,
    *placement.CHECKS,
    *artefacts.CHECKS,
    *trust.CHECKS,
)


def judge(measured: Measurements) -> tuple[Finding, ...]:
    """Return what all checks found, in a fixed order."""
    found = (check(measured) for check in CHECKS)
    return tuple(finding for finding in found if finding is not None)


def no_brain() -> Finding:
    """Return the finding of a scan in which no brain could be found at all."""
    return Finding(
        FindingCode.NO_BRAIN,
        "refuse",
        "No brain was found in this scan. Check that it is a T1-weighted scan of a head.",
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
