"""What the values of a scan are: finite, no padding among them, none that has run over.

Findings say what was settled.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import Finding

# Set by hand, for simulated scans in training and for extracted ones alike.
WHITE_MATTER_QUANTILE = 0.9  # of a brain's voxels in a T1 image
MOST_NON_FINITE = 0.01  # single ones count as background; the program promises 1 %
# A handful of values so many times as large as all others are no brightness: set by hand, fat and
# vessels are a few times as bright as tissue. More of them are a picture.
ABSURD, HANDFUL = 100.0, 1e-5  # of the voxels, at least one
NO_NUMBER = (
    "held no usable number (not finite, or far beyond all others): what is there counts as "
    "background"
)
# Padding is one value that fills a part of the picture, apart from all others: -1024 and -2000 are
# usual. Sound pictures that were standardised have their background next to their darkest tissue.
# These and the quantile of what is bright were set by hand.
LEAST_PADDING = 0.01  # of the voxels
LEAST_APART = 0.2  # of the range of the others
LEAST_ON_THE_FACES = 0.2  # of the outermost rows and columns; what is saturated lies within
# Unsigned numbers that are read as signed ones fall by this much from one voxel to the next.
WORDS_BITS = (12, 16)
LEAST_FALL = 0.75  # of all that a word can hold
LEAST_FALLS = 1e-4  # of the voxels


def settle_voxels(image: sitk.Image, name: str) -> tuple[sitk.Image, tuple[Finding, ...]]:
    """Return the image with sound values, and the findings that say what was settled.

    Single non-finite voxels and padding become background, numbers that ran over are put right.
    Raises InputError when there are too many non-finite voxels, or nothing but one value.
    """
    voxels = sitk.GetArrayViewFromImage(image)
    findings = []
    for settle in (_without_non_finite, _without_padding, _without_overflow):
        voxels, finding = settle(voxels, name)
        if finding is not None:
            findings.append(finding)
    if voxels.min() == voxels.max():
        raise InputError(
            f"{name} is empty: every voxel is {voxels.min():g}", "give another file of this scan"
        )
    if findings:
        settled = sitk.GetImageFromArray(voxels)
        settled.CopyInformation(image)
        image = settled
    return image, tuple(findings)


def non_finite_places(image: sitk.Image) -> sitk.Image | None:
    """Return where voxels hold no usable number, 1 on the image's own grid; None for nowhere.

    Such a number is not finite, or far beyond all others.
    """
    broken = _broken(sitk.GetArrayViewFromImage(image))
    if not broken.any():
        return None
    places = sitk.GetImageFromArray(broken.astype(np.uint8))
    places.CopyInformation(image)
    return places


def non_finite_in_brain(places: np.ndarray, mask: np.ndarray) -> Finding | None:
    """Return the warning that voxels (k, j, i), bool, were lost inside a brain mask, or None.

    Inside its hull within the slices: a hole that they leave in the mask is of the brain.
    """
    inside = places & _between(mask, 1) & _between(mask, 2)
    if not inside.any():
        return None
    message = (
        f"{_counted(inside)} inside the brain {NO_NUMBER}, which moves the age. "
        "Export the scan again."
    )
    fraction = float(inside.sum() / mask.sum())
    return Finding(FindingCode.NON_FINITE_VOXELS, "warn", message, fraction)


def _between(mask: np.ndarray, axis: int) -> np.ndarray:
    """Return which places have mask on both sides along an axis, or are mask themselves."""
    before = np.logical_or.accumulate(mask, axis)
    return before & np.flip(np.logical_or.accumulate(np.flip(mask, axis), axis), axis)


def _broken(voxels: np.ndarray) -> np.ndarray:
    """Return which voxels are not finite or hold what cannot be a brightness, bool."""
    is_finite = np.isfinite(voxels)
    sizes = np.abs(voxels[is_finite])
    others = len(sizes) - max(1, int(HANDFUL * len(sizes)))
    highest = np.partition(sizes, others - 1)[others - 1] if others > 0 else 0.0
    if not highest:  # nothing else in the picture: what there is of it counts
        return np.asarray(~is_finite)
    return np.asarray(~is_finite | (np.abs(voxels) > ABSURD * highest))


def _counted(places: np.ndarray) -> str:
    count = int(places.sum())
    return f"{count} voxel{'s' if count > 1 else ''}"


def _without_non_finite(voxels: np.ndarray, name: str) -> tuple[np.ndarray, Finding | None]:
    broken = _broken(voxels)
    fraction = float(broken.mean())
    if fraction >= MOST_NON_FINITE:
        raise InputError(
            f"{100 * fraction:.0f} % of the voxels of {name} are not finite numbers",
            f"less than {100 * MOST_NON_FINITE:.0f} % may be; convert the scan again",
        )
    if not fraction:
        return voxels, None
    message = f"{_counted(broken)} {NO_NUMBER}."
    code = FindingCode.NON_FINITE_VOXELS
    finding = Finding(code, "note", message, fraction, limit=MOST_NON_FINITE)
    return np.where(broken, np.float32(0), voxels), finding


def _without_padding(voxels: np.ndarray, _name: str) -> tuple[np.ndarray, Finding | None]:
    """Return the voxels with 0, or the darkest value that was measured, where there is padding."""
    lowest, highest = float(voxels.min()), float(voxels.max())
    for value in (lowest, highest):
        is_padding = voxels == value
        fraction = float(is_padding.mean())
        others = voxels[~is_padding]
        if not LEAST_PADDING <= fraction <= 1 - LEAST_PADDING or value == lowest >= 0:
            continue
        if _on_the_faces(is_padding) < LEAST_ON_THE_FACES:
            continue
        dark, bright = float(others.min()), float(np.quantile(others[::7], 0.99))
        apart = dark - value if value == lowest else value - float(others.max())
        if apart <= LEAST_APART * (bright - dark):
            continue
        message = (
            f"{100 * fraction:.0f} % of the voxels hold {value:g}, far from all others: they are "
            "taken for padding and count as background."
        )
        finding = Finding(FindingCode.PADDING, "note", message, value)
        return np.where(is_padding, np.float32(min(dark, 0.0)), voxels), finding
    return voxels, None


def _on_the_faces(places: np.ndarray) -> float:
    """Return which fraction of the outermost rows and columns (k, j, i) these places make up."""
    faces = (places[:, 0], places[:, -1], places[:, :, 0], places[:, :, -1])
    return float(np.mean([face.mean() for face in faces]))


def _without_overflow(voxels: np.ndarray, _name: str) -> tuple[np.ndarray, Finding | None]:
    """Return what unsigned numbers were before somebody took them for signed ones."""
    lowest, highest = float(voxels.min()), float(voxels.max())
    for bits in WORDS_BITS:
        half = 2.0 ** (bits - 1)
        if not (-half <= lowest < -half / 2 and half / 2 < highest < half):
            continue
        falls = np.abs(np.diff(voxels, axis=2)) > LEAST_FALL * 2 * half
        if falls.mean() < LEAST_FALLS:
            continue
        message = (
            "Bright places were stored as large negative numbers, as when unsigned numbers are "
            "taken for signed ones; that was put right. Look at the pictures of the report, and "
            "export or convert the scan again if anything in them is odd."
        )
        finding = Finding(FindingCode.OVERFLOW, "warn", message, round(lowest))
        return np.where(voxels < 0, voxels + np.float32(2 * half), voxels), finding
    return voxels, None
