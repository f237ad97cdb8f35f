"""Slices that lie elsewhere, or mirrored, have nearly the same age."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.template import slice_alignment
from BrainAgeLib.template.scan_maps import maps_of_scan
from BrainAgeLib.template.slice_alignment import placed_by
from Testing.library.model.made_brains import template_slices


def test_a_mirrored_slice_has_nearly_the_same_age():
    """The template, which slices are aligned to, is not quite the same on both sides."""
    slices = template_slices([4.0])
    slices.images[:, 30:45, 10:20] = 0.1
    turned = replace(slices, images=slices.images.flip(-1))
    model = load_ensemble().weights("cpu").members[0]["slices"]

    ages = [model.age_years(maps_of_scan(one)) for one in (slices, turned)]

    assert ages[0] == pytest.approx(ages[1], abs=1.5)


@pytest.mark.parametrize(
    ("height_mm", "matrix"),
    [
        (0.0, [[1.0, 0.0, 5.0], [0.0, 1.0, -5.0]]),
        (0.0, [[1.06, 0.05, 4.0], [-0.05, 0.93, -3.0]]),
        (16.0, [[0.92, 0.0, 0.0], [0.0, 0.92, 0.0]]),
    ],
)
def test_a_slice_that_lies_elsewhere_at_another_scale_has_nearly_the_same_age(
    monkeypatch, height_mm, matrix
):
    slices = template_slices([height_mm])
    images = placed_by(slices.images[:, None], torch.tensor([matrix]))[:, 0]
    model = load_ensemble().weights("cpu").members[0]["slices"]

    def moves():
        both = (slices, replace(slices, images=images))
        ages = [model.age_years(maps_of_scan(one)) for one in both]
        return abs(ages[1] - ages[0])

    assert moves() < 2.5
    stays = torch.eye(2, 3)[None]
    monkeypatch.setattr(slice_alignment, "placing", lambda *_: stays)
    monkeypatch.setattr(
        slice_alignment, "align_to_template", lambda *_: torch.zeros(1, 3, 1, 50, 40)
    )
    assert moves() > 5.0
