"""As which sequence the age of a row was read."""

from __future__ import annotations

import pytest

from BrainAgeLib.cohort.sequences import NOT_T1, sequence_of
from BrainAgeLib.cohort.table import read_table
from Testing.library.cohort.made_results import row, write_table


@pytest.mark.parametrize(
    ("findings", "column", "sequence"),
    [
        ("", None, "T1w"),
        ("noise", "T1w", "T1w"),
        ("contrast_agent", "T1w after contrast", "T1w after contrast"),
        ("noise;other_sequence", "FLAIR", "FLAIR"),
        ("other_sequence", None, NOT_T1),
        ("other_sequence", "", NOT_T1),
        ("other_sequence", "T1w", NOT_T1),  # a column of the user's own
        ("noise", "FLAIR", "T1w"),
        ("noise", "MPRAGE", "T1w"),
    ],
)
def test_the_findings_tell_it_and_the_column_which_one(findings, column, sequence):
    row = {"findings": findings} | ({} if column is None else {"sequence": column})
    assert sequence_of(row) == sequence


def test_of_a_session_the_t1_counts_wherever_it_stands(tmp_path):
    kinds = ("other_sequence", "contrast_agent", "", "other_sequence")
    rows = [row(1, 60.0, 61.0 + n, findings=kind) for n, kind in enumerate(kinds)]
    rows += [row(2, 60.0, 62.0, findings="other_sequence"), row(2, 60.0, 63.0, verdict="refuse")]
    rows += [row(3, 60.0, 64.0), row(3, 60.0, 65.0)]

    table = read_table(write_table(rows, tmp_path / "results.csv"))

    assert table.scans["brain_age_years"].tolist() == [63.0, 62.0, 64.0]
    assert [one.line for one in table.exclusions] == [2, 3, 5, 7, 9]
