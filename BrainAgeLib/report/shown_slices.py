"""The slices that people are shown: with the brain's outline, the registered scan, the template."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.records import Pictures, Reference, SlicePicture
from BrainAgeLib.scan.geometry import Volume, sitk_from_volume, slice_axis
from BrainAgeLib.template.registration import Registration
from BrainAgeLib.template.template import Template, load_template

MOST_SLICES = 30  # of a 3D scan; a 2D scan shows all it has up to twice this
REGISTERED_HEIGHTS_MM = (-36.0, -18.0, 0.0, 18.0, 36.0, 54.0)
BRIGHTEST_QUANTILE = 0.995


def pictures_of(
    canonical: Volume,
    mask: np.ndarray | None,
    registration: Registration | None,
    saliency_years: np.ndarray | None,
    reference: Reference | None,
) -> Pictures:
    """Return what a person looks at to judge mask, registration, saliency and age.

    ``canonical``: axes L, P, S. ``mask``, ``saliency_years``: (k, j, i) on its grid. A scan
    without a registration is shown by itself.
    """
    if registration is None:
        return Pictures(input_pictures(canonical, mask), (), ())
    registered, template = registered_pictures(canonical, registration, load_template())
    shown = input_pictures(canonical, mask, saliency_years)
    return Pictures(shown, registered, template, reference)


def input_pictures(
    canonical: Volume, mask: np.ndarray | None, saliency_years: np.ndarray | None = None
) -> tuple[SlicePicture, ...]:
    """Return the acquired slices of a volume (axes L, P, S), seen as radiologists see them.

    ``mask``, ``saliency_years``: (k, j, i) on the volume's grid, or None.
    """
    axis = slice_axis(canonical.affine, canonical.voxels.shape)
    along = 2 if axis < 0 else axis
    count = canonical.voxels.shape[::-1][along]
    shown = np.arange(count)
    most = MOST_SLICES if axis < 0 else 2 * MOST_SLICES
    if count > most:
        shown = np.unique(np.linspace(0, count - 1, most).round().astype(int))
    grey = _to_grey(canonical.voxels, mask)
    in_plane = canonical.spacing_mm[[n for n in (2, 1, 0) if n != along]]
    return tuple(
        SlicePicture(
            _slice(grey, along, number),
            (float(in_plane[0]), float(in_plane[1])),
            None if mask is None else _slice(mask, along, number).astype(bool),
            None if saliency_years is None else _slice(saliency_years, along, number),
        )
        for number in shown.tolist()
    )


def registered_pictures(
    canonical: Volume, registration: Registration, template: Template
) -> tuple[tuple[SlicePicture, ...], tuple[SlicePicture, ...]]:
    """Return axial slices of the registered scan and the same places in the template."""
    scan = sitk.Resample(
        sitk_from_volume(canonical),
        sitk_from_volume(template.t1),
        registration.to_itk(),
        sitk.sitkLinear,
        0.0,
    )
    # In a whole head fat is far brighter than brain, and would leave it in the dark.
    registered = _to_grey(sitk.GetArrayFromImage(scan), template.brain)
    expected = _to_grey(template.t1.voxels)
    outline = template.brain
    pixel = (float(template.t1.spacing_mm[1]), float(template.t1.spacing_mm[0]))
    heights = [
        round((z - template.t1.affine[2, 3]) / template.t1.affine[2, 2])
        for z in REGISTERED_HEIGHTS_MM
    ]
    return (
        tuple(SlicePicture(registered[k], pixel, outline[k]) for k in heights),
        tuple(SlicePicture(expected[k], pixel, outline[k]) for k in heights),
    )


def _slice(values: np.ndarray, along: int, number: int) -> np.ndarray:
    """Return one slice (row, column): face or top of the head up, patient's left on the right."""
    if along == 2:
        return values[number]
    # Coronal (k, i) and sagittal (k, j) slices have the lowest row first.
    return values[::-1, number] if along == 1 else values[::-1, :, number]


def _to_grey(voxels: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Scale to 0-1 so that the brightest of the brain, or of all that is not background, is near 1.

    Without the brain, the fat of the scalp would leave it in the dark.
    """
    signal = voxels[mask] if mask is not None and mask.any() else voxels[voxels > 0]
    if signal.size == 0:
        return np.zeros(voxels.shape, np.float32)
    brightest = float(np.quantile(signal[:: 1 + signal.size // 200_000], BRIGHTEST_QUANTILE))
    return np.clip(voxels / max(1.1 * brightest, 1e-6), 0.0, 1.0).astype(np.float32)
