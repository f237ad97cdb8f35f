"""As which sequence the age of a row was read."""

from __future__ import annotations

import pytest

from BrainAgeLib.cohort.sequences import NOT_T1, sequence_of


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
