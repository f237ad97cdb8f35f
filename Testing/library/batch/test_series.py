from __future__ import annotations

from dataclasses import replace

import pytest

from BrainAgeLib.batch.series import SeriesFacts, choose, contrast_of, judge

PLAIN = SeriesFacts("a", "1.2", "", "axial", 24)


@pytest.mark.parametrize(
    ("description", "contrast"),
    [
        ("t1_tse_tra_p2", "T1"),
        ("AX T1 SE", "T1"),
        ("T1 FLAIR ax", "T1"),
        ("sub-3_T1w.nii.gz", "T1"),
        ("t2_tse_tra", "T2"),
        ("AX T2 FLAIR", "T2 FLAIR"),
        ("t2_tirm_tra_dark-fluid", "T2 FLAIR"),
        ("ep2d_diff_3scan_trace", "diffusion"),
        ("t1_tse_tra +C", "T1 after contrast agent"),
        ("AX T1 POST", "T1 after contrast agent"),
        ("t1_se_tra_KM", "T1 after contrast agent"),
        ("TOF_3D_multi-slab", "angiography"),
        ("localizer", "localizer"),
        ("T2* GRE", "T2*"),
        ("pd_tse_tra", "proton density"),
        ("PD_001.nii.gz", ""),  # a person with Parkinson's disease
        ("patient2.nii", ""),
        ("brain_mask.nii.gz", "a map or mask"),
    ],
)
def test_contrast_by_description(description, contrast):
    assert contrast_of(replace(PLAIN, description=description))[0] == contrast


@pytest.mark.parametrize(
    ("echo", "repetition", "inversion", "gradient", "contrast"),
    [
        (12, 550, None, False, "T1"),
        (2.5, 250, None, True, "T1"),
        (3, 2300, 900, True, "T1"),
        (9, 2000, 860, False, "T1"),
        (100, 4500, None, False, "T2"),
        (120, 9000, 2500, False, "T2 FLAIR"),
        (12, 3000, None, False, "proton density"),
        (25, 700, None, True, "T2*"),
    ],
)
def test_contrast_by_times(echo, repetition, inversion, gradient, contrast):
    facts = replace(
        PLAIN,
        echo_ms=echo,
        repetition_ms=repetition,
        inversion_ms=inversion,
        is_gradient_echo=gradient,
    )

    found, why = contrast_of(facts)

    assert found == contrast
    assert f"TE {echo} ms" in why


def test_times_go_before_a_name_that_says_t1():
    assert contrast_of(replace(PLAIN, description="T1?", echo_ms=90, repetition_ms=4000))[0] == "T2"


def test_an_agent_in_the_header_counts_whatever_the_name():
    named = replace(PLAIN, description="t1_tra", has_contrast_agent=True)

    assert contrast_of(named)[0] == "T1 after contrast agent"


def test_thick_axial_t1_is_chosen_and_the_others_say_why_not():
    series = [
        replace(PLAIN, description="t2_tra"),
        replace(PLAIN, description="t1_mprage", plane="3d", slice_count=176),
        replace(PLAIN, description="t1_se_cor", plane="coronal"),
        replace(PLAIN, description="t1_se_tra"),
        replace(PLAIN, description="loc", plane=None, slice_count=3),
    ]

    best, reasons = choose(series)

    assert best is series[3]
    assert reasons[0] == "T2 (described as 't2_tra')"
    assert reasons[1].startswith("3D, 176 slices, T1")
    assert reasons[1].endswith("another series fits better")
    assert reasons[3] == "2D axial, 24 slices, T1 (described as 't1_se_tra')"


def test_more_slices_then_the_first_win_among_equals():
    few, first, second = (
        replace(PLAIN, description="t1", path=path, slice_count=count)
        for path, count in (("few", 19), ("first", 24), ("second", 24))
    )

    assert choose([few, first, second])[0] is first
    assert choose([replace(first, is_derived=True), few])[0] is few


def test_a_study_without_t1_has_no_choice():
    best, reasons = choose([replace(PLAIN, description="FLAIR")])

    assert best is None
    assert reasons == ["T2 FLAIR (described as 'FLAIR')"]


def test_a_handful_of_slices_comes_last_but_is_not_lost():
    few = replace(PLAIN, description="t1", slice_count=1)
    other = replace(PLAIN, description="t1 3d", plane="3d", slice_count=160)

    assert choose([few, other])[0] is other
    assert choose([few])[0] is few


def test_what_makes_no_volume_cannot_serve():
    assert judge(replace(PLAIN, plane=None, slice_count=3)) == (
        None,
        "3 slices that make no volume",
    )
