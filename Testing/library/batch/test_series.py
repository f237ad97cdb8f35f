from __future__ import annotations

from dataclasses import replace

import pydicom
import pytest

from BrainAgeLib.batch.series import SeriesFacts, contrast_of, facts_of_series
from BrainAgeLib.scan.dicom import dicom_series_in
from Testing.library.scan.made_dicom import (
    AXIAL,
    place_of,
    write_frames,
    write_series,
    write_slice,
)

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
        ("t2_stir_cor", "T2 with an inversion against fat"),
        ("t2_haste_sag", "T2 of a single shot or steady state"),
        ("T2 map", "a map or mask"),
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
        (60, 4000, 150, False, "T2 with an inversion against fat"),
        (40, 2500, None, True, "T2*"),
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


def test_times_tell_what_a_description_calls_t2():
    tirm = replace(PLAIN, description="t2_tirm_tra", echo_ms=90, repetition_ms=9000)

    assert contrast_of(replace(tirm, inversion_ms=2500))[0] == "T2 FLAIR"
    assert contrast_of(replace(tirm, inversion_ms=160))[0] == "T2 with an inversion against fat"
    assert contrast_of(tirm)[0] == "T2"


def test_an_agent_before_it_makes_little_of_a_t2():
    late = replace(PLAIN, echo_ms=90, repetition_ms=4000, has_contrast_agent=True)

    assert contrast_of(late)[0] == "T2"
    assert contrast_of(replace(late, description="ax post gd"))[0] == "T2"


@pytest.mark.parametrize("description", ["t2_tra", "AX FLAIR", "ax dw b0", ""])
def test_echo_planar_imaging_is_no_t2(description):
    planar = replace(
        PLAIN, description=description, echo_ms=90, repetition_ms=4000, is_echo_planar=True
    )

    assert contrast_of(planar)[0] == "echo-planar imaging"


@pytest.mark.parametrize("modality", ["CT", "PT", "NM"])
def test_another_modality_is_no_mr_whatever_its_description(modality):
    assert contrast_of(replace(PLAIN, description="t1", modality=modality))[0] == modality
    assert contrast_of(replace(PLAIN, description="t1", modality="MR"))[0] == "T1"


SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


def _facts(folder):
    series, _ = dicom_series_in(folder)
    (headers,) = series.values()
    return facts_of_series(folder, headers, alone=True)


@pytest.mark.parametrize("name", ["A0", "Z0"], ids=["first", "last"])
def test_a_localizer_in_a_series_is_no_part_of_its_volume(tmp_path, name):
    folder = write_series(tmp_path / "s", range(12), EchoTime=12.0)
    write_slice(folder / name, 3, ImageOrientationPatient=list(SAGITTAL), ImageType="LOCALIZER")

    facts = _facts(folder)

    assert (facts.plane, facts.slice_count, facts.echo_ms) == ("axial", 12, 12.0)
    assert "localizer" not in facts.description


def test_cosines_that_differ_by_their_rounding_make_one_volume(tmp_path):
    for number in range(12):
        cosines = [1.0, 1e-6 * (number % 3), 0.0, 0.0, 1.0, 0.0]
        write_slice(tmp_path / f"IM{number:02}", number, ImageOrientationPatient=cosines)

    facts = _facts(tmp_path)

    assert (facts.plane, facts.slice_count) == ("axial", 12)


@pytest.mark.parametrize(
    ("tags", "orientation", "plane"),
    [
        ({}, AXIAL, "axial"),
        ({}, SAGITTAL, "sagittal"),
        ({"MRAcquisitionType": "3D"}, AXIAL, "3d"),
    ],
)
def test_frames_tell_the_plane_of_their_file(tmp_path, tags, orientation, plane):
    path = write_frames(tmp_path / "IM1", range(9), frame_orientations=[orientation] * 9, **tags)
    data = pydicom.dcmread(path)
    for number, group in enumerate(data.PerFrameFunctionalGroupsSequence):
        (position,) = group.PlanePositionSequence
        position.ImagePositionPatient = place_of(number, orientation)
    data.save_as(path)

    facts = _facts(tmp_path)

    assert (facts.plane, facts.slice_count) == (plane, 9)
