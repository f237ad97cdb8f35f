"""Faults of graded strength, made in sound scans, for the study of the gate's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from Testing.studies.gate._case import Case
from Testing.studies.gate._changes import (
    T1_LEVELS,
    ghosted,
    mask_cut,
    mask_grown,
    moved,
    moving,
    noisy,
    pitched,
    remapped,
    shaded,
    standardised,
    uneven,
    vessels,
)
from Testing.studies.gate._grids import (
    cut,
    exchanged,
    exchanged_in_pairs,
    flipped,
    middle,
    rescaled,
    sheared,
    thinned,
    without_slices,
)

# What other sequences make of the levels of T1 scans.
OTHER_LEVELS = {
    "T2-like": (0.0, 2.0, 1.0, 0.7, 0.5),
    "FLAIR-like": (0.0, 0.2, 1.15, 0.95, 0.9),
    "PD-like": (0.0, 1.05, 1.1, 0.9, 0.8),
    "CT-like": (0.0, 0.2, 1.0, 0.85, 0.85),
    "inverted": (0.0, 1.02, 0.56, 0.3, 0.05),
}
# The codes of the gate that are made for a kind of fault; others may catch it too.
MADE_FOR: dict[str, tuple[str, ...]] = {
    "contrast": ("not_t1", "unlike_t1"),
    "flat contrast": ("weak_contrast",),
    "contrast agent": ("contrast_agent",),
    "values below zero": ("negative_values",),
    "slice spacing": ("wrong_spacing", "registration_scale"),
    "pixel size": ("wrong_spacing", "registration_scale"),
    "one pixel axis": ("wrong_pixel_size",),
    "all voxel axes": ("brain_volume",),
    "shear": ("shear",),
    "top cut": ("brain_cut",),
    "bottom cut": ("brain_cut",),
    "side cut": ("brain_cut",),
    "middle alone": ("brain_cut", "too_few_slices"),
    "slices left out": ("slice_spacing", "too_few_slices"),
    "orientation": ("orientation", "head_turned"),
    "noise": ("noise",),
    "ghosts": ("ghosts",),
    "motion between slices": ("slice_shifts",),
    "slice order": ("slice_order",),
    "slices missing": ("slice_missing",),
    "slice brightness": ("slice_brightness",),
    "shading": ("bias_field",),
    "registration shifted": ("registration_overlap",),
    "registration turned": ("registration_overlap",),
    "mask too large": ("mask_leaks",),
    "mask too small": ("mask_too_small", "mask_misses_brain"),
    "mask lacks": ("mask_misses_brain",),
}


@dataclass(frozen=True)
class Fault:
    """``grade`` is in the unit that ``unit`` names; ``gross`` marks what no scan may pass with.

    ``needs_head``: only a head with its skull can have it.
    """

    kind: str
    grade: float | str
    unit: str
    make: Callable[[Case], Case]
    gross: bool = False
    needs_head: bool = False

    @property
    def name(self) -> str:
        """What rows are kept by."""
        return f"{self.kind} {self.grade}"

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes that are made for it."""
        return MADE_FOR.get(self.kind, ())


def all_faults() -> tuple[Fault, ...]:
    """Return every fault, in the order of the tables."""
    return tuple(
        fault
        for family in (_contrasts, _geometry, _crops, _turns, _artefacts, _misplacements, _masks)
        for fault in family()
    )


def named(name: str | None) -> Fault | None:
    """Return the fault of that name; None for None. Raises StopIteration for an unknown one."""
    return None if name is None else next(fault for fault in all_faults() if fault.name == name)


def _contrasts() -> Iterator[Fault]:
    for name, levels in OTHER_LEVELS.items():
        yield Fault("contrast", name, "", remapped(levels), gross=True)
    for share in (0.25, 0.5, 0.75):
        grey, white = T1_LEVELS[2] + share * 0.26, 1.0
        flat = (0.0, 0.28 + share * 0.5, grey, white, 1.2)
        yield Fault("flat contrast", share, "share of the grey-white contrast lost", remapped(flat))
    for factor in (1.5, 2.0):
        yield Fault(
            "contrast agent", factor, "brightness of vessels, white matter 1", vessels(factor)
        )
    yield Fault("values below zero", "z-scores", "", standardised, gross=True)


def _geometry() -> Iterator[Fault]:
    for factor in (0.5, 0.67, 0.75, 0.8, 0.9, 1.1, 1.25, 1.33, 1.5, 2.0):
        gross = not 0.76 < factor < 1.24
        yield Fault("slice spacing", factor, "header / true", rescaled((1, 1, factor)), gross)
    for factor in (0.75, 0.9, 1.1, 1.25):
        gross = not 0.76 < factor < 1.24
        yield Fault("pixel size", factor, "header / true", rescaled((factor, factor, 1)), gross)
    for factor in (0.75, 1.25):
        yield Fault("one pixel axis", factor, "header / true", rescaled((factor, 1, 1)), True)
        yield Fault("all voxel axes", factor, "header / true", rescaled((factor,) * 3), True)
    for degrees in (5.0, 10.0, 20.0):
        yield Fault("shear", degrees, "degrees", sheared(degrees), degrees >= 20)


def _crops() -> Iterator[Fault]:
    for share in (0.1, 0.2, 0.3, 0.5, 0.7):
        yield Fault("top cut", share, "share of the height", cut(2, share, True), share >= 0.5)
        yield Fault("bottom cut", share, "share of the height", cut(2, share, False), share >= 0.5)
    for share in (0.1, 0.25, 0.4):
        yield Fault("side cut", share, "share of the width", cut(0, share, True), share >= 0.4)
    for share in (0.6, 0.4):
        yield Fault("middle alone", share, "share of the slices", middle(share), gross=share < 0.5)
    for step in (2, 3, 4):
        yield Fault("slices left out", step, "every nth kept", thinned(step), step >= 4)


def _turns() -> Iterator[Fault]:
    yield Fault("orientation", "upside down", "", flipped(0), gross=True)
    yield Fault("orientation", "back to front", "", flipped(1), gross=True)
    yield Fault("orientation", "upside down, back to front", "", flipped(0, 1), gross=True)
    yield Fault("orientation", "axes exchanged", "", exchanged, gross=True)
    yield Fault("left and right", "exchanged", "", flipped(2))


def _artefacts() -> Iterator[Fault]:
    for level in (0.05, 0.1, 0.2, 0.4):
        yield Fault("noise", level, "share of white matter", noisy(level), level >= 0.4)
    for level in (0.1, 0.2, 0.4):
        yield Fault("ghosts", level, "share of the signal", ghosted(level), level >= 0.4)
    for millimetres in (1.0, 3.0, 6.0):
        yield Fault("motion between slices", millimetres, "mm", moving(millimetres))
    yield Fault("slice order", "exchanged in pairs", "", exchanged_in_pairs, gross=True)
    for count in (1, 3):
        yield Fault("slices missing", count, "slices, the rest moved up", without_slices(count))
    for spread in (0.05, 0.1, 0.2):
        yield Fault("slice brightness", spread, "standard deviation", uneven(spread))
    for spread in (0.2, 0.4, 0.8):
        yield Fault("shading", spread, "SD of the logarithm", shaded(spread), spread >= 0.8)


def _misplacements() -> Iterator[Fault]:
    for millimetres in (5.0, 10.0, 20.0, 40.0):
        yield Fault(
            "registration shifted", millimetres, "mm", moved(millimetres), millimetres >= 20
        )
    for degrees in (5.0, 10.0, 20.0):
        yield Fault("registration turned", degrees, "degrees", pitched(degrees), degrees >= 20)


def _masks() -> Iterator[Fault]:
    for millimetres in (4.0, 8.0, 12.0):
        gross = millimetres >= 12
        yield Fault("mask too large", millimetres, "mm", mask_grown(millimetres), gross, True)
        yield Fault("mask too small", millimetres, "mm", mask_grown(-millimetres), gross)
    yield Fault("mask lacks", "the lower third", "", mask_cut, gross=True)
