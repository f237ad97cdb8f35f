"""Trees of scans that are small, and how they are read."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.batch.tree import read_tree


def write_image(path, spacing_mm=(1.0, 1.0, 6.0), size=(16, 16, 10)):
    """Write an image of ones; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(np.ones(size[::-1], np.float32))
    image.SetSpacing(spacing_mm)
    sitk.WriteImage(image, str(path))
    return path


def tree(root):
    """Return the scans of a tree and what was decided."""
    return read_tree(root, root / "out")
