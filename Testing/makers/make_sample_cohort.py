"""Make Resources/SampleData/simulated_cohort.csv, what the README's group commands work on.

    python -m Testing.makers.make_sample_cohort

Nobody in it is real: 60 simulated people in two groups, three visits, with a volume, a score and an
event, written as ``brainage batch`` writes results.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from Testing.library.cohort.made_results import write_table
from Testing.library.cohort.simulated_cohorts import Truth, simulated_rows

FILE = Path(__file__).resolve().parents[2] / "Resources" / "SampleData" / "simulated_cohort.csv"
TRUTH = Truth(
    people=60, visits=3, effect_years=5.0, growth=1.0, drop_out=0.15, hazard=0.12, coupling=-0.2
)
HALF_WIDTH_YEARS = 11.0


def main() -> None:
    """Write the table."""
    generator = np.random.default_rng(2025)
    rows = simulated_rows(TRUTH, generator)
    for row in rows:
        decline = 0.003 * (row["age"] - 70) + 0.003 * row["gap_years"]
        row["volume"] = round(0.75 - decline + generator.normal(0, 0.02), 4)
        row["path"] = f"simulated/{row['path']}"
        row["age"] = round(row["age"], 2)
        row["brain_age_years"] = round(row["brain_age_years"], 2)
        row["gap_years"] = round(row["brain_age_years"] - row["age"], 2)
        row["corrected_gap_years"] = round(row["corrected_gap_years"], 2)
        row["interval_low"] = round(row["brain_age_years"] - HALF_WIDTH_YEARS, 2)
        row["interval_high"] = round(row["brain_age_years"] + HALF_WIDTH_YEARS, 2)
        row["interval_covers"] = "any scanner"
        row["score"] = round(row["score"], 1)
        row["years_to_event"] = round(row["years_to_event"], 2)
    write_table(rows, FILE)


if __name__ == "__main__":
    main()
