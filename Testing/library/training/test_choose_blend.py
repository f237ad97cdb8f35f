"""How much each kind of model counts is chosen by people whom it has not seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.training.blend import choose_blend, fit_curve
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL
from Testing.library.model_folders import out_of_fold_rows


def is_for_choices(row):
    """Say whether a choice may look at a row."""
    return row.protocol == MAIN_PROTOCOL and not row.held_out


@pytest.mark.parametrize(
    ("network_off", "regional_off", "expected"),
    [
        (-3.0, 7.0, {"network": 0.7, "regional": 0.3}),
        (-3.0, 0.0, {"regional": 1.0}),
        (0.5, 9.0, {"network": 1.0}),
    ],
)
def test_the_blend_is_that_with_the_least_error_of_validation_people_on_the_main_scans(
    network_off, regional_off, expected
):
    rows = [
        replace(
            row,
            by_kind={
                "network": row.age_years + network_off,
                # Others than validation people must not be looked at.
                "regional": row.age_years + (regional_off if is_for_choices(row) else 1.0),
            },
        )
        if row.covers_brain
        else row
        for row in out_of_fold_rows(40)
    ]
    assert any(row.held_out for row in rows)

    blend = choose_blend(rows)

    assert (blend.whole_brain, blend.part_of_brain) == (expected, {"slices": 1.0})
    chosen = [row for row in rows if is_for_choices(row)]
    said = [sum(part * row.by_kind[kind] for kind, part in expected.items()) for row in chosen]
    ages = [row.age_years for row in chosen]
    assert blend.curve == fit_curve(np.array(ages), np.array(said))


def off_by(rows, network_off, regional_off):
    """Return the rows of whole brains with kinds that are off by so many years."""
    return [
        replace(
            row,
            by_kind={
                "network": row.age_years + network_off,
                "regional": row.age_years + regional_off,
            },
        )
        for row in rows
        if row.covers_brain
    ]


def test_a_kind_that_is_best_at_home_alone_does_not_decide_where_there_are_other_sites():
    rows = out_of_fold_rows(40)
    home = off_by(rows, 2.0, 0.0) + [row for row in rows if not row.covers_brain]
    few = off_by(rows, -1.0, 9.0)[:20]

    assert choose_blend(home).whole_brain == {"regional": 1.0}
    with_others = choose_blend(home, [few])

    # 2 w at home and 9 - 10 w elsewhere: least where the second is none.
    assert with_others.whole_brain == {"network": 0.9, "regional": 0.1}
    assert with_others.curve != choose_blend(home).curve


@pytest.mark.parametrize(("covers_brain", "what"), [(False, "network, regional"), (True, "slices")])
def test_no_blend_is_chosen_by_nobody(covers_brain, what):
    rows = [row for row in out_of_fold_rows(40) if row.covers_brain == covers_brain]

    with pytest.raises(ValueError, match=what):
        choose_blend(rows)
