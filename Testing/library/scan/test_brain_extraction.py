"""A mask on the scan's own grid, by weights that are the ones we know."""

from __future__ import annotations

import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
import torch
from deepbet import utils as deepbet_utils

from BrainAgeLib.errors import InstallationError
from BrainAgeLib.resources import sample_scan
from BrainAgeLib.scan import brain_extraction
from BrainAgeLib.scan.brain_extraction import extract_brain, mask_of_extracted
from BrainAgeLib.scan.geometry import Volume, to_canonical, volume_from_sitk
from BrainAgeLib.scan.read import read_scan

HEAD = Volume(np.zeros((6, 10, 12), np.float32), np.diag([0.9, 0.9, 6.5, 1.0]))


@pytest.fixture
def unloaded(monkeypatch):
    """Let the extractor be loaded anew, and tell which TorchScript files are loaded."""
    loaded = []
    monkeypatch.setattr(torch.jit, "load", lambda file, *_, **__: loaded.append(file))
    brain_extraction._load_deepbet.cache_clear()
    yield loaded
    brain_extraction._load_deepbet.cache_clear()


def copy_of_deepbet(folder: Path) -> Path:
    """Copy deepbet's weights to a folder; return the one that the first check reads."""
    (folder / "models").mkdir()
    for name in brain_extraction.DEEPBET_SHA256:
        content = (Path(deepbet_utils.DATA_PATH) / "models" / name).read_bytes()
        (folder / "models" / name).write_bytes(content)
    return folder / "models" / "model.pt"


@pytest.mark.parametrize("name", ["model.pt", "bbox_model.pt"])
def test_changed_weights_are_refused_before_any_is_loaded(tmp_path, monkeypatch, unloaded, name):
    changed = copy_of_deepbet(tmp_path).with_name(name)
    content = bytearray(changed.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)
    monkeypatch.setattr(deepbet_utils, "DATA_PATH", str(tmp_path))

    with pytest.raises(InstallationError, match=f"{name} is not the file") as caught:
        extract_brain(HEAD)

    assert "deepbet==1.0.2" in caught.value.hint
    assert unloaded == []


def test_missing_weights_are_a_fault_of_the_installation(tmp_path, monkeypatch, unloaded):
    copy_of_deepbet(tmp_path).unlink()
    monkeypatch.setattr(deepbet_utils, "DATA_PATH", str(tmp_path))

    with pytest.raises(InstallationError, match="cannot be read"):
        extract_brain(HEAD)

    assert unloaded == []


@pytest.mark.parametrize(
    ("module", "said"),
    [("deepbet.bet", "installed .pip install deepbet==1.0.2"), ("fill_voids", "needs fill_voids")],
)
@pytest.mark.usefixtures("unloaded")
def test_a_missing_extractor_is_named_with_the_remedy(monkeypatch, module, said):
    monkeypatch.delitem(sys.modules, "deepbet.bet")
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(InstallationError, match=said):
        extract_brain(HEAD)


def test_what_pytorch_tells_the_authors_of_the_extractor_is_not_shown(monkeypatch):
    def load(file, *_, **__):
        warnings.warn("`torch.jit.load` is deprecated. Please switch.", FutureWarning, stacklevel=2)
        return torch.nn.Identity()

    monkeypatch.setattr(torch.jit, "load", load)
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        brain_extraction._load_deepbet.__wrapped__("cpu")


class RecordingNetwork:
    """Takes what deepbet would, and says that the brain is what is brighter than 0.5."""

    def __init__(self):
        self.seen = []

    def run_model(self, voxels):
        self.seen.append(voxels)
        return voxels.copy()

    def postprocess(self, mask):
        return mask


def test_the_network_sees_right_anterior_superior_and_its_mask_comes_back(monkeypatch):
    network = RecordingNetwork()
    monkeypatch.setattr(brain_extraction, "_load_deepbet", lambda _device: network)
    voxels = np.zeros((6, 10, 12), np.float32)
    voxels[5, 1, 10] = 1.0  # superior, anterior, left
    voxels[0, 8:, 2] = 1.0  # inferior, posterior, right

    mask = extract_brain(HEAD.with_voxels(voxels))

    # Its axes run (i, j, k) to the right, to anterior, to superior.
    (seen,) = network.seen
    assert seen.shape == (12, 10, 6)
    assert seen[12 - 1 - 10, 10 - 1 - 1, 5] == 1.0
    assert seen[12 - 1 - 2, 0, 0] == 1.0
    assert mask.dtype == bool
    assert np.array_equal(mask, voxels > 0.5)


@pytest.mark.parametrize("value", [0.0, 0.25])
@pytest.mark.parametrize(
    ("margins", "shape_seen"),
    [
        ([(9, 16), (0, 0), (0, 0)], (12, 10, 6)),
        ([(0, 0), (4, 6), (12, 12)], (12, 10, 6)),
        ([(2, 2), (0, 0), (3, 3)], (18, 10, 10)),  # some, as sound scans have
    ],
)
def test_padding_beyond_any_head_is_not_shown_to_the_network(
    monkeypatch, margins, shape_seen, value
):
    network = RecordingNetwork()
    monkeypatch.setattr(brain_extraction, "_load_deepbet", lambda _device: network)
    picture = np.random.default_rng(0).uniform(0, 1, (6, 10, 12)).astype(np.float32)
    voxels = np.pad(picture, margins, constant_values=value)

    mask = extract_brain(Volume(voxels, np.diag([20.0, 20.0, 20.0, 1.0])))

    (seen,) = network.seen
    assert seen.shape == shape_seen
    assert np.array_equal(mask, voxels > 0.5)


def test_a_large_picture_of_one_value_is_shown_as_it_is(monkeypatch):
    network = RecordingNetwork()
    monkeypatch.setattr(brain_extraction, "_load_deepbet", lambda _device: network)

    mask = extract_brain(Volume(np.zeros((20, 20, 20), np.float32), np.diag([20.0] * 3 + [1.0])))

    assert network.seen[0].shape == (20, 20, 20)
    assert not mask.any()


def test_one_bright_row_of_a_large_picture_is_no_brain():
    voxels = np.zeros((20, 20, 20), np.float32)
    voxels[4:9, 10, 10] = 5.0

    assert not extract_brain(Volume(voxels, np.diag([20.0] * 3 + [1.0]))).any()


class ForgetfulNetwork:
    """Finds the brain in two steps, as deepbet does, and lets others run between them."""

    def __init__(self):
        self.both_have_run = Barrier(2)
        self.bright = None

    def run_model(self, voxels):
        self.bright = voxels > 0.5
        self.both_have_run.wait(60)
        return voxels.copy()

    def postprocess(self, mask):
        return mask & self.bright


def test_scans_beside_each_other_keep_their_own_brains(monkeypatch):
    network = ForgetfulNetwork()
    monkeypatch.setattr(brain_extraction, "_load_deepbet", lambda _device: network)
    heads = [np.zeros(HEAD.voxels.shape, np.float32) for _ in range(2)]
    heads[0][:3], heads[1][3:] = 1.0, 1.0

    with ThreadPoolExecutor(2) as pool:
        masks = list(pool.map(extract_brain, [HEAD.with_voxels(head) for head in heads]))

    for head, mask in zip(heads, masks, strict=True):
        assert np.array_equal(mask, head > 0.5)


def test_the_bundled_sample_has_the_brain_of_an_adult():
    head = volume_from_sitk(to_canonical(read_scan(sample_scan()).image))

    mask = extract_brain(head)

    assert mask.shape == head.voxels.shape
    # Colin 27 is stored at the template's size, which is larger than life.
    assert 1200 < mask.sum() * head.voxel_volume_ml < 2000
    # The scalp around it is not brain: no voxel at the sides of the picture is.
    assert not mask[:, [0, -1]].any()
    assert not mask[:, :, [0, -1]].any()


def test_an_image_of_nothing_has_no_brain():
    nothing = Volume(np.zeros((20, 64, 64), np.float32), np.diag([3.0, 3.0, 6.0, 1.0]))

    mask = extract_brain(nothing)

    assert mask.shape == (20, 64, 64)
    assert not mask.any()


def test_a_single_slice_has_no_brain_that_could_be_found():
    head = volume_from_sitk(to_canonical(read_scan(sample_scan()).image))
    slice_alone = head.part((slice(12, 13), slice(None), slice(None)))

    mask = extract_brain(slice_alone)

    assert mask.shape == slice_alone.voxels.shape
    assert not mask.any()


@pytest.mark.parametrize("error", [ValueError("bad input"), RuntimeError("CUDA out of memory")])
def test_what_else_goes_wrong_is_not_taken_for_an_empty_scan(monkeypatch, error):
    class BrokenNetwork:
        def run_model(self, _voxels):
            raise error

    monkeypatch.setattr(brain_extraction, "_load_deepbet", lambda _device: BrokenNetwork())

    with pytest.raises(type(error), match=str(error)):
        extract_brain(HEAD)


def test_brain_of_an_extracted_scan_is_what_is_not_background(thick_brain):
    voxels = torch.as_tensor(thick_brain.voxels)

    mask = mask_of_extracted(voxels)

    volume_ml = float(mask.sum()) * thick_brain.voxel_volume_ml
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert 1500 < volume_ml < 2100
    assert not mask[voxels <= 0].any()


def test_the_dim_rim_of_thick_slices_is_left_out():
    voxels = torch.zeros(8, 20, 20)
    voxels[2:6, 5:15, 5:15] = 100.0
    voxels[2:6, 4, 5:15] = 9.0  # less than a tenth of white matter
    voxels[2:6, 15, 5:15] = 30.0

    mask = mask_of_extracted(voxels)

    assert not mask[:, 4].any()
    assert mask[2:6, 5:16, 5:15].all()
    assert mask.sum() == 4 * 11 * 10


@pytest.mark.parametrize("background", [1.0, 7.0, 30.0])
def test_another_value_than_0_around_a_small_brain_is_background(background):
    voxels = torch.full((10, 40, 40), background)
    voxels[3:7, 15:25, 15:25] = 100.0

    mask = mask_of_extracted(voxels)

    assert mask.sum() == 4 * 10 * 10
    assert mask[3:7, 15:25, 15:25].all()


@pytest.mark.parametrize("level", [0.0, -5.0, 7.0])
def test_background_alone_holds_no_brain(level):
    assert not mask_of_extracted(torch.full((4, 10, 10), level)).any()
