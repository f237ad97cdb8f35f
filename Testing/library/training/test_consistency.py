"""Two scans of a person are drawn, mixed and compared in each step of training."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.training.network import Course, Goal, huber_loss, train_network
from BrainAgeLib.training.settings import TrainingSettings

STEPS, SEED = 6, 5


class Sum(torch.nn.Module):
    """Says a factor times the mean of what it is shown, and keeps it."""

    def __init__(self):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.ones(1))
        self.shown = []

    def forward(self, maps):
        """Return the age (scan,) of maps (scan, ...)."""
        self.shown.append(maps)
        return self.factor * maps.flatten(1).mean(1)


def twice_as_bright_in_each_other_scan():
    """Return what draws a scan of 1 to 7 of each person, then one of twice that."""
    calls = []

    def draw(people):
        calls.append(people.tolist())
        values = (1.0 + people) * (2 - len(calls) % 2)
        return values.view(-1, 1, 1, 1, 1).expand(-1, 4, 2, 2, 2)

    return draw, calls


def train_sum(consistency, tmp_path, steps=STEPS):
    """Train the sum on such scans; return it, what was drawn of whom, and the losses."""
    network, losses = Sum(), []
    tmp_path.mkdir(exist_ok=True)
    draw, calls = twice_as_bright_in_each_other_scan()
    settings = TrainingSettings(
        steps=steps, people_per_step=3, consistency=consistency, learning_rate=0.05
    )
    course = Course(settings, SEED, tmp_path / "sum.pt", "cpu", lambda _, loss: losses.append(loss))
    train_network(network, draw, Goal(1 + torch.arange(7.0), huber_loss), course)
    return network, calls, losses


def test_two_scans_of_a_person_are_mixed_with_those_of_one_other(tmp_path):
    network, calls, _ = train_sum(0.5, tmp_path)

    assert calls[::2] == calls[1::2]
    assert len(network.shown) == STEPS
    for maps in network.shown:
        first, second = maps.unflatten(0, (-1, 2)).unbind(1)
        assert torch.allclose(second, 2 * first)
    alone = torch.tensor(calls[0]) + 1.0
    assert not torch.allclose(network.shown[0].flatten(1)[::2, 0], alone)  # it is mixed at all


def test_the_loss_has_the_squared_difference_of_a_persons_scans(tmp_path):
    of_error, of_both, of_twice = (
        train_sum(consistency, tmp_path / str(consistency), steps=1)[2][0]
        for consistency in (1e-9, 0.5, 1.0)
    )

    assert of_both - of_error > 0.5
    assert of_twice - of_error == pytest.approx(2 * (of_both - of_error), rel=1e-3)


def test_without_consistency_one_scan_is_drawn(tmp_path):
    network, calls, _ = train_sum(0.0, tmp_path)

    assert len(calls) == STEPS
    assert all(len(maps) == len(people) for maps, people in zip(network.shown, calls, strict=True))


def test_scans_that_are_to_agree_get_nearer_ages(tmp_path):
    apart = [abs(train_sum(c, tmp_path / f"{c}", 40)[0].factor.item()) for c in (1e-9, 5.0)]

    assert 0.4 < apart[0] < 0.9
    assert apart[1] < 0.5 * apart[0]
