import numpy as np
import pytest

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.slice_stack import stack_slices

AXIAL = (1, 0, 0, 0, 1, 0)
CORONAL = (1, 0, 0, 0, 0, -1)


def positions(heights_mm, axis=2):
    return [[5.0 if n != axis else height_mm for n in range(3)] for height_mm in heights_mm]


def test_slices_are_ordered_along_their_normal():
    axial = stack_slices(positions([12, 0, 6]), AXIAL, "s")
    coronal = stack_slices(positions([12, 0, 6], axis=1), CORONAL, "s")

    assert (axial.order, axial.spacing_mm) == ((1, 2, 0), 6.0)
    np.testing.assert_array_equal(axial.direction, np.eye(3))
    # Rows run down here, so that the normal points to posterior.
    assert (coronal.order, coronal.spacing_mm) == ((1, 2, 0), 6.0)
    np.testing.assert_array_equal(coronal.direction[:, 2], (0, 1, 0))


def test_rounded_positions_are_even():
    stack = stack_slices(positions([0, 6.01, 11.99, 18.0]), AXIAL, "s")

    assert stack.spacing_mm == pytest.approx(6.0)


@pytest.mark.parametrize(("gap_mm", "is_even"), [(6.29, True), (6.31, False), (5.71, True)])
def test_five_percent_decide(gap_mm, is_even):
    heights_mm = np.cumsum([0, 6, 6, gap_mm, 6, 6])

    if is_even:
        assert len(stack_slices(positions(heights_mm), AXIAL, "s").order) == 6
    else:
        with pytest.raises(InputError, match="between the slices at 12.0 and 18.3 mm"):
            stack_slices(positions(heights_mm), AXIAL, "s")


def test_two_slices_make_a_stack():
    assert stack_slices(positions([0, 5]), AXIAL, "s").spacing_mm == 5.0
