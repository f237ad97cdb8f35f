"""What occlusion changes for the tissue networks; see ``saliency`` for the method.

The maps are linear in the cells of each slice, so the change that a column of blobs brings to one
slice is worked out once and added up for each blob.
"""

from __future__ import annotations

import torch

from BrainAgeLib.imaging.slices import SliceSet
from BrainAgeLib.model.blobs import Blobs
from BrainAgeLib.model.tissue_maps import (
    TissueNetwork,
    height_shares,
    spread_over_heights,
    tissue_cells,
)

BATCH = 64


def tissue_effects_years(
    network: TissueNetwork, slices: SliceSet, expected: torch.Tensor, blobs: Blobs
) -> torch.Tensor:
    """Return (column, blob) by how many years the age falls when a blob is replaced.

    ``expected``: (slice, y, x), what replaces it. 0 where a column does not touch a blob's slices.
    """
    shares, cells = height_shares(slices.planes), tissue_cells(slices.images)
    maps = spread_over_heights(cells, shares).flatten()[network.kept] - network.center
    weights = torch.cat([network.hidden.weight, network.direct.weight])
    as_it_is = weights @ maps
    changes = maps.new_zeros((*blobs.touched.shape, len(weights)))
    touches = torch.nonzero(blobs.touched)
    for start in range(0, len(touches), BATCH):
        column, one = touches[start : start + BATCH].T
        images = torch.lerp(slices.images[one], expected[one], blobs.profiles[column])
        change = tissue_cells(images) - cells[one]
        spread = torch.einsum("bchw,bzhw->bczhw", change, shares[one]).flatten(1)
        changes[column, one] = spread[:, network.kept] @ weights.T
    occluded = as_it_is + torch.einsum("bs,csw->cbw", blobs.reach.float(), changes)
    return _ages_years(network, as_it_is) - _ages_years(network, occluded)


def _ages_years(network: TissueNetwork, sums: torch.Tensor) -> torch.Tensor:
    """Return the ages (...,) for the weighted sums (..., hidden + 1) of the maps."""
    bent = network.output(torch.tanh(sums[..., :-1] + network.hidden.bias))[..., 0]
    return (bent + sums[..., -1]) * network.age_scale_years
