"""What a registration looks at in a brain: what is brighter than fluid, without the coil's shading.

Dark rims differ by strip and contrast.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.scan.voxel_values import WHITE_MATTER_QUANTILE
from BrainAgeLib.template.search import RegistrationError
from BrainAgeLib.template.template import BRIGHTEST, Template

# Set by hand, like the numbers in the functions; see ``registration``.
# What is darker than this share of white matter is left out of both images, since it depends on the
# strip and the contrast: in trials that are not part of this repository loose and tight strips of
# one brain came 0.8-1.3 mm apart with it and 0.1-1.0 mm without it.
DARK_SHARE = 0.4
BRIGHT_RANGE = 0.8  # of white matter, above that
FAINT_SHARE = 0.25  # of white matter: darker is not looked at for the shading
SHADING_POINTS = 20_000
LARGEST_SHADING = 1.0  # of the logarithm
FAINT_T1 = 25.0  # of 255: the template's edge
# Of the brain's brightness, and of that: set by hand.
TURNED_QUANTILE, FAINTEST_SHARE = 0.98, 1e-3


def turned(brain: Volume) -> Volume:
    """Return the brain dark for bright: of a T2-weighted scan, what a T1 shows, nearly."""
    inside = brain.voxels > 0
    brightest = float(np.quantile(brain.voxels[inside], TURNED_QUANTILE))
    faint = FAINTEST_SHARE * brightest  # still brain, not background
    reversed_ = np.where(inside, (brightest - brain.voxels).clip(faint), 0.0)
    return brain.with_voxels(reversed_.astype(np.float32))


def bright_part(brain: Volume) -> Volume:
    """Return what is brighter than fluid, from 0 on: dark rims differ by strip and contrast."""
    inside = brain.voxels[brain.voxels > 0]
    if len(inside) == 0:
        raise RegistrationError("the brain is too small to be registered")
    white_matter = float(np.quantile(inside, WHITE_MATTER_QUANTILE))
    share = brain.voxels / (white_matter * _shading(brain, white_matter)) - DARK_SHARE
    return brain.with_voxels((BRIGHTEST * share.clip(0.0, BRIGHT_RANGE)).astype(np.float32))


def _shading(brain: Volume, white_matter: float) -> np.ndarray:
    """Return the smooth field (k, j, i) around 1 that tissue's brightness follows.

    Where a coil leaves the top of a brain dark, the top would be taken for fluid otherwise. Tissue
    is brighter in the middle, too; so is the template's.
    """
    axes = [np.linspace(-1.0, 1.0, n, dtype=np.float32) for n in brain.voxels.shape]
    z, y, x = np.meshgrid(*axes, indexing="ij", sparse=True)
    terms = [z, y, x, z * z, y * y, x * x, z * y, z * x, y * x]
    tissue = brain.voxels > FAINT_SHARE * white_matter
    step = 1 + int(tissue.sum()) // SHADING_POINTS
    chosen = np.flatnonzero(tissue)[::step]
    rows = [np.broadcast_to(term, tissue.shape).reshape(-1)[chosen] for term in terms]
    design = np.stack([np.ones(len(chosen), np.float32), *rows], 1)
    target = np.log(brain.voxels.reshape(-1)[chosen] / white_matter)
    factors, *_ = np.linalg.lstsq(design, target, rcond=None)
    field = factors[0] + sum(f * term for f, term in zip(factors[1:], terms, strict=True))
    return np.exp((field - np.median(field[tissue])).clip(-LARGEST_SHADING, LARGEST_SHADING))


@lru_cache(maxsize=2)
def bright_template(template: Template) -> Template:
    """Return the template with the bright part of its T1."""
    t1 = template.t1.with_voxels(np.where(template.t1.voxels > FAINT_T1, template.t1.voxels, 0))
    return replace(template, t1=bright_part(t1))
