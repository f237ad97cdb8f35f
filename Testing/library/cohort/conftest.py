"""A simulated cohort that every part of the analysis can work on."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.cohort.cohort_data import Plan, read_cohort
from Testing.library.cohort.made_results import write_table
from Testing.library.cohort.simulated_cohorts import CONTROL, Truth, simulated_rows

TRUTH = Truth(visits=4, effect_years=4.0, growth=0.8, hazard=0.15, coupling=-0.4)


@pytest.fixture(scope="session")
def cohort_file(tmp_path_factory):
    """Return the table of 120 people in two groups with four visits, a volume and a score."""
    rows = simulated_rows(TRUTH, np.random.default_rng(3))
    generator = np.random.default_rng(4)
    for entry in rows:
        decline = 0.003 * (entry["age"] - 70) + 0.003 * entry["gap_years"]
        entry["volume"] = 0.75 - decline + generator.normal(0, 0.02)
    return write_table(rows, tmp_path_factory.mktemp("cohort") / "results.csv")


@pytest.fixture(scope="session")
def cohort(cohort_file):
    """Return the same cohort, read."""
    return read_cohort(
        cohort_file,
        Plan(CONTROL, ("volume",), (), "score", None, "event", "years_to_event"),
    )
