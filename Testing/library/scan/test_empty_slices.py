"""Slices that hold nothing do not make a cut brain whole."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.scan.empty_slices import empty_at_ends, empty_between, window_of_signal
from BrainAgeLib.scan.geometry import Volume
from Testing.library.phantoms import template_brain


def emptied(volume: Volume, axis: int, part: slice, value: float = 0.0) -> Volume:
    voxels = volume.voxels.copy()
    np.moveaxis(voxels, axis, 0)[part] = value
    return volume.with_voxels(voxels)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("at_the_end", [False, True])
@pytest.mark.parametrize("value", [0.0, 7.0])
def test_a_cut_brain_ends_where_the_signal_does(axis, at_the_end, value):
    whole = template_brain()
    count = whole.voxels.shape[axis]
    cut = count // 3
    lost = slice(count - cut, count) if at_the_end else slice(0, cut)
    volume = emptied(whole, axis, lost, value)
    mask = volume.voxels > 25

    window = window_of_signal(volume, mask)

    kept = window[axis]
    assert (kept.stop == count - cut) if at_the_end else (kept.start == cut)
    others = [n for n in range(3) if n != axis]
    assert all(window[n] == slice(0, whole.voxels.shape[n]) for n in others)
    finding = empty_at_ends(mask.shape, window)
    assert (finding.code, finding.severity, finding.value) == ("empty_slices", "note", cut)


@pytest.mark.parametrize("kind", ["noise", "one voxel", "one value below zero"])
def test_slices_that_hold_next_to_nothing_are_empty(kind):
    whole = template_brain()
    voxels = whole.voxels.copy()
    if kind == "noise":
        noise = np.random.default_rng(0).normal(0, 0.02 * voxels.max(), voxels[:20].shape)
        voxels[:20] = np.abs(noise)
    else:
        voxels[:20] = -1024.0 if kind.startswith("one value") else 0.0
        voxels[:20, 40, 40] += voxels.max()
    mask = whole.voxels > 25
    mask[:20] = False

    window = window_of_signal(whole.with_voxels(voxels), mask)

    assert window[0] == slice(20, len(voxels))
    assert window_of_signal(whole.with_voxels(voxels), np.zeros_like(mask)) == tuple(
        slice(0, count) for count in mask.shape
    )


def test_a_whole_brain_stays_as_it_is_however_it_is_padded():
    whole = template_brain()
    padded = Volume(np.pad(whole.voxels, 9), whole.affine)

    window = window_of_signal(padded, padded.voxels > 25)

    assert window == tuple(slice(0, count) for count in padded.voxels.shape)
    assert empty_at_ends(padded.voxels.shape, window) is None


def test_a_part_lies_where_it_lay(thick_brain):
    part = thick_brain.part((slice(3, 9), slice(10, 30), slice(5, 40)))

    np.testing.assert_allclose(
        part.affine @ [0, 0, 0, 1], thick_brain.affine @ [5, 10, 3, 1], atol=1e-6
    )
    np.testing.assert_array_equal(part.voxels, thick_brain.voxels[3:9, 10:30, 5:40])


@pytest.mark.parametrize(("lost", "count"), [([12], 1), ([9, 10, 15], 3)])
def test_empty_slices_between_others_are_refused(thick_brain, lost, count):
    voxels = thick_brain.voxels.copy()
    voxels[lost] = 0

    finding = empty_between(thick_brain.with_voxels(voxels))

    assert (finding.code, finding.severity, finding.value) == ("empty_slices", "refuse", count)


def test_a_stack_without_holes_says_nothing(thick_brain):
    assert empty_between(thick_brain) is None


@pytest.mark.parametrize("last", ["noisier", "a bright patch", "like the others"])
def test_noisy_air_above_a_head_is_no_hole(last):
    whole = template_brain()
    brightest = whole.voxels.max()
    noise = np.random.default_rng(0).rayleigh(0.015 * brightest, (8, *whole.voxels.shape[1:]))
    if last == "noisier":
        noise[-1] *= 4 / 1.5
    elif last == "a bright patch":
        noise[-1, :10, :10] = brightest

    assert empty_between(Volume(np.concatenate([whole.voxels, noise]), whole.affine)) is None


@pytest.mark.parametrize("percent", [2.0, 2.2, 2.4, 2.6, 2.8, 3.0])
def test_even_noise_is_no_hole_however_strong(percent):
    whole = template_brain()
    shape = (20, *whole.voxels.shape[1:])
    noise = np.random.default_rng(0).rayleigh(percent / 100 * whole.voxels.max(), shape)

    assert empty_between(Volume(np.concatenate([whole.voxels, noise]), whole.affine)) is None


@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "1 slice at an end holds nothing"), (2, "2 slices at an end hold nothing")],
)
def test_one_slice_has_the_grammar_of_one(count, words):
    finding = empty_at_ends((9, 9, 9), (slice(count, 9), slice(0, 9), slice(0, 9)))

    assert finding.message.startswith(words)
    assert finding.message.endswith(("it does not count.", "they do not count.")[count - 1])
