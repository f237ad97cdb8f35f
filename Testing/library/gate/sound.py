"""What the gate measures on a sound scan, and on scans that differ from it in one thing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from BrainAgeLib.gate.artefacts import Artefacts
from BrainAgeLib.gate.brain import Brain
from BrainAgeLib.gate.coverage import Coverage, Cut
from BrainAgeLib.gate.evidence import Contrast, Evidence
from BrainAgeLib.gate.gate import judge
from BrainAgeLib.gate.header import Header
from BrainAgeLib.gate.placement import Placement
from BrainAgeLib.gate.sides import Sides
from BrainAgeLib.gate.skull import Skull
from BrainAgeLib.gate.slice_order import SliceOrder
from BrainAgeLib.gate.trust import Trust
from BrainAgeLib.records import Acquisition, Finding
from BrainAgeLib.scan.geometry import Volume, describe_acquisition
from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import Registration
from BrainAgeLib.template.slices import SliceSet
from BrainAgeLib.template.template import load_template

IN_PLACE = Registration(np.eye(4), 0.95)
NO_IMAGES = torch.zeros(0, GRID_HEIGHT, GRID_WIDTH)
NO_SLICES = SliceSet(NO_IMAGES, NO_IMAGES, torch.zeros(0, 3))
SOUND: dict[str, Any] = {
    "contrast": Contrast(
        *(0.78, 0.42, 0.12, 0.06, 0.0),
        pattern=0.6,
        brain_age_years=55.0,
        bright_white_log_odds=1.9,
    ),
    "coverage": Coverage(
        Acquisition("axial", 22, 6.5, 5.0, (0.9, 0.9)), 20, Cut(1.0, 0.0, 0.0, 0.0)
    ),
    "header": Header((1.0, 1.1, 1.2), 0.015, 1.0, 1.0, 0.6, 0.25, 5.0),
    "brain": Brain(1400.0, 0.001, 0.0, 0.0, 0.02, 0.7),
    "placement": Placement(0.92, 0.95),
    "artefacts": Artefacts(0.02, 0.01, 0.25, 0.003),
    "slice_order": SliceOrder(0.69, 0.66, 1.2, 0.05),
    "sides": Sides(0.62, "left", "frontal lobe", is_darker=True),
    "skull": Skull(0.1, "left", "front", 18),
    "trust": Trust(55.0, (53.0, 55.0, 57.0), None, 52.0, (18.0, 88.0)),
}


def changed(family: str, **changes: Any) -> dict[str, Any]:
    """Return what is measured on a scan that is sound but for some values of one family."""
    return SOUND | {family: replace(SOUND[family], **changes)}


def found(family: str, **changes: Any) -> dict[str, str]:
    """Return codes and severities that such a scan gets."""
    findings = judge(changed(family, **changes))
    for finding in findings:
        assert_is_well_said(finding)
    return {finding.code: finding.severity for finding in findings}


def only_finding(family: str, **changes: Any) -> Finding:
    """Return the one finding that such a scan gets."""
    (finding,) = judge(changed(family, **changes))
    assert_is_well_said(finding)
    return finding


def assert_is_well_said(finding: Finding) -> None:
    """Hold that a finding says what is wrong and what to do, of a value that can be written.

    A note is about what nothing has to be done about.
    """
    sentences = re.split(r"(?<=\.) (?=[A-Z])", finding.message)
    assert len(sentences) >= (1 if finding.severity == "note" else 2), finding.message
    assert finding.message.endswith("."), finding.message
    assert finding.value is None or isinstance(finding.value, (int, float, str))


def placed_at(volume: Volume, template_to_scan: np.ndarray | None = None) -> PlacedScan:
    """Return a registered scan whose mask is what is not background."""
    place = IN_PLACE if template_to_scan is None else Registration(template_to_scan, 0.95)
    return PlacedScan(volume, volume.voxels > 25, place)


def with_voxels(placed: PlacedScan, voxels: np.ndarray) -> PlacedScan:
    """Return a scan with other values."""
    return replace(placed, volume=placed.volume.with_voxels(np.asarray(voxels, np.float32)))


def evidence(placed: PlacedScan, **more: Any) -> Evidence:
    """Return the evidence of a scan, without slices unless they are given."""
    acquisition = describe_acquisition(placed.volume, None)
    return Evidence(
        **{"slices": NO_SLICES} | more,
        placed=placed,
        template=load_template(),
        acquisition=acquisition,
    )
