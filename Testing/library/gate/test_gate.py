"""All checks together: silent on a sound scan, in words that say what to do."""

from __future__ import annotations

import re

import pytest

from BrainAgeLib.gate.gate import CHECKS, judge, no_brain, not_registered, on_the_cpu_instead
from BrainAgeLib.records import Finding, Quality
from Testing.library.gate.sound import FINE, NOTHING_MEASURED, changed

BAD = changed(
    acquisition={"slice_count": 3, "slice_spacing_mm": 14.0, "in_plane_mm": (5.0, 5.0)},
    brain_volume_ml=100.0,
    slices_in_view=0,
    placement={
        "coverage": 0.3,
        "cut_top": 0.7,
        "overlap": 0.1,
        "leak_share": 0.5,
        "missed_share": 0.5,
        "edge_share": 0.5,
        "pattern": 0.15,
        "pattern_turned": 0.5,
        "signal_around": 0.0,
        "rim_share": 0.9,
    },
    stretch={
        "similarity": 0.1,
        "scale": (0.3, 1.0, 1.0),
        "shear": 0.5,
        "slice_scale": 0.5,
        "pixel_scale": 2.0,
    },
    contrast={
        "grey_to_white": 0.95,
        "tissue_spread": 0.9,
        "field_sd": 0.5,
        "bright_share": 0.5,
        "negative_share": 0.5,
    },
    artefacts={"noise": 0.5, "slice_jump": 0.5, "slice_shift_mm": 9.0, "ghost": 0.5},
    covers_brain=False,
    known_heights_mm=(10.0,),
    members_years=(10.0, 80.0),
    chronological_age_years=5.0,
    novelty=4.0,
)


def test_a_sound_scan_gets_no_finding():
    assert judge(FINE) == ()
    assert Quality(judge(FINE)).verdict == "pass"


def test_what_was_not_measured_is_not_judged():
    assert judge(NOTHING_MEASURED) == ()


def test_nearly_every_check_can_speak_at_once():
    codes = [finding.code for finding in judge(BAD)]

    assert len(codes) == len(set(codes))
    # Of other contrast, of a header and of a scan in template space there is nothing to say here.
    assert len(codes) == len(CHECKS) - 3
    assert Quality(judge(BAD)).verdict == "refuse"


@pytest.mark.parametrize(
    "finding",
    [*judge(BAD), no_brain(), not_registered(), on_the_cpu_instead()],
    ids=lambda finding: finding.code,
)
def test_a_finding_says_what_is_wrong_and_what_to_do(finding):
    sentences = re.split(r"(?<=\.) (?=[A-Z])", finding.message)

    assert len(sentences) >= 2
    assert finding.message.endswith(".")
    assert finding.value is None or isinstance(finding.value, (int, float, str))


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
