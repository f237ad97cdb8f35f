"""A job says how far it is and remembers how long each part took."""

from __future__ import annotations

import logging

import pytest

from BrainAgeLib import stages as stages_module
from BrainAgeLib.records import Timings
from BrainAgeLib.stages import STAGE_ENDS, Stages


@pytest.fixture
def clock(monkeypatch):
    """Return a clock that stands still until it is moved."""

    class Clock:
        now = 100.0

        def perf_counter(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(stages_module, "time", clock)
    return clock


def test_stages_end_one_after_the_other_at_one():
    ends = list(STAGE_ENDS.values())

    assert ends == sorted(set(ends))
    assert ends[0] > 0
    assert ends[-1] == 1.0
    assert set(STAGE_ENDS) - {"write"} == set(Timings.__dataclass_fields__) - {"total"}


def test_a_stages_own_progress_is_its_share_of_the_whole():
    heard = []
    start, end = STAGE_ENDS["brain_extraction"], STAGE_ENDS["registration"]

    with Stages(lambda *step: heard.append(step)).stage("registration") as advance:
        advance(0.5)
        advance(7.0)

    assert heard == [
        ("registration", start),
        ("registration", pytest.approx((start + end) / 2)),
        ("registration", end),
        ("registration", end),
    ]


def test_the_first_stage_begins_at_nothing():
    heard = []

    with Stages(lambda *step: heard.append(step)).stage("read"):
        pass

    assert heard == [("read", 0.0), ("read", STAGE_ENDS["read"])]


def test_seconds_of_what_ran_and_none_of_what_did_not(clock):
    stages = Stages()
    with stages.stage("read"):
        clock.now += 0.25
    clock.now += 1.0
    with stages.stage("prediction"):
        clock.now += 0.5

    assert stages.timings() == Timings(read=0.25, prediction=0.5, total=1.75)


def test_a_stage_that_was_skipped_has_no_time(clock):
    stages = Stages()
    with stages.stage("registration", skipped=True) as advance:
        clock.now += 0.001
        advance(1.0)

    assert stages.timings() == Timings(total=0.001)


def test_a_stage_that_failed_has_no_time(clock):
    stages = Stages()
    with pytest.raises(RuntimeError), stages.stage("read"):
        clock.now += 1
        raise RuntimeError

    assert stages.timings().read is None


def test_a_stage_that_does_not_exist():
    with pytest.raises(ValueError), Stages().stage("lunch"):
        pass


def test_writing_counts_as_progress_but_not_as_a_stage_of_the_record(clock):
    stages = Stages()
    with stages.stage("write"):
        clock.now += 1

    assert stages.timings() == Timings(total=1.0)


def test_the_log_knows_how_long_a_stage_took(clock, caplog):
    stages = Stages()
    with caplog.at_level(logging.INFO, "BrainAgeLib"):
        with stages.stage("brain_extraction"):
            clock.now += 2.5
        with stages.stage("registration", skipped=True):
            pass

    assert caplog.messages == ["brain extraction took 2.5 s"]
