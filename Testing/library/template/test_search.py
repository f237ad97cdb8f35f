"""The search begins where a head lies, also where much of the template is beyond the image."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.template.search import STARTS_TO_REFINE, RegistrationError, search
from Testing.library.phantoms import coarse_brain, moved, rigid_motion, rms_distance_mm

NEAR_MM = 12.0  # half a step of the grid moves a brain by about as much


@pytest.mark.parametrize("degrees", [(0.0, 0.0, 0.0), (26.0, 0.0, 0.0), (-13.0, 0.0, 26.0)])
@pytest.mark.parametrize("lowest", [0, 16], ids=["whole", "upper half"])
def test_one_of_the_best_starts_is_near_the_place_of_a_turned_brain(template, degrees, lowest):
    brain = coarse_brain()
    motion = rigid_motion(degrees, (100.0, -50.0, 20.0))
    upper = tuple(
        slice(low, size) for low, size in zip((lowest, 0, 0), brain.voxels.shape, strict=True)
    )

    starts, _ = search(moved(brain.part(upper), motion), template)

    assert len(starts) == STARTS_TO_REFINE
    assert min(rms_distance_mm(start, motion) for start in starts) < NEAR_MM


def test_a_lying_head_is_looked_for_where_it_is_said_to_lie(template):
    motion = rigid_motion((0.0, 0.0, 90.0))
    scan = moved(coarse_brain(), motion)

    upright, lying = search(scan, template)[0][0], search(scan, template, 90.0)[0][0]

    assert rms_distance_mm(lying, motion) < NEAR_MM < rms_distance_mm(upright, motion)


def test_an_image_of_nothing_is_too_small(template):
    with pytest.raises(RegistrationError, match="too small"):
        search(Volume(np.zeros((12, 16, 16), np.float32), np.eye(4)), template)
