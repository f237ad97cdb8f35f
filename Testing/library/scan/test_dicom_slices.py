"""Slices in order, evenly spaced and once each: files and frames are the same to these tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.findings import FindingCode
from BrainAgeLib.scan.dicom_header import SliceHeader
from BrainAgeLib.scan.dicom_slices import choose_repetition, stack_slices

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)


def slices_at(heights_mm, orientation=AXIAL, axis=2, **tags):
    """Return slices whose first pixels are at those heights along an axis of the world."""
    places = [
        tuple(float(h) if n == axis else 5.0 for n in range(3)) for h in np.atleast_1d(heights_mm)
    ]
    return [
        SliceHeader(f"IM{n}", place, orientation, (1.1, 0.9), **tags)
        for n, place in enumerate(places)
    ]


EVEN = slices_at([0, 6])


class TestStack:
    def test_slices_are_ordered_along_their_normal(self):
        axial = stack_slices(slices_at([12, 0, 6]), "s")
        coronal = stack_slices(slices_at([12, 0, 6], CORONAL, axis=1), "s")

        assert (axial.order, axial.spacing_mm) == ((1, 2, 0), (0.9, 1.1, 6.0))
        assert axial.origin_mm == (5.0, 5.0, 0.0)
        np.testing.assert_array_equal(axial.direction, np.eye(3))
        # Rows run down here, so that the normal points to posterior.
        assert (coronal.order, coronal.spacing_mm) == ((1, 2, 0), (0.9, 1.1, 6.0))
        np.testing.assert_array_equal(coronal.direction[:, 2], (0, 1, 0))

    def test_two_slices_make_a_stack(self):
        assert stack_slices(slices_at([0, 5]), "s").spacing_mm[2] == 5.0

    def test_rounded_positions_are_even(self):
        stack = stack_slices(slices_at([0, 6.01, 11.99, 18.0]), "s")

        assert stack.spacing_mm[2] == pytest.approx(6.0)

    @pytest.mark.parametrize(("gap_mm", "is_even"), [(6.29, True), (6.31, False), (5.71, True)])
    def test_five_percent_decide(self, gap_mm, is_even):
        heights_mm = np.cumsum([0, 6, 6, gap_mm, 6, 6])

        if is_even:
            assert len(stack_slices(slices_at(heights_mm), "s").order) == 6
        else:
            with pytest.raises(InputError, match="between the slices at 12.0 and 18.3 mm"):
                stack_slices(slices_at(heights_mm), "s")

    def test_cosines_of_few_decimals_become_right_angles(self):
        turned = (0.966, 0.0, -0.259, 0.034, 0.991, 0.127)
        normal = np.cross(turned[:3], turned[3:])
        slices = [SliceHeader("IM", tuple(n * normal), turned, (1.0, 1.0)) for n in range(3)]

        stack = stack_slices(slices, "s")

        np.testing.assert_allclose(stack.direction.T @ stack.direction, np.eye(3), atol=1e-15)
        np.testing.assert_allclose(stack.direction[:, :2].T.ravel(), turned, atol=1e-3)

    def test_an_image_gets_the_place(self):
        image = sitk.Image(4, 4, 2, sitk.sitkFloat32)

        stack_slices(slices_at([6, 0], CORONAL, axis=1), "s").place(image)

        assert image.TransformIndexToPhysicalPoint((1, 1, 1)) == pytest.approx((5.9, 6.0, 3.9))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"position_mm": None}, "IM1 in s does not say where its slice lies"),
            ({"orientation": None}, r"does not say .* \(no ImageOrientationPatient\)"),
            ({"pixel_mm": None}, "does not say"),
            ({"orientation": CORONAL}, "differ in direction, size or pixel size"),
            ({"pixel_mm": (1.1, 1.0)}, "differ in direction, size or pixel size"),
            ({"position_mm": (5.0, 5.0, 0.0)}, r"several slices at one place \(0.0 mm"),
        ],
    )
    def test_one_slice_that_does_not_fit(self, change, message):
        slices = slices_at([0, 6, 12])
        slices[1] = replace(slices[1], **change)

        with pytest.raises(InputError, match=message):
            stack_slices(slices, "s")

    @pytest.mark.parametrize(
        ("slices", "message"),
        [
            (slices_at([0, 6], (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)), "have no orientation"),
            (slices_at([0, 6], CORONAL), "several slices at one place"),
            (
                [replace(one, pixel_mm=(0.0, 0.0)) for one in EVEN],
                "impossible voxel spacing: 0 x 0 mm",
            ),
            (
                [
                    replace(one, position_mm=(h, 5.0, h))
                    for h, one in zip((0, 6), EVEN, strict=True)
                ],
                "shifted sideways",
            ),
        ],
    )
    def test_no_stack(self, slices, message):
        with pytest.raises(InputError, match=message):
            stack_slices(slices, "s")


HEIGHTS_MM = (0, 6, 12, 18)
SAID = (FindingCode.SEVERAL_VOLUMES, "warn")


def repetitions(*versions):
    """Return the same slices once for each set of tags."""
    return [header for tags in versions for header in slices_at(HEIGHTS_MM, **tags)]


def taken_of(slices):
    """Return which repetition is taken, and what is said of it."""
    chosen, findings = choose_repetition(slices)
    assert len(chosen) == len(HEIGHTS_MM)
    assert {(finding.code, finding.severity) for finding in findings} == {SAID}
    messages = [finding.message for finding in findings]
    return {number // len(HEIGHTS_MM) for number in chosen}, messages


class TestRepetitions:
    @pytest.mark.parametrize(
        ("versions", "best", "words"),
        [
            ([{"echo_time_ms": 80.0}, {"echo_time_ms": 12.5}], 1, "echo time (ms); that of 12.5 "),
            ([{"echo_time_ms": None}, {"echo_time_ms": 12.0}], 1, "echo time (ms); that of 12 "),
            (
                [{"acquisition_number": 2.0}, {"acquisition_number": 10.0}],
                0,
                "acquisition number; that of 2 ",
            ),
            (
                [{"temporal_position": n} for n in (3.0, 1.0, 2.0)],
                1,
                "3 volumes that differ in temporal position; that of 1 ",
            ),
            (
                [{"image_type": f"ORIGINAL\\PRIMARY\\{kind}\\ND"} for kind in "PM"],
                1,
                "image type; that of ORIGINAL PRIMARY M ND ",
            ),
        ],
    )
    def test_one_is_taken_and_said_so(self, versions, best, words):
        taken, (message,) = taken_of(repetitions(*versions))

        assert taken == {best}
        assert words in message

    def test_echoes_of_magnitude_and_phase(self):
        versions = [
            {"echo_time_ms": echo, "image_type": f"ORIGINAL\\{kind}"}
            for echo in (20.0, 10.0)
            for kind in "PM"
        ]

        taken, messages = taken_of(repetitions(*versions))

        assert taken == {3}
        assert len(messages) == 2

    @pytest.mark.parametrize(
        ("kinds", "best"),
        [
            (["DERIVED\\PRIMARY\\F\\F\\DERIVED", "DERIVED\\PRIMARY\\W\\W\\DERIVED"], 1),
            (["DERIVED\\PRIMARY\\W\\W\\DERIVED", "ORIGINAL\\PRIMARY\\IP\\IP\\DERIVED"], 1),
            (["ORIGINAL\\PRIMARY\\OP\\OP", "DERIVED\\PRIMARY\\W\\W", "ORIGINAL\\P\\P"], 1),
            (["DERIVED\\PRIMARY\\DIXON\\FAT", "DERIVED\\PRIMARY\\DIXON\\WATER"], 1),
            (["DERIVED\\PRIMARY\\FAT_FRACTION", "DERIVED\\PRIMARY\\OUT_PHASE"], 1),
            (["ORIGINAL\\M\\DIXON\\OPP_PHASE", "DERIVED\\M\\DIXON\\IN_PHASE"], 1),
            (["DERIVED\\DIXON\\F", "ORIGINAL\\M\\DIXON\\OPP", "ORIGINAL\\M\\DIXON\\IN"], 2),
            (["ORIGINAL\\PRIMARY\\FAT\\NONE\\M", "ORIGINAL\\PRIMARY\\WATER\\NONE\\M"], 1),
            (["ORIGINAL\\PRIMARY\\M\\FAT", "DERIVED\\PRIMARY\\M\\SE"], 1),
        ],
    )
    def test_of_dixon_pictures_fat_is_not_taken(self, kinds, best):
        taken, _ = taken_of(repetitions(*({"image_type": kind} for kind in kinds)))

        assert taken == {best}

    @pytest.mark.parametrize("off_mm", [0.0002, 0.02])
    def test_places_that_part_when_they_are_rounded_are_one(self, off_mm):
        slices = repetitions({"echo_time_ms": 12.0}, {"echo_time_ms": 40.0})
        ends = (-90.05 - off_mm / 2, -90.05 + off_mm / 2)
        moved = [
            replace(one, position_mm=(ends[number // len(HEIGHTS_MM)], *one.position_mm[1:]))
            for number, one in enumerate(slices)
        ]

        taken, _ = taken_of(moved)

        assert taken == {0}

    @pytest.mark.parametrize("other", [{}, {"acquisition_number": 2.0}])
    def test_slices_shown_once_are_all_taken(self, other):
        slices = slices_at([0, 12], acquisition_number=1.0) + slices_at([6, 18], **other)

        assert choose_repetition(slices) == ([0, 1, 2, 3], ())

    @pytest.mark.parametrize(
        "slices",
        [
            repetitions({}, {}),
            [*repetitions({"echo_time_ms": 10.0}), *slices_at([0, 6], echo_time_ms=20.0)],
        ],
        ids=["nothing tells them apart", "they are not alike"],
    )
    def test_what_cannot_be_chosen_from_stays(self, slices):
        chosen, findings = choose_repetition(slices)

        assert (len(chosen), findings) == (len(slices), ())

    def test_slices_without_a_place_are_no_repetition(self):
        slices = [replace(header, position_mm=None) for header in slices_at(HEIGHTS_MM)]

        assert choose_repetition(slices) == ([0, 1, 2, 3], ())
