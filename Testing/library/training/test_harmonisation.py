"""Teaching harmonisation: the pairs, what is judged, the steps, and going on after a kill."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH
from BrainAgeLib.training import harmonisation
from BrainAgeLib.training.harmonisation import loss_of, pairs_of, teach
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.simulate import IMAGE_STEP
from Testing.library.phantoms import coarse_brain, write_volume
from Testing.makers.harmonisation import all_pairs


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    """Return somebody whose brain is the template's, at 4 mm."""
    folder = tmp_path_factory.mktemp("people")
    return Person("sub-01", 50.0, "F", write_volume(coarse_brain(), folder / "sub-01_T1w.nii.gz"))


@pytest.fixture(scope="module")
def pairs(person, tmp_path_factory):
    """Return the pairs of one scan of that person."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harmonisation, "SCANS_PER_PERSON", 2)
        yield pairs_of(person, tmp_path_factory.mktemp("work"))


@pytest.fixture
def short(monkeypatch):
    """Make the rounds short."""
    monkeypatch.setattr(harmonisation, "ROUNDS", ((6, 3e-3), (6, 2e-3)))
    monkeypatch.setattr(harmonisation, "STEPS_PER_CHECKPOINT", 4)
    monkeypatch.setattr(harmonisation, "WARM_UP", 2)


def test_a_pair_is_a_slice_and_what_it_was_made_of(pairs):
    count, channels, rows, columns = pairs.shape

    assert (channels, rows, columns) == (5, GRID_HEIGHT, GRID_WIDTH)
    assert count > 20
    images, wanted = pairs[:, 0] * IMAGE_STEP, pairs[:, 1] * IMAGE_STEP
    both = (images > 0.5) & (wanted > 0.5)
    assert 0.01 < float(np.abs(images - wanted)[both].mean()) < 0.3
    # What the template has there: white matter where the wanted level is that of white matter.
    white = wanted > 0.95
    assert pairs[:, 4][white].mean() > 2 * pairs[:, 4][(wanted > 0.5) & (wanted < 0.75)].mean()


def test_the_loss_is_nothing_for_what_is_wanted_and_far_places_do_not_count():
    wanted = torch.zeros(1, GRID_HEIGHT, GRID_WIDTH)
    wanted[0, 20:40, 20:40] = 0.9
    image = wanted * 0.8

    assert float(loss_of(wanted, wanted, image)) == 0.0
    far = wanted.clone()
    far[0, 60:, 50:] = 1.0
    assert float(loss_of(far, wanted, image)) == 0.0
    assert float(loss_of(image, wanted, image)) > 0.1


def test_a_few_steps_bring_slices_nearer_to_what_is_wanted(pairs, short, tmp_path):
    told = []
    network = teach(torch.from_numpy(pairs), tmp_path / "state.pt", lambda n, _: told.append(n))

    slices = harmonisation._drawn(torch.from_numpy(pairs), 1000)
    with torch.inference_mode():
        after = float(loss_of(network(*slices.seen), slices.wanted, slices.shown))
    assert after < float(loss_of(slices.shown, slices.wanted, slices.shown))
    assert told == [4, 6, 10, 12]


@pytest.mark.parametrize("stopped", [4, 6, 10])
def test_a_run_that_was_killed_goes_on(pairs, short, tmp_path, stopped):
    pairs = torch.from_numpy(pairs[:30])
    whole = teach(pairs, tmp_path / "whole.pt", lambda *_: None)

    def stop(done, _):
        if done == stopped:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        teach(pairs, tmp_path / "killed.pt", stop)
    again = teach(pairs, tmp_path / "killed.pt", lambda *_: None)

    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_held_out_people_are_not_looked_at(person, tmp_path, monkeypatch):
    from Testing.makers import harmonisation as maker

    people = [Person(f"sub-{n:02d}", 50.0, "F", person.path) for n in range(1, 12)]
    asked = []

    def pairs_of_one(one, _):
        asked.append(one.participant_id)
        return np.zeros((1, 5, 2, 2), np.uint8)

    monkeypatch.setattr(maker, "read_people", lambda _: people)
    monkeypatch.setattr(maker, "pairs_of", pairs_of_one)
    held = {p.participant_id for p in people if maker.is_held_out(p.participant_id)}

    assert len(all_pairs(tmp_path, tmp_path)) == len(people) - len(held)
    assert held and not held & set(asked)
    all_pairs(tmp_path, tmp_path)
    assert len(asked) == len(people) - len(held)
