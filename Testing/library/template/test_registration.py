"""However a head lies, its brain is found where it is."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.ahead import spare_thread
from BrainAgeLib.scan.geometry import Volume, sitk_from_volume
from BrainAgeLib.template import registration
from BrainAgeLib.template.registration import (
    NOT_REGISTERED,
    Registration,
    RegistrationError,
    register_to_template,
)
from BrainAgeLib.training.simulate import Simulator
from BrainAgeLib.training.strips import LOOSE, TIGHT, Strip, kept_by, with_leftovers
from Testing.library.phantoms import (
    coarse_brain,
    moved,
    rigid_motion,
    rms_distance_mm,
    template_brain,
    thick_slices_of,
)

UPRIGHT = np.eye(4)
MOST_ERROR_MM = 2.0


@pytest.fixture(scope="module")
def upright(thick_brain, template):
    """Return the registration of the brain as the template has it."""
    return register_to_template(thick_brain, template)


@pytest.fixture
def one_itk_thread():
    """Let ITK use one thread only."""
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    yield
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)


def without_ends(volume: Volume, bottom: int, top: int) -> Volume:
    """Return a stack that misses slices at both ends: the neck's side and the vertex."""
    affine = volume.affine.copy()
    affine[:3, 3] += bottom * affine[:3, 2]
    return Volume(np.ascontiguousarray(volume.voxels[bottom : len(volume.voxels) - top]), affine)


def test_a_brain_that_is_in_place_stays_there(upright):
    assert rms_distance_mm(upright.template_to_scan, UPRIGHT) < 0.5
    assert upright.similarity > 0.95


@pytest.mark.parametrize(
    ("degrees", "shift_mm"),
    [
        ((30.0, 15.0, -15.0), (40.0, -60.0, 80.0)),
        ((-30.0, -15.0, 15.0), (-5.0, 10.0, -20.0)),
        ((0.0, 0.0, 90.0), (0.0, 30.0, 0.0)),  # on one side, face down
        ((10.0, 0.0, -90.0), (0.0, 0.0, 0.0)),
        ((0.0, -10.0, 170.0), (0.0, 0.0, 0.0)),
    ],
)
def test_a_turned_and_shifted_head_is_found(upright, template, degrees, shift_mm):
    motion = rigid_motion(degrees, shift_mm)
    scan = thick_slices_of(moved(template_brain(), motion))

    found = register_to_template(scan, template)

    wanted = motion @ upright.template_to_scan
    assert rms_distance_mm(found.template_to_scan, wanted) < MOST_ERROR_MM
    assert found.similarity > 0.9


def test_a_head_whose_fluid_is_bright_is_found(upright, template):
    """A T2-weighted scan: dark for bright."""
    motion = rigid_motion((20.0, -8.0, 5.0), (10.0, -20.0, 30.0))
    scan = thick_slices_of(moved(template_brain(), motion))
    shown = np.interp(scan.voxels, (0.0, 60.0, 180.0, 235.0), (330.0, 330.0, 135.0, 100.0))
    t2 = scan.with_voxels(np.where(scan.voxels > 25, shown, 0.0).astype(np.float32))

    found = register_to_template(t2, template)

    assert rms_distance_mm(found.template_to_scan, motion @ upright.template_to_scan) < 3.0
    assert found.similarity > 0.85


def test_a_turned_picture_that_cannot_be_placed_leaves_the_others(
    upright, template, thick_brain, monkeypatch
):
    def fail(_):
        raise RegistrationError("made up")

    monkeypatch.setattr(registration, "UPRIGHT_SIMILARITY", 1.1)
    monkeypatch.setattr(registration, "turned", fail)

    found = register_to_template(thick_brain, template)

    assert rms_distance_mm(found.template_to_scan, upright.template_to_scan) < 0.1


def test_a_cut_brain_in_a_pitched_head_is_found(upright, template):
    motion = rigid_motion((15.0, 0.0, 0.0), (0.0, 0.0, 35.0))
    whole = thick_slices_of(moved(template_brain(), motion))

    found = register_to_template(without_ends(whole, bottom=4, top=4), template)

    wanted = motion @ upright.template_to_scan
    assert rms_distance_mm(found.template_to_scan, wanted) < MOST_ERROR_MM


def test_the_same_brain_gives_the_same_bits(upright, thick_brain, template):
    again = register_to_template(thick_brain, template)

    assert np.array_equal(again.template_to_scan, upright.template_to_scan)
    assert again.similarity == upright.similarity


@pytest.mark.usefixtures("one_itk_thread")
def test_the_number_of_threads_does_not_matter(upright, thick_brain, template):
    again = register_to_template(thick_brain, template)

    # What is left is the order of summation, far below what any age could notice.
    assert rms_distance_mm(again.template_to_scan, upright.template_to_scan) < 1e-6


@pytest.mark.usefixtures("one_itk_thread")
def test_a_second_thread_changes_no_bit_and_has_time_for_something_else(thick_brain, template):
    alone = register_to_template(thick_brain, template)
    done = []

    with spare_thread(2) as ahead:
        found = register_to_template(
            thick_brain, template, ahead=ahead, meanwhile=lambda: done.append("else")
        )

    assert np.array_equal(found.template_to_scan, alone.template_to_scan)
    assert found.similarity == alone.similarity
    assert done == ["else"]


def test_progress_grows_to_the_end(template):
    heard = []

    register_to_template(coarse_brain(), template, heard.append)

    assert heard == sorted(heard)
    assert heard[0] > 0
    assert heard[-1] == 1.0


def test_the_directions_are_inverse():
    registration = Registration(rigid_motion((10, 5, 3), (1, 2, 3)) @ np.diag([1.1, 1, 1, 1]), 0.9)

    product = registration.scan_to_template @ registration.template_to_scan

    assert np.allclose(product, np.eye(4))


def test_a_scan_in_template_space_needs_no_motion():
    assert np.array_equal(NOT_REGISTERED.scan_to_template, np.eye(4))
    assert np.isnan(NOT_REGISTERED.similarity)


def test_a_speck_is_too_small(template):
    voxels = np.zeros((12, 16, 16), np.float32)
    voxels[6, 8, 8] = 100.0

    with pytest.raises(RegistrationError, match="too small"):
        register_to_template(Volume(voxels, np.diag([8.0, 8.0, 8.0, 1.0])), template)


def test_a_single_slice_cannot_be_registered(template, thick_brain):
    middle = len(thick_brain.voxels) // 2
    slice_alone = Volume(thick_brain.voxels[middle : middle + 1], thick_brain.affine)

    with pytest.raises(RegistrationError, match="could not be registered"):
        register_to_template(slice_alone, template)


def test_the_transform_is_the_way_from_template_to_scan():
    registration = Registration(rigid_motion((15, 5, 5), (20, 30, 40)), 0.9)
    point = (10.0, -20.0, 30.0)

    found = registration.to_itk().TransformPoint(point)

    assert found == pytest.approx(tuple((registration.template_to_scan @ [*point, 1.0])[:3]))


@pytest.fixture(scope="module")
def stripped(maps):
    """Return a function from a strip to the thick slices of a head that is stripped so."""
    brain = template_brain()
    simulator = Simulator(brain, np.eye(4), maps)
    head = rigid_motion((12.0, 5.0, -6.0), (5.0, -10.0, 20.0)) @ np.diag([1.04, 0.96, 1.02, 1.0])

    def thick_slices(strip):
        generator = np.random.default_rng(1)
        kept = kept_by(strip, simulator.levels, simulator.ventricles, generator)
        left = with_leftovers(simulator.volume * kept, strip, simulator.voxel_mm, generator)
        return thick_slices_of(moved(Volume(left.numpy(), brain.affine), head))

    return thick_slices


@pytest.fixture(scope="module")
def loose(stripped, template):
    """Return the registration of the brain with all its fluid."""
    return register_to_template(stripped(LOOSE), template)


@pytest.mark.parametrize(
    ("strip", "most_apart_mm"),
    [
        (TIGHT, 0.5),
        (Strip(0.35, keeps_ventricles=True), 0.5),
        (Strip(keeps_ventricles=False), 0.2),
        (Strip(0.3, wander=0.15), 0.5),
        # Dura over half of the brain's surface is seen as brain, and its brightness as shading.
        (Strip(0.3, wander=0.15, leftovers=0.5), 2.0),
        (Strip(leftovers=0.6), 2.0),
    ],
    ids=[
        "tight",
        "without its rim",
        "without ventricles",
        "ragged",
        "ragged, with dura",
        "with dura",
    ],
)
def test_a_brain_is_found_at_one_place_however_it_is_stripped(
    stripped, loose, template, strip, most_apart_mm
):
    found = register_to_template(stripped(strip), template)

    apart_mm = rms_distance_mm(found.template_to_scan, loose.template_to_scan)
    assert apart_mm < most_apart_mm


def test_the_place_does_not_depend_on_what_is_dark_but_similarity_does(thick_brain, template):
    voxels = thick_brain.voxels.copy()
    brightest_dark = 0.24 * np.quantile(voxels[voxels > 0], 0.9)
    dark = (voxels > 0) & (voxels < brightest_dark)
    assert dark.sum() > 1000
    upright = register_to_template(thick_brain, template)
    voxels[dark] = brightest_dark

    found = register_to_template(thick_brain.with_voxels(voxels), template)

    assert np.array_equal(found.template_to_scan, upright.template_to_scan)
    assert found.similarity < upright.similarity - 1e-4


def test_similarity_is_the_correlation_of_the_whole_images(thick_brain, upright):
    brain = template_brain()
    seen = sitk.Resample(
        sitk_from_volume(thick_brain), sitk_from_volume(brain), upright.to_itk(), sitk.sitkLinear
    )
    around = sitk.BinaryDilate(sitk_from_volume(brain) > 10, [6] * 3)
    inside = sitk.GetArrayFromImage(around) > 0

    alike = np.corrcoef(sitk.GetArrayFromImage(seen)[inside], brain.voxels[inside])[0, 1]

    # Both are smoothed before they are compared.
    assert upright.similarity == pytest.approx(alike, abs=0.03)


def test_nothing_is_too_small(template):
    with pytest.raises(RegistrationError, match="too small"):
        register_to_template(Volume(np.zeros((12, 16, 16), np.float32), np.eye(4)), template)
