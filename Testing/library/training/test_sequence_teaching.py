"""Teaching what shows other sequences as a T1: where it begins, the steps, whom it sees."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load

from BrainAgeLib.model.brain_maps import WHITE_MATTER_EDGES
from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH
from BrainAgeLib.template.harmonisation import harmonising_network
from BrainAgeLib.template.sequences import READ, WEIGHTS, network_of
from BrainAgeLib.training import harmonisation, sequence_teaching
from BrainAgeLib.training.harmonisation import loss_of
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.sequence_scans import CutParts, cut_person
from BrainAgeLib.training.sequence_teaching import (
    AMOUNT_WEIGHT,
    MIXTURES,
    SCANS_PER_STEP,
    SHARE_OF_OTHERS,
    SLICES_PER_SCAN,
    begun,
    lesson,
    loss_with_amounts,
    teach,
)
from BrainAgeLib.training.store import simulator_of
from Testing.library.labelled import labelled_person
from Testing.makers import harmonisation as of_harmonisation
from Testing.makers import sequences as maker

EVENLY = dict.fromkeys(READ, 1 / len(READ))


@pytest.fixture(scope="module")
def cuts(tmp_path_factory):
    """Return the cut parts of a person with labels."""
    folder = tmp_path_factory.mktemp("labelled")
    person = labelled_person(folder)
    return cut_person(person, simulator_of(person, folder), 3)


@pytest.fixture
def short(monkeypatch):
    """Make the rounds short."""
    monkeypatch.setattr(sequence_teaching, "ROUNDS", ((4, 3e-3), (4, 2e-3)))
    monkeypatch.setattr(harmonisation, "STEPS_PER_CHECKPOINT", 2)
    monkeypatch.setattr(harmonisation, "WARM_UP", 2)


def test_it_begins_as_the_harmonisation_whatever_else_it_sees():
    generator = torch.Generator().manual_seed(1)
    shown = 0.9 * torch.rand(2, GRID_HEIGHT, GRID_WIDTH, generator=generator) + 0.1
    template = torch.rand(2, 3, GRID_HEIGHT, GRID_WIDTH, generator=generator)
    is_brain = torch.ones_like(shown)
    flair, enhanced = (torch.full((2,), READ.index(s)) for s in READ[1:])

    with torch.inference_mode():
        expected = harmonising_network("cpu")(shown, template)
        for sequence in (flair, enhanced):
            found = begun()(shown, is_brain, template, sequence)
            assert torch.allclose(found, expected, atol=1e-5)


def test_every_network_is_taught_on_the_sequences_that_it_shows():
    shown = {name: {one for one in READ if network_of(one) == name} for name in WEIGHTS}

    assert {name: set(mixture) for name, mixture in MIXTURES.items()} == shown
    for mixture in MIXTURES.values():
        assert sum(mixture.values()) == pytest.approx(1.0)


def test_a_lesson_is_some_slices_of_two_scans_and_its_step_settles_it(cuts):
    one, again, other = (lesson(EVENLY, [cuts], step) for step in (5, 5, 6))
    shown, is_brain, template, sequence = one.seen

    assert len(shown) == len(one.wanted) == SCANS_PER_STEP * SLICES_PER_SCAN
    assert template.shape[:2] == (len(shown), 3)
    assert torch.equal(one.shown, is_brain)
    assert sequence.unique().numel() <= SCANS_PER_STEP
    assert all(torch.equal(a, b) for a, b in zip(one.seen, again.seen, strict=True))
    assert not torch.equal(shown, other.seen[0])
    white = (one.wanted > 0.95) & (is_brain > 0)
    assert float(shown[white].median()) == pytest.approx(1.0, abs=0.15)
    # Mirrored or not, slices and template go together.
    assert template[:, 2][white].mean() > 2 * template[:, 2][(one.wanted < 0.5)].mean()


def test_all_sequences_come_and_half_of_the_slices_are_mirrored(cuts):
    usual = [replace(cuts[0], values=np.repeat(cuts[0].values[8:9], 16, 0),
                     planes=np.repeat(cuts[0].planes[8:9], 16, 0))]  # fmt: skip
    lessons = [lesson(EVENLY, [usual], step) for step in range(12)]

    assert set(torch.cat([one.seen[3] for one in lessons]).tolist()) == {0, 1, 2}
    pictures = {one.wanted[n].numpy().tobytes() for one in lessons for n in (0, -1)}
    assert pictures == {usual[0].wanted[0].numpy().tobytes(),
                        usual[0].wanted[0].flip(-1).numpy().tobytes()}  # fmt: skip


def test_people_of_other_sites_are_a_share_of_what_is_shown(cuts):
    home, other = ([replace(cuts[0], planes=cuts[0].planes + n)] for n in (0, 1))
    drawn = [
        sequence_teaching._drawn([home, other, other], np.random.default_rng(seed))
        for seed in range(400)
    ]

    assert np.mean([site is other for site in drawn]) == pytest.approx(SHARE_OF_OTHERS, abs=0.07)
    assert sequence_teaching._drawn([home], np.random.default_rng(0)) is home


def test_amounts_that_are_off_cost_beside_places_and_cancel_within_a_square():
    wanted = torch.full((1, 72, 60), 0.86)  # half grey, half white matter
    sign = torch.where(torch.arange(60) % 2 == 0, 1.0, -1.0)
    here_and_there, everywhere = wanted + 0.05 * sign, wanted + 0.05
    places = [loss_of(one, wanted, wanted).item() for one in (here_and_there, everywhere)]
    both = [loss_with_amounts(one, wanted, wanted).item() for one in (here_and_there, everywhere)]

    assert loss_with_amounts(wanted, wanted, wanted) == 0
    assert places[0] == pytest.approx(places[1], rel=1e-4)
    assert both[0] == pytest.approx(places[0], rel=1e-3)
    # Of grey matter too little, of white matter too much.
    expected = AMOUNT_WEIGHT * 2 * 0.05 / np.diff(WHITE_MATTER_EDGES)[0]
    assert both[1] - places[1] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("name", MIXTURES)
def test_a_network_is_taught_by_its_own_mixture_and_by_amounts(cuts, tmp_path, monkeypatch, name):
    given = {}

    def taught(network, lesson_of, *_, **by):
        given.update(by, seen=torch.cat([lesson_of(step).seen[3] for step in range(6)]))
        return network

    monkeypatch.setattr(sequence_teaching, "taught", taught)

    teach(name, [cuts], tmp_path / "none.pt", lambda *_: None)

    assert set(given["seen"].tolist()) == {READ.index(one) for one in MIXTURES[name]}
    assert given["error_of"] is loss_with_amounts


def test_a_few_steps_bring_slices_nearer_and_a_killed_run_goes_on(cuts, short, tmp_path):
    def stop(done, _):
        if done == 6:
            raise KeyboardInterrupt

    whole = teach("t2w_flair", [cuts], tmp_path / "whole.pt", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        teach("t2w_flair", [cuts], tmp_path / "killed.pt", stop)
    again = teach("t2w_flair", [cuts], tmp_path / "killed.pt", lambda *_: None)

    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    slices = [lesson(MIXTURES["t2w_flair"], [cuts], step) for step in (1000, 1001)]
    with torch.inference_mode():
        before, after = (
            sum(float(loss_of(network(*s.seen), s.wanted, s.shown)) for s in slices)
            for network in (begun(), whole)
        )
    assert after < before


def test_only_people_with_labels_who_are_not_held_out_are_cut_and_once(tmp_path, monkeypatch):
    labels = tmp_path / "labels.nii.gz"
    people = [Person(f"sub-{n:02d}", 50.0, "F", tmp_path, labels=labels) for n in range(1, 12)]
    held = {p.participant_id for p in people if maker.is_held_out(p.participant_id)}
    without = next(p for p in people if p.participant_id not in held)
    everyone = [replace(p, labels=None) if p == without else p for p in people]
    asked = []

    def cut_one(person, _simulator, _seed):
        asked.append(person.participant_id)
        return [CutParts(np.full((1, 12, 2, 2), n, np.uint8), np.zeros((1, 3))) for n in (1, 2)]

    at_home = [replace(person, site=tmp_path.name) for person in everyone]
    monkeypatch.setattr(maker, "read_sites", lambda _: (at_home, []))
    monkeypatch.setattr(maker, "simulator_of", lambda *_: None)
    monkeypatch.setattr(maker, "cut_person", cut_one)

    (cuts,) = maker.all_cuts([tmp_path], tmp_path)

    assert held and not (held | {without.participant_id}) & set(asked)
    assert len(asked) == len(people) - len(held) - 1
    assert [int(cut.values[0, 0, 0, 0]) for cut in cuts] == [1, 2] * len(asked)
    assert len(maker.all_cuts([tmp_path], tmp_path)[0]) == len(cuts)
    assert len(asked) == len(people) - len(held) - 1


def test_a_dataset_without_labels_is_refused_before_anything_is_cut(tmp_path, monkeypatch):
    person = Person("sub-01", 50.0, "F", tmp_path, site=tmp_path.name)
    monkeypatch.setattr(maker, "read_sites", lambda _: ([person], []))

    with pytest.raises(ValueError, match="nobody with labels"):
        maker.all_cuts([tmp_path], tmp_path)


def test_the_maker_writes_the_network_that_it_is_told(tmp_path, monkeypatch, capsys):
    taught_on = []

    def taught(name, sites, checkpoint, _on_progress):
        taught_on.append((name, sites, checkpoint.name))  # another network has another checkpoint
        return torch.nn.Linear(1, 1)

    monkeypatch.setattr(of_harmonisation, "template_folder", lambda: tmp_path)
    monkeypatch.setattr(maker, "teach", taught)
    monkeypatch.setattr(maker, "all_cuts", lambda data, _work: [path.name for path in data])
    command = ["maker", "--network", "enhanced", "--data", "one", "two", "--work", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", command)

    maker.main()

    content = (tmp_path / "enhanced.safetensors").read_bytes()
    assert set(load(content)) == {"weight", "bias"}
    assert taught_on == [("enhanced", ["one", "two"], "enhanced.pt")]
    assert hashlib.sha256(content).hexdigest() in capsys.readouterr().out
