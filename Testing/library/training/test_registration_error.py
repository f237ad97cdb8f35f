"""The registration error that training adds is of the size that thick slices really have."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from BrainAgeLib.scan.geometry import apply_affine
from BrainAgeLib.template.template import load_template
from BrainAgeLib.training.appearance import registration_error
from Testing.studies.gate.registration_error import (
    PROTOCOLS,
    rms_movement_mm,
    simulated,
    template_brain_points,
)

RECORDED = Path(__file__).resolve().parents[2] / "studies" / "results" / "registration_error.json"
POINTS = template_brain_points(load_template())


def test_simulated_error_is_as_large_as_the_measured_one():
    measured = json.loads(RECORDED.read_text("utf-8"))["measured"]["rms_mm_median"]

    ratio = simulated(POINTS)["rms_mm_median"] / measured

    assert 0.8 <= ratio <= 2.0


def test_record_is_of_the_code_as_it_is():
    recorded = json.loads(RECORDED.read_text("utf-8"))

    assert set(recorded["by_protocol"]) == set(PROTOCOLS)
    for name, value in simulated(POINTS).items():
        np.testing.assert_allclose(recorded["simulated"][name], value, atol=0.01, err_msg=name)


def test_error_is_about_the_middle_of_the_brain():
    errors = [registration_error(np.random.default_rng(seed)) for seed in range(400)]
    middle = POINTS.mean(0)

    movements = np.array([apply_affine(error, middle) - middle for error in errors])

    np.testing.assert_allclose(movements.mean(0), 0.0, atol=0.15)
    np.testing.assert_allclose(movements.std(0), 0.5, atol=0.15)


def test_a_shift_moves_all_points_alike():
    shift = np.eye(4)
    shift[:3, 3] = (3.0, 0.0, -4.0)

    np.testing.assert_allclose(rms_movement_mm(shift, POINTS), 5.0)
