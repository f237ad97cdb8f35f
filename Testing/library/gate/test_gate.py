"""All checks together: silent on a sound scan, in words that say what to do."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate.artefacts import Artefacts
from BrainAgeLib.gate.brain import Brain
from BrainAgeLib.gate.coverage import Coverage, Cut
from BrainAgeLib.gate.evidence import Contrast
from BrainAgeLib.gate.gate import (
    FAMILIES,
    judge,
    measure,
    no_brain,
    not_registered,
    on_the_cpu_instead,
)
from BrainAgeLib.gate.header import Header
from BrainAgeLib.gate.placement import Placement
from BrainAgeLib.gate.sides import Sides
from BrainAgeLib.gate.skull import Skull
from BrainAgeLib.gate.slice_order import SliceOrder
from BrainAgeLib.gate.trust import Trust
from BrainAgeLib.model.ensemble import RawAge
from BrainAgeLib.model.sides import OneSided
from BrainAgeLib.records import Acquisition, Finding, Quality
from Testing.library.gate.sound import SOUND, assert_is_well_said, changed, evidence, placed_at
from Testing.library.walls import LIBRARY

GATE = LIBRARY / "gate"
AT_ONCE = 34  # checks that speak of BAD

ONE_SIDED = OneSided(0.6, "left", "frontal lobe", is_darker=True, place_mm=(40.0, -20.0, 30.0))
BAD: dict[str, Any] = {
    "contrast": Contrast(0.95, 0.42, 0.9, 0.5, 0.5, 0.5, pattern=0.15, brain_age_years=55.0),
    "coverage": Coverage(
        Acquisition("axial", 3, 14.0, 5.0, (5.0, 5.0)),
        0,
        Cut(0.3, 0.7, 0.0, 0.0),
        known_heights_mm=(10.0,),
    ),
    "header": Header((0.3, 1.0, 1.0), 0.5, 0.5, 2.0, 0.15, 0.5, 170.0),
    "brain": Brain(300.0, 0.5, 0.5, 0.5, 0.9, 0.0),
    "placement": Placement(0.1, 0.1),
    "artefacts": Artefacts(0.5, 0.5, 9.0, 0.5),
    "slice_order": SliceOrder(2.0, 2.0, 3.0),
    "sides": Sides(4.2, "left", "frontal lobe", is_darker=True),
    "skull": Skull(0.6, "left", "front", 18),
    "trust": Trust(55.0, (10.0, 80.0), 4.0, 5.0, (18.0, 88.0)),
}


def test_a_sound_scan_gets_no_finding():
    assert judge(SOUND) == ()
    assert Quality(judge(SOUND)).verdict == "pass"


def test_what_was_not_measured_is_not_judged():
    in_template_space = SOUND | {
        "contrast": Contrast(grey_to_white=0.78),
        "coverage": Coverage(Acquisition("axial", 1, 6.5, 5.0, (0.9, 0.9)), 1),
        "header": None,
        "brain": None,
        "skull": None,
        "placement": Placement(fraction_in_template=0.97),
        "artefacts": None,
    }

    assert judge(in_template_space) == ()


def test_nearly_every_check_can_speak_at_once():
    codes = [finding.code for finding in judge(BAD)]

    assert len(codes) == len(set(codes))
    # Nothing to say here of other contrast, of a header, of a scan in template space, and of what
    # another check has said: an overlap (the similarity is too low), a missing slice (the order is
    # wrong). A check that is added since shows in the test of its family that it can speak.
    assert len(codes) >= AT_ONCE
    assert Quality(judge(BAD)).verdict == "refuse"


@pytest.mark.parametrize("family", sorted({path.stem for path in GATE.glob("*.py")} - {"gate"}))
def test_every_code_of_a_family_is_in_the_test_beside_it(family):
    named = re.findall(r"FindingCode\.([A-Z0-9_]+)", (GATE / f"{family}.py").read_text("utf-8"))
    test = Path(__file__).with_name(f"test_{family}.py")
    shown = test.read_text("utf-8") if test.is_file() else ""

    codes = [FindingCode[name].value for name in named]
    assert [code for code in codes if f'"{code}"' not in shown] == []


def test_every_family_is_measured(thick_brain):
    raw = RawAge(55.0, (55.0,), covers_brain=True, one_sided=ONE_SIDED)
    measured = measure(evidence(placed_at(thick_brain), raw=raw))

    assert list(measured) == list(FAMILIES)
    assert measured.pop("skull") is None  # a brain without one
    for name, record in measured.items():
        family = FAMILIES[name]
        assert isinstance(record, family.record)


@pytest.mark.parametrize(
    "finding",
    [*judge(BAD), no_brain(), not_registered(), on_the_cpu_instead()],
    ids=lambda finding: finding.code,
)
def test_a_finding_says_what_is_wrong_and_what_to_do(finding):
    assert_is_well_said(finding)


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [
        ((), "pass"),
        (("note",), "pass"),
        (("note", "warn"), "warn"),
        (("warn", "refuse", "note"), "refuse"),
    ],
)
def test_the_worst_finding_decides(severities, verdict):
    findings = tuple(Finding("made_up", severity, "A finding.") for severity in severities)

    assert Quality(findings).verdict == verdict


def test_no_brain_is_refused_and_a_slower_machine_is_not():
    assert no_brain().severity == not_registered().severity == "refuse"
    assert on_the_cpu_instead().severity == "note"
    assert "Nothing needs to be done" in on_the_cpu_instead().message


def test_what_follows_from_a_refusal_comes_last():
    # The place in the template of half a head says nothing of its contrast or its header.
    half = {
        **changed("contrast", bright_white_log_odds=0.4),
        "header": replace(SOUND["header"], scale=(1.0, 1.1, 1.8), slice_scale=0.7),
        "brain": replace(SOUND["brain"], cut_through=0.8),
    }

    codes = [finding.code for finding in judge(half)]

    assert codes == ["mask_at_edge", "not_t1", "wrong_spacing", "registration_scale"]
