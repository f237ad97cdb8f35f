"""The measurements of a sound scan, and of scans that differ from it in one thing."""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from typing import Any

from BrainAgeLib.gate.gate import judge
from BrainAgeLib.gate.measurements import Artefacts, Contrast, Measurements, Placement, Stretch
from BrainAgeLib.records import Acquisition, Finding

FINE = Measurements(
    acquisition=Acquisition("axial", 22, 6.5, 5.0, (0.9, 0.9)),
    brain_volume_ml=1400.0,
    slices_in_view=20,
    placement=Placement(1.0, 0.0, 0.0, 0.0, 0.95, 0.001, 0.0, 0.0, 0.6, 0.25, 0.7, 0.02),
    stretch=Stretch(0.92, (1.0, 1.1, 1.2), 0.015, 1.0, 1.0),
    contrast=Contrast(0.78, 0.42, 2.0, 0.12, 0.06, 0.0, 0.0),
    artefacts=Artefacts(0.02, 0.01, 0.25, 0.003),
    brain_age_years=55.0,
    members_years=(53.0, 55.0, 57.0),
    chronological_age_years=52.0,
    trained_age_range_years=(18.0, 88.0),
)
NOTHING_MEASURED = replace(
    FINE, placement=None, stretch=None, contrast=None, artefacts=None, share_in_template=0.97
)


def changed(**changes: Any) -> Measurements:
    """Return what is measured on a scan that is fine but for some changes.

    A dictionary changes fields of the record of that name.
    """
    settled = {}
    for name, value in changes.items():
        part = getattr(FINE, name)
        is_part = isinstance(value, dict) and is_dataclass(part)
        settled[name] = replace(part, **value) if is_part else value
    return replace(FINE, **settled)


def found(**changes: Any) -> dict[str, str]:
    """Return codes and severities that such a scan gets."""
    return {finding.code: finding.severity for finding in judge(changed(**changes))}


def only_finding(**changes: Any) -> Finding:
    """Return the one finding that such a scan gets."""
    (finding,) = judge(changed(**changes))
    return finding
