"""How much each kind of model counts, and the curve, are chosen by people whom nothing has seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BrainAgeLib.model.calibration import AgeCurve
from BrainAgeLib.training.blend import blended, choose_blend, fit_curve
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL, SEQUENCE_PROTOCOLS
from BrainAgeLib.training.simulate import TIGHT_PROTOCOL
from Testing.library.model_folders import blend_of, out_of_fold_rows


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


def test_the_curve_of_a_t1_is_not_that_of_other_sequences():
    row = out_of_fold_rows(3)[0]
    other = replace(row, protocol=SEQUENCE_PROTOCOLS["FLAIR"])
    blend = replace(blend_of(0.5), curve=AgeCurve((0.0, 100.0), (20.0, 80.0)))
    said = blend_of(0.5).raw_age(row.by_kind, True)

    of_t1, of_flair = blended([row, other], blend)

    assert of_t1.predicted_years == pytest.approx(20.0 + 0.6 * said, abs=1e-3)
    assert of_flair.predicted_years == pytest.approx(said, abs=1e-3)


def test_ages_are_put_together_by_the_blend():
    row = out_of_fold_rows(3)[0]
    whole = replace(row, by_kind={"network": 50.0, "regional": 60.0})
    part = replace(row, covers_brain=False, by_kind={"slices": 44.0})

    both, alone = blended([whole, part], blend_of(0.7))

    assert both.predicted_years == pytest.approx(53.0)
    assert both.by_kind == whole.by_kind
    assert alone.predicted_years == 44.0


def leaning(slope, noise_years=4.0, bend=0.0, people=600):
    """Return ages and what is said of them: of the young too much, of the old too little."""
    generator = np.random.default_rng(2)
    ages = np.sort(generator.uniform(18.0, 88.0, people))
    away = (ages - 53.0) / 35.0
    said = 53.0 + 35.0 * (slope * away - bend * away**3)
    return ages, said + generator.normal(0.0, noise_years, people)


@pytest.mark.parametrize("share", [0.5, 0.75, 1.0])
@pytest.mark.parametrize(("slope", "bend"), [(0.6, 0.0), (0.8, 0.0), (0.9, 0.15), (1.0, 0.2)])
def test_a_curve_takes_its_share_of_the_mean_error_at_both_ends_and_changes_nobodys_order(
    slope, bend, share
):
    ages, said = leaning(slope, bend=bend)

    curve = fit_curve(ages, said, share)

    bent = np.array([curve(one) for one in said])
    for end in (ages < 26, ages > 80):
        before, after = (float((predicted - ages)[end].mean()) for predicted in (said, bent))
        assert abs(before) > 3.0
        assert after == pytest.approx((1 - share) * before, abs=0.1 * abs(before))
    assert np.array_equal(np.argsort(bent), np.argsort(said))


def test_a_curve_of_predictions_that_do_not_lean_changes_nothing():
    ages, said = leaning(1.0)

    curve = fit_curve(ages, said)

    assert [curve(age) for age in (22.0, 30.0, 53.0, 75.0, 85.0)] == pytest.approx(
        [22.0, 30.0, 53.0, 75.0, 85.0], abs=1.5
    )


def test_beyond_the_ages_of_the_people_a_curve_goes_on_half_as_steeply():
    ages, said = leaning(0.8)

    curve = fit_curve(ages, said)

    first, last = curve.said_years[1], curve.said_years[-2]
    for end, inside, outside in ((first, first + 1.0, first - 1.0), (last, last - 1.0, last + 1.0)):
        within, beyond = curve(inside) - curve(end), curve(end) - curve(outside)
        assert beyond == pytest.approx(within / 2, rel=0.01)


@pytest.mark.parametrize("people", [13, 30, 600])
@pytest.mark.parametrize(("slope", "bend"), [(0.0, 0.0), (0.8, 0.6), (-0.5, 0.0)])
def test_a_curve_of_models_that_know_little_makes_no_ages_up(slope, bend, people):
    ages, said = leaning(slope, bend=bend, people=people)

    curve = fit_curve(ages, said, 1.0)

    bent = np.array([curve(one) for one in np.sort(said)])
    assert (np.diff(bent) <= 3.01 * np.diff(np.sort(said))).all()
    assert bent.mean() == pytest.approx(said.mean(), abs=8.0)


def strips(loose_filled_in, tight_filled_in, tight_off=3.0):
    """Return rows of people as they are and stripped tight, which makes them older."""
    rows = out_of_fold_rows(60)
    main = [row for row in rows if row.protocol == MAIN_PROTOCOL and row.covers_brain]
    off = dict.fromkeys(main[0].by_kind, tight_off)
    tight = [
        replace(
            row,
            protocol=TIGHT_PROTOCOL,
            by_kind={kind: age + off[kind] for kind, age in row.by_kind.items()},
            filled_in=tight_filled_in,
        )
        for row in main
    ]
    others = [row for row in rows if row not in main]
    return [*(replace(row, filled_in=loose_filled_in) for row in main), *tight, *others]


def test_brains_that_are_told_as_stripped_tight_have_a_curve_of_their_own():
    rows = strips(0.01, 0.03)

    blend = choose_blend(rows)

    assert (blend.tight.loose, blend.tight.tight) == pytest.approx((0.01, 0.03))
    assert blend.curve == choose_blend([r for r in rows if r.protocol != TIGHT_PROTOCOL]).curve
    ages = {}
    for row in blended(rows, blend):
        if row.protocol in (MAIN_PROTOCOL, TIGHT_PROTOCOL) and row.covers_brain:
            ages.setdefault(row.participant_id, []).append(row.predicted_years)
    for loose, tight in ages.values():
        assert tight == pytest.approx(loose, abs=0.5)


def test_ages_of_strips_between_loose_and_tight_lie_between():
    said = {"network": 50.0, "regional": 50.0}
    blend = choose_blend(strips(0.01, 0.03))

    ages = [blend.raw_age(said, True, filled_in) for filled_in in (0.0, 0.01, 0.02, 0.03, 0.9)]

    assert ages[0] == ages[1] == blend.curve(50.0)
    assert ages[3] == ages[4] == pytest.approx(blend.tight.curve(50.0))
    assert ages[2] == pytest.approx((ages[1] + ages[3]) / 2)
    assert ages[1] - ages[3] > 1.0


@pytest.mark.parametrize("tight_filled_in", [0.01, 0.005])
def test_strips_that_are_not_told_apart_share_a_curve(tight_filled_in):
    assert choose_blend(strips(0.01, tight_filled_in)).tight is None


def test_few_people_stripped_tight_make_no_curve():
    rows = strips(0.01, 0.03)
    tight = [row for row in rows if row.protocol == TIGHT_PROTOCOL]

    assert choose_blend([row for row in rows if row not in tight[9:]]).tight is None
