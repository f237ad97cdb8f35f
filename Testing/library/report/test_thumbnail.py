from __future__ import annotations

import numpy as np
from PIL import Image

from BrainAgeLib.records import Pictures
from BrainAgeLib.report.report_images import OUTLINE_COLOUR
from BrainAgeLib.report.thumbnail import SIDE_PX, write_thumbnail


def test_the_largest_brain_in_few_bytes(pictures, tmp_path):
    path = tmp_path / "thumbnail.png"

    write_thumbnail(pictures, path)

    drawn = np.asarray(Image.open(path).convert("RGB"))
    assert max(drawn.shape) == SIDE_PX
    assert (drawn == OUTLINE_COLOUR).all(axis=2).sum() > SIDE_PX
    assert path.stat().st_size < 6000


def test_no_picture_no_file(tmp_path):
    write_thumbnail(Pictures((), (), ()), tmp_path / "thumbnail.png")

    assert list(tmp_path.iterdir()) == []
