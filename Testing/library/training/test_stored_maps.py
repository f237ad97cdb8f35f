"""Maps of a person's scans come back in their order, as exact as a byte can be."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BrainAgeLib.model.brain_maps import (
    network_features,
    network_maps,
    regional_features,
    regional_maps,
)
from BrainAgeLib.model.sides import sides_of
from BrainAgeLib.model.slices import slice_features
from BrainAgeLib.template.harmonisation import harmonised
from BrainAgeLib.template.scan_maps import aligned_volumes, maps_of_scan, volume_of_slices
from BrainAgeLib.training import stored_maps as maps_module
from BrainAgeLib.training.simulate import EVALUATION_PROTOCOLS, as_slices
from BrainAgeLib.training.stored_maps import (
    LEVEL_STEP,
    has_maps,
    mean_maps,
    read_maps,
    read_slices,
    stored_maps,
    typical_sides_of,
    unpacked,
    write_maps,
)
from Testing.library.model_folders import MAP_SHAPE, VOLUME_SHAPE
from Testing.library.stored_scans import stored_scan

pytestmark = pytest.mark.usefixtures("aligned_quickly")


@pytest.fixture(scope="module")
def scans():
    """Return a scan that covers the brain, one that does not, and a single slice."""
    return [stored_scan(21, seed=1), stored_scan(8, seed=2), stored_scan(1, seed=3)]


@pytest.fixture(scope="module")
def path(scans, tmp_path_factory):
    """Return the file of their maps."""
    path = tmp_path_factory.mktemp("maps") / "sub-01_maps.npz"
    write_maps(path, scans)
    return path


def test_volumes_come_back(path, scans):
    found = read_maps([path], "volumes")

    assert found.dtype == torch.uint8
    assert found.shape == (1, len(scans), *VOLUME_SHAPE)
    together = unpacked(found[0])
    for number, scan in enumerate(scans):
        exact = volume_of_slices(harmonised(as_slices(scan, "cpu")))
        assert torch.equal(together.seen[number], exact.seen)
        assert (together.images[number] - exact.images).abs().max() <= 0.501 * LEVEL_STEP


def test_regional_maps_come_back_and_say_which_count(path, scans):
    found, covered = read_maps([path], "regional"), read_maps([path], "covered")

    assert covered.tolist() == [[True, False, False]]
    volume = volume_of_slices(harmonised(as_slices(scans[0], "cpu")))
    exact = regional_maps(aligned_volumes([volume]))
    assert torch.allclose(found[0, :1].float(), exact, atol=2e-3)


def test_only_the_first_scans_are_aligned(scans, tmp_path, monkeypatch):
    monkeypatch.setattr(maps_module, "ALIGNED_SCANS", 2)

    write_maps(tmp_path / "maps.npz", scans)

    assert read_maps([tmp_path / "maps.npz"], "volumes").shape[1] == 3
    assert read_maps([tmp_path / "maps.npz"], "regional").shape[1] == 2
    assert read_maps([tmp_path / "maps.npz"], "covered").shape[1] == 2


def test_people_are_read_in_their_order(path, scans, tmp_path):
    write_maps(tmp_path / "other.npz", scans[::-1])

    found = read_maps([tmp_path / "other.npz", path], "volumes")

    assert torch.equal(found[1], read_maps([path], "volumes")[0])
    assert torch.equal(found[0].flip(0), found[1])


def test_nobody_has_no_maps():
    with pytest.raises(ValueError, match="nobody"):
        read_maps([], "volumes")


def test_the_mean_brain_is_that_of_everybodys_first_scan(path, scans, tmp_path):
    write_maps(tmp_path / "other.npz", [stored_scan(21, seed=9), *scans[1:]])
    paths = [path, tmp_path / "other.npz"]

    found = mean_maps(paths)

    assert found.shape == (3, *MAP_SHAPE)
    firsts = [network_maps(unpacked(read_maps([one], "volumes")[0, 0]))[:3] for one in paths]
    assert torch.allclose(found, (firsts[0] + firsts[1]) / 2, atol=1e-6)


def test_a_killed_write_leaves_no_file(scans, tmp_path, monkeypatch):
    def killed(path, **_arrays):
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", killed)
    with pytest.raises(KeyboardInterrupt):
        write_maps(tmp_path / "maps.npz", scans[:1])

    assert not (tmp_path / "maps.npz").exists()


def test_stored_scans_look_like_those_that_were_stored(path, scans):
    for stored, scan in zip(stored_maps(path, scans), scans, strict=True):
        exact = maps_of_scan(as_slices(scan, "cpu"))
        assert stored.covers_brain == exact.covers_brain
        # What leaves part of the brain out is aligned in the store alone, where nobody asks for it.
        for make in (network_features, regional_features)[: 1 + exact.covers_brain]:
            difference = stored.features(make) - exact.features(make)
            assert difference.abs().mean() < 0.005  # faint pixels may turn into background


def test_slices_of_axial_scans_of_either_strip_and_of_random_ones_are_kept(tmp_path):
    names = [*EVALUATION_PROTOCOLS, "random", "random", "random", "random"]
    scans = [stored_scan(2, seed=n) for n in range(len(names))]
    write_maps(tmp_path / "maps.npz", scans)

    kept = read_slices(tmp_path / "maps.npz")

    assert [names[n] for n in kept.scans[::2].tolist()] == [
        "axial 5+1 mm",
        "axial 7+2 mm",
        "axial 5+1 mm, stripped tight",
        *["random"] * 3,
    ]
    exact = slice_features(maps_of_scan(as_slices(scans[1], "cpu")))
    assert torch.allclose(kept.values[2:4], exact, atol=2e-3)
    assert kept.heights_mm[2:4].tolist() == pytest.approx(scans[1].mid_brain_heights_mm.tolist())


def test_maps_that_a_new_kind_reads_are_missing_from_an_older_file(path, monkeypatch):
    assert has_maps(path)
    assert not has_maps(path.with_name("nobody.npz"))

    monkeypatch.setitem(maps_module.KEPT, "texture", regional_features)

    assert not has_maps(path)


def test_healthy_sides_are_those_of_the_scans_that_cover_the_brain(path, scans):
    typical = typical_sides_of([path, path])

    volume = volume_of_slices(as_slices(scans[0], "cpu"))
    assert torch.allclose(typical.center, sides_of(volume), atol=5e-3, equal_nan=True)
