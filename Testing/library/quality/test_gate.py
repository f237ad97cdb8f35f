"""Each check speaks beyond its limit and is silent at it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from BrainAgeLib.measurements import Measurements
from BrainAgeLib.quality.gate import CHECKS, judge, no_brain, not_registered, on_the_cpu_instead
from BrainAgeLib.records import Acquisition, Finding, Quality

FINE = Measurements(
    acquisition=Acquisition("axial", 22, 6.5, 5.0, (0.9, 0.9)),
    brain_volume_ml=1400.0,
    slices_in_view=20,
    template_overlap=0.95,
    similarity=0.92,
    template_coverage=1.0,
    scale=(1.0, 1.1, 1.2),
    brain_age_years=55.0,
    members_years=(53.0, 55.0, 57.0),
    chronological_age_years=52.0,
    trained_age_range_years=(18.0, 88.0),
)


def codes(**changes):
    """Return the codes and severities that a scan gets that is fine but for some changes."""
    return {finding.code: finding.severity for finding in judge(replace(FINE, **changes))}


def with_slices(count):
    """Return the acquisition of a scan with so many slices."""
    return replace(FINE.acquisition, slice_count=count)


def test_a_good_scan_gets_no_finding():
    assert judge(FINE) == ()
    assert Quality(judge(FINE)).verdict == "pass"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"brain_volume_ml": 900.0}, {}),
        ({"brain_volume_ml": 2000.0}, {}),
        ({"brain_volume_ml": 899.0}, {"brain_volume": "warn"}),
        ({"brain_volume_ml": 2001.0}, {"brain_volume": "warn"}),
        ({"brain_volume_ml": 700.0}, {"brain_volume": "warn"}),
        ({"brain_volume_ml": 2300.0}, {"brain_volume": "warn"}),
        ({"brain_volume_ml": 699.0}, {"brain_volume": "refuse"}),
        ({"brain_volume_ml": 2301.0}, {"brain_volume": "refuse"}),
        # What lies outside the field of view is reckoned in.
        ({"brain_volume_ml": 1200.0, "template_coverage": 0.75}, {}),
        ({"brain_volume_ml": 740.0, "template_coverage": 0.8}, {}),
        ({"brain_volume_ml": 800.0, "template_coverage": None}, {}),
        ({"template_coverage": 0.75}, {}),
        ({"template_coverage": 0.749}, {"brain_cut": "warn"}),
        ({"slices_in_view": 1}, {}),
        ({"slices_in_view": 0}, {"no_slices_in_view": "refuse"}),
        ({"share_in_template": 0.7}, {}),
        ({"share_in_template": 0.699}, {"not_in_template_space": "refuse"}),
        ({"share_in_template": 0.0, "slices_in_view": 0}, {"no_slices_in_view": "refuse"}),
        ({"acquisition": with_slices(8)}, {}),
        ({"acquisition": with_slices(7)}, {"too_few_slices": "refuse"}),
        ({"acquisition": with_slices(1), "similarity": None}, {}),
        ({"similarity": 0.6}, {}),
        ({"similarity": 0.599}, {"registration_similarity": "refuse"}),
        ({"similarity": float("nan")}, {"registration_similarity": "refuse"}),
        ({"similarity": None}, {}),
        ({"template_overlap": 0.85}, {}),
        ({"template_overlap": 0.849}, {"registration_overlap": "refuse"}),
        ({"template_overlap": None}, {}),
        ({"scale": (0.8, 1.0, 1.5)}, {}),
        ({"scale": (0.79, 1.0, 1.2)}, {"registration_scale": "refuse"}),
        ({"scale": (1.0, 1.1, 1.51)}, {"registration_scale": "refuse"}),
        ({"scale": None}, {}),
        ({"members_years": (45.0, 60.0)}, {}),
        ({"members_years": (45.0, 60.1)}, {"members_disagree": "warn"}),
        ({"members_years": ()}, {}),
        ({"chronological_age_years": 18.0}, {}),
        ({"chronological_age_years": 17.9}, {"age_outside_training": "warn"}),
        ({"chronological_age_years": 88.1}, {"age_outside_training": "warn"}),
        ({"brain_age_years": 90.0}, {"age_outside_training": "warn"}),
        ({"brain_age_years": None, "chronological_age_years": None}, {}),
        ({"chronological_age_years": 5.0, "trained_age_range_years": None}, {}),
    ],
)
def test_limits(changes, found):
    assert codes(**changes) == found


def test_every_check_can_speak():
    bad = replace(
        FINE,
        acquisition=with_slices(3),
        brain_volume_ml=100.0,
        slices_in_view=0,
        template_overlap=0.1,
        similarity=0.1,
        template_coverage=0.3,
        scale=(0.3, 1.0, 1.0),
        members_years=(10.0, 80.0),
        chronological_age_years=5.0,
    )

    # One of the checks is for scans that were not registered.
    assert len(judge(bad)) == len(CHECKS) - 1
    assert judge(replace(FINE, share_in_template=0.1))
    assert Quality(judge(bad)).verdict == "refuse"


def test_a_finding_tells_value_and_limit():
    (finding,) = judge(replace(FINE, similarity=0.41234))

    assert (finding.value, finding.limit) == (0.412, 0.6)
    (finding,) = judge(replace(FINE, brain_volume_ml=650.4))
    assert (finding.value, finding.limit) == (650, "900 to 2000 ml")
    (finding,) = judge(replace(FINE, scale=(0.5, 1.0, 1.6)))
    assert (finding.value, finding.limit) == (0.5, "0.8 to 1.5")


def test_messages_are_sentences_with_the_numbers_in_them():
    (finding,) = judge(replace(FINE, members_years=(40.0, 62.0)))

    assert finding.message == (
        "The networks of the ensemble disagree by 22 years. Trust the age less."
    )


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
