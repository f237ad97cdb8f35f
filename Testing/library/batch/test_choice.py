"""Which series of a study is taken: a T1 first, else another sequence, or the one asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from BrainAgeLib.batch.choice import NO_NATIVE_T1, choose, judge
from BrainAgeLib.batch.series import SeriesFacts

PLAIN = SeriesFacts("a", "1.2", "", "axial", 24)
T1, T1_GD, T2, FLAIR, PD, DWI = (
    replace(PLAIN, description=description, path=description)
    for description in ("t1_tra", "t1_tra +C", "t2_tse_tra", "t2_flair_tra", "pd_tra", "dwi")
)
UNTOLD = replace(PLAIN, description="x", path="x")
BROKEN = replace(UNTOLD, plane=None, slice_count=0, complaint="cannot be read")


def test_thick_axial_t1_is_chosen_and_the_others_say_why_not():
    series = [
        replace(PLAIN, description="t2_tra"),
        replace(PLAIN, description="t1_mprage", plane="3d", slice_count=176),
        replace(PLAIN, description="t1_se_cor", plane="coronal"),
        replace(PLAIN, description="t1_se_tra"),
        replace(PLAIN, description="loc", plane=None, slice_count=3),
    ]

    choice = choose(series)
    reasons = choice.reasons

    assert choice.taken == [series[3]]
    assert reasons[0].startswith("2D axial, 24 slices, T2 (described as 't2_tra'), but a T1w scan")
    assert reasons[1].startswith("3D, 176 slices, T1")
    assert reasons[1].endswith("another series fits better")
    assert reasons[3] == "2D axial, 24 slices, T1 (described as 't1_se_tra')"


def test_more_slices_then_the_first_win_among_equals():
    few, first, second = (
        replace(PLAIN, description="t1", path=path, slice_count=count)
        for path, count in (("few", 19), ("first", 24), ("second", 24))
    )

    assert choose([few, first, second]).taken == [first]
    assert choose([replace(first, is_derived=True), few]).taken == [few]


def test_a_study_that_nobody_reads_has_no_choice():
    choice = choose([replace(PLAIN, description="DWI"), replace(PLAIN, description="PD")])

    assert choice.taken == []
    assert choice.reasons == [
        "diffusion (described as 'DWI')",
        "proton density (described as 'PD')",
    ]


def test_a_handful_of_slices_comes_last_but_is_not_lost():
    few = replace(PLAIN, description="t1", slice_count=1)
    other = replace(PLAIN, description="t1 3d", plane="3d", slice_count=160)

    assert choose([few, other]).taken == [other]
    assert choose([few]).taken == [few]


def test_what_makes_no_volume_cannot_serve():
    assert judge(replace(PLAIN, plane=None, slice_count=3)) == (
        None,
        "3 slices that make no volume",
    )


@pytest.mark.parametrize(
    ("series", "taken", "why"),
    [
        ([FLAIR, T2, T1_GD, T1], T1, ""),
        ([FLAIR, T2, T1_GD], T1_GD, NO_NATIVE_T1),
        ([FLAIR, T2, DWI], T2, "no T1w scan; T2w is taken instead"),
        ([DWI, FLAIR, PD], FLAIR, "no T1w scan; FLAIR is taken instead"),
        ([T2, UNTOLD], UNTOLD, ""),
        ([replace(T1, plane=None), T2], T2, "no T1w scan of use; T2w is taken instead"),
        ([replace(T1, slice_count=3), T2], T2, "no T1w scan of use; T2w is taken instead"),
        ([replace(T1, plane="3d"), T2], replace(T1, plane="3d"), ""),
    ],
)
def test_what_goes_before_what(series, taken, why):
    choice = choose(series)

    assert (choice.taken, choice.why) == ([taken], why)
    assert choice.reasons[series.index(taken)].endswith(why)


@pytest.mark.parametrize(
    ("wish", "taken"), [("T1w", T1), ("T2w", T2), ("FLAIR", FLAIR), ("PDw", PD)]
)
def test_a_wish_decides_and_the_others_say_so(wish, taken):
    series = [T1_GD, DWI, UNTOLD, PD, FLAIR, T2, T1]

    choice = choose(series, wish)

    assert choice.taken == [taken]
    others = [r for facts, r in zip(series, choice.reasons, strict=True) if facts is DWI]
    assert others == [f"diffusion (described as 'dwi'); --sequence {wish} was given"]


def test_a_wish_takes_what_no_header_tells_but_no_other_sequence():
    assert choose([T1, UNTOLD], "T2w").taken == [UNTOLD]
    choice = choose([T1, DWI], "T2w")
    assert choice.taken == []
    assert choice.reasons[0] == "T1 (described as 't1_tra'); --sequence T2w was given"


def test_what_cannot_be_read_and_may_be_the_t1_is_not_replaced():
    choice = choose([T2, BROKEN])

    assert (choice.taken, choice.why) == ([BROKEN], "")
    assert choice.reasons[0].endswith(
        "T2 (described as 't2_tse_tra'), but what goes before it cannot be read"
    )
    assert choose([T1, BROKEN]).taken == [T1]
    assert choose([T2, replace(BROKEN, description="FLAIR")]).taken == [T2]


def test_what_lies_beside_in_other_studies_of_the_person_is_not_replaced():
    choice = choose([T2], beside=0)

    assert choice.taken == []
    assert choice.reasons[0].endswith("a T1w scan is preferred; --sequence T2w chooses T2w")
    assert (
        choose([FLAIR], beside=2)
        .reasons[0]
        .endswith("a T2w scan is preferred; --sequence FLAIR chooses FLAIR")
    )
    assert choose([T2], beside=2).taken == [T2]
    assert choose([T2], "T2w", beside=0).taken == [T2]
