"""Where the age comes from: by how many years it changes when a neighbourhood looks average.

Occlusion (Zeiler and Fergus 2014, doi 10.1007/978-3-319-10590-1_53): a blob of the brain is
replaced by what the template shows there, and the ensemble is asked again. The value of a place is
age(as it is) - age(replaced), in years: positive where the tissue as it is makes the brain look
older than the template's would. Each blob is asked about alone, and a place gets the mean of the
blobs that hold it, so the values of a map do not add up to the gap.

Cost on a CPU: asking is nearly all encoding, at 44 million multiply-adds a slice. With pooling that
is 1.4 ms of one core where brain extraction takes 4.2 s, so as many as 3,000 slices may be encoded:
2,200 by area, a quarter more at the brain's edge, and a rest to be safe. In slices 6 mm apart a
head has about 320,000 mm2 of brain, which leaves each of five networks a lattice of 27 mm. Since
each network's lattice is shifted, together they ask every 12 mm; the mean map then correlates at
0.97 with that of a lattice of 10 mm for each. One view of the scan is asked about where the
prediction takes two. Numbers of 16 bits would be faster only on some processors, and their rounding
is as large as the smaller effects.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from BrainAgeLib.imaging.intensity import GREY_MATTER_LEVEL, HIGHEST_LEVEL, WHITE_MATTER_LEVEL
from BrainAgeLib.imaging.slices import SliceSet
from BrainAgeLib.model.blobs import Blobs, lattice_spacing_mm, place_blobs
from BrainAgeLib.model.network import SliceSetNetwork
from BrainAgeLib.model.tissue_maps import TissueNetwork, covers_the_brain
from BrainAgeLib.model.tissue_saliency import tissue_effects_years

SLICES_TO_ENCODE = 2200  # over all networks, without the edge; see above
BATCH = 128
# Median of the bundled template's T1 where its priors exceed 0.75: the places by which
# normalise_intensity sets a scan's grey and white matter.
TEMPLATE_GREY_MATTER = 0.647
TEMPLATE_WHITE_MATTER = 0.859
GOLDEN_RATIO = (math.sqrt(5.0) - 1.0) / 2.0

Advance = Callable[[float], None]


@torch.inference_mode()
def occlusion_map(
    networks: Sequence[SliceSetNetwork],
    slices: SliceSet,
    advance: Advance | None = None,
    tissues: Sequence[TissueNetwork] = (),
    tissue_share: float = 0.0,
) -> torch.Tensor:
    """Return the map of a scan (slice, y, x) in years on the network's grid.

    It goes on for some mm around the brain, so that interpolation does not fade it at the edge,
    and is 0 beyond. ``advance`` takes how much is done, 0-1. ``tissues`` and ``tissue_share`` are
    those of the prediction: the map is of the age that both kinds of networks give together.
    """
    expected = template_as_image(slices)
    # What the template has counts as well: a ventricle that swallowed a blob is dark in the scan.
    tissue = (slices.images > 0) | (expected > 0)
    lattice_mm = lattice_spacing_mm(tissue, SLICES_TO_ENCODE / len(networks))
    years = torch.zeros_like(slices.images)
    weights = torch.zeros_like(slices.images)
    for number, network in enumerate(networks):
        # No two networks ask at the same places: in their mean the lattice hardly shows.
        shift = (number / len(networks), number * GOLDEN_RATIO)
        blobs = place_blobs(tissue, slices.planes, lattice_mm, shift)
        done = _part(advance, number, len(networks))
        effects = _effects_years(network, slices, expected, blobs, done)
        if tissues and covers_the_brain(slices):
            others = tissue_effects_years(tissues[number], slices, expected, blobs)
            effects = torch.lerp(effects, _mean_over_blobs(others, blobs), tissue_share)
        years += torch.einsum("cs,cyx->syx", effects, blobs.profiles)
        weights += torch.einsum("cs,cyx->syx", blobs.touched.float(), blobs.profiles)
    return torch.where(weights > 0, years / weights, years)


def template_as_image(slices: SliceSet) -> torch.Tensor:
    """Return the template (slice, y, x) in the levels of ``SliceSet.images``.

    The line that brings the template's grey and white matter to the levels at which scans have
    them brings its cerebrospinal fluid near 0, as in scans.
    """
    scale = (WHITE_MATTER_LEVEL - GREY_MATTER_LEVEL) / (
        TEMPLATE_WHITE_MATTER - TEMPLATE_GREY_MATTER
    )
    levels = GREY_MATTER_LEVEL + (slices.template - TEMPLATE_GREY_MATTER) * scale
    return levels.clamp(0.0, HIGHEST_LEVEL)


def _effects_years(
    network: SliceSetNetwork,
    slices: SliceSet,
    expected: torch.Tensor,
    blobs: Blobs,
    done: Advance,
) -> torch.Tensor:
    """Return (column, slice) the mean effect of the blobs of a column that hold a slice.

    0 where the column does not touch the slice. ``expected``: (slice, y, x), what replaces it.
    """
    as_it_is = network.encode(slices.images[None], slices.template[None], slices.planes[None])[0]
    occluded = as_it_is.repeat(len(blobs.profiles), 1, 1)
    touches = torch.nonzero(blobs.touched)
    for start in range(0, len(touches), BATCH):
        column, one = touches[start : start + BATCH].T
        images = torch.lerp(slices.images[one], expected[one], blobs.profiles[column])
        occluded[column, one] = network.encode(
            images[:, None], slices.template[one, None], slices.planes[one, None]
        )[:, 0]
        done((start + len(one)) / len(touches))
    age = _ages_years(network, as_it_is[None])
    effects = age.new_zeros((len(blobs.profiles), len(blobs.reach)))
    asked = torch.nonzero((blobs.touched[:, None] & blobs.reach).any(2))
    for start in range(0, len(asked), BATCH):
        column, blob = asked[start : start + BATCH].T
        tokens = torch.where(blobs.reach[blob, :, None], occluded[column], as_it_is)
        effects[column, blob] = age - _ages_years(network, tokens)
    return _mean_over_blobs(effects, blobs)


def _mean_over_blobs(effects: torch.Tensor, blobs: Blobs) -> torch.Tensor:
    """Return (column, slice) the mean of the effects (column, blob) of all that hold a slice."""
    reach = blobs.reach.float()
    return (effects @ reach) / reach.sum(0) * blobs.touched


def _ages_years(network: SliceSetNetwork, tokens: torch.Tensor) -> torch.Tensor:
    """Return the ages (scan,) for the tokens of whole scans (scan, slice, width)."""
    present = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
    return network.age_years(network.pool(tokens, present))


def _part(advance: Advance | None, number: int, count: int) -> Advance:
    """Return what takes the progress of one network of several."""
    if advance is None:
        return lambda _done: None
    return lambda done: advance((number + done) / count)
