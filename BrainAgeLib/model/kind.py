"""What every kind of model is: maps of a scan to an age, and where in the brain the age comes from.

A kind is one file beside this one with its subclass of :class:`AgeModel`, one line in ``KINDS`` of
``weights``, and one file in ``training``, named as the kind is, whose ``fit`` makes it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, TypeVar

import torch
from torch import nn

from BrainAgeLib.template.scan_maps import Features, ScanMaps

AnyKind = TypeVar("AnyKind", bound="AgeModel")
_OF_TRAINING = "num_batches_tracked"  # counted by normalisation, never used afterwards


class AgeModel(nn.Module, ABC):
    """One trained model of some kind.

    ``reads_whole_brains``: whether it is for scans that cover the brain, or for all others.
    ``kept_features``: what it reads in a scan that takes so long that training works it out once
    and keeps it; see ``ScanMaps.features``.
    """

    reads_whole_brains: ClassVar[bool]
    kept_features: ClassVar[tuple[Features, ...]] = ()

    @abstractmethod
    def age_years(self, maps: ScanMaps) -> float:
        """Return the age of a scan in years."""

    @abstractmethod
    def contributions(self, maps: ScanMaps, mean_maps: torch.Tensor) -> torch.Tensor:
        """Return what each place (z, y, x) of the template's grid adds to the age, in years.

        ``mean_maps``: (3, z, y, x), the tissue maps of the mean brain, see ``network_maps``.
        """

    def widening(self, maps: ScanMaps, usual_slices: int, age_variance: float) -> float:
        """Return how many times the error of so many usual slices is to be expected; at least 1.

        ``age_variance``: in years squared, of people about whom nothing is known.
        """
        return 1.0

    def known_heights_mm(self, maps: ScanMaps) -> tuple[float, ...]:
        """Return the heights at mid-brain, lowest first, of the slices that count."""
        return tuple(sorted(maps.slices.mid_brain_heights_mm.tolist()))

    @property
    def parameter_count(self) -> int:
        """How many numbers were fitted."""
        return sum(value.numel() for value in self.state_dict().values())

    def packed(self) -> dict[str, torch.Tensor]:
        """Return all that the model is made of, by name."""
        state = self.state_dict()
        return {name: value for name, value in state.items() if not name.endswith(_OF_TRAINING)}

    @classmethod
    def unpacked(cls: type[AnyKind], tensors: Mapping[str, torch.Tensor]) -> AnyKind:
        """Return the model that :meth:`packed` took apart.

        Raises KeyError, ValueError or RuntimeError for tensors of which none can be made.
        """
        return cls().filled(tensors)

    def filled(self: AnyKind, tensors: Mapping[str, torch.Tensor]) -> AnyKind:
        """Take over tensors of the model's own shapes. Raises RuntimeError when they do not fit."""
        missing, unexpected = self.load_state_dict(dict(tensors), strict=False)
        missing = [name for name in missing if not name.endswith(_OF_TRAINING)]
        if missing or unexpected:
            raise RuntimeError(f"missing {missing[:3]}, unexpected {unexpected[:3]}")
        return self.eval()
