"""Checks of the brain mask: its volume, its edge, what it leaks into or leaves out."""

from __future__ import annotations

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.limits import above
from BrainAgeLib.gate.measurements import Measurements
from BrainAgeLib.records import Finding, Severity

# Brains of healthy adults hold 0.9 to 2.0 l; what lies well outside is no whole brain's mask.
VOLUME_ML = (900.0, 2000.0)
IMPOSSIBLE_VOLUME_ML = (700.0, 2300.0)
MOST_LEAK = 0.03  # sound scans up to 0.012
UNUSABLE_LEAK = 0.08
MOST_MISSED = 0.02  # sound scans up to 0.001
UNUSABLE_MISSED = 0.1
MOST_RIM = 0.2  # six sound heads up to 0.096; a mask that is 8 mm too small 0.39
MOST_ON_EDGE = 0.1  # a tenth of the brain's width cut off: 0.15
LEAST_SIGNAL_AROUND = 0.05  # heads 0.57 and more, extracted brains 0
CHECK_OUTLINE = "Look at the brain's outline in the report."


def _volume(measured: Measurements) -> Finding | None:
    if measured.placement is None:
        return None  # a scan in template space may be a single slice
    volume = measured.brain_volume_ml / max(measured.placement.coverage, 0.1)
    low, high = VOLUME_ML
    if low <= volume <= high:
        return None
    lowest, highest = IMPOSSIBLE_VOLUME_ML
    severity: Severity = "warn" if lowest <= volume <= highest else "refuse"
    return Finding(
        FindingCode.BRAIN_VOLUME,
        severity,
        f"The brain seems to have {volume:.0f} ml, which is unusual. "
        "Check the brain's outline and the voxel size of the scan.",
        round(volume),
        f"{low:.0f} to {high:.0f} ml",
    )


def _leak(measured: Measurements) -> Finding | None:
    share = measured.placement.leak_share if measured.placement else 0.0
    message = (
        f"{100 * share:.0f} % of what was taken for brain lies where the template has none. "
        f"{CHECK_OUTLINE} If it leaves the brain, do not use the age."
    )
    return above(FindingCode.MASK_LEAKS, share, message, MOST_LEAK, UNUSABLE_LEAK)


def _missed(measured: Measurements) -> Finding | None:
    share = measured.placement.missed_share if measured.placement else 0.0
    message = (
        f"{100 * share:.0f} % of the inside of the brain was not taken for brain. "
        f"{CHECK_OUTLINE} If it leaves brain out, do not use the age."
    )
    return above(FindingCode.MASK_MISSES_BRAIN, share, message, MOST_MISSED, UNUSABLE_MISSED)


def _rim(measured: Measurements) -> Finding | None:
    share = measured.placement.rim_share if measured.placement else None
    message = (
        "What lies just outside the brain's outline is as bright as brain: the outline seems to "
        f"leave brain out. {CHECK_OUTLINE} If it does, do not use the age."
    )
    return above(FindingCode.MASK_TOO_SMALL, share, message, MOST_RIM)


def _edge(measured: Measurements) -> Finding | None:
    share = measured.placement.edge_share if measured.placement else None
    message = (
        "The brain reaches the edge of the picture: a part of it may be cut off or folded over. "
        "Use a series with a larger field of view."
    )
    return above(FindingCode.MASK_AT_EDGE, share, message, MOST_ON_EDGE)


def _already_extracted(measured: Measurements) -> Finding | None:
    placement = measured.placement
    if placement is None or measured.is_extracted:
        return None
    if placement.signal_around >= LEAST_SIGNAL_AROUND:
        return None
    return Finding(
        FindingCode.NO_SKULL,
        "warn",
        "There is nothing around the brain: its skull seems to have been removed already. "
        "Run again with --brain-extracted, or give the whole head.",
        round(placement.signal_around, 3),
        LEAST_SIGNAL_AROUND,
    )


CHECKS = (_volume, _leak, _missed, _rim, _edge, _already_extracted)
