"""A second thread works ahead and is gone afterwards; without one nothing is done ahead."""

from __future__ import annotations

import time
from threading import Event, active_count, get_ident

import pytest

from BrainAgeLib.ahead import spare_thread


def test_a_spare_thread_works_while_this_one_does_something_else():
    begun, may_end = Event(), Event()

    def work():
        begun.set()
        return may_end.wait(60), get_ident()

    with spare_thread(2) as ahead:
        result = ahead(work)
        assert begun.wait(60)
        may_end.set()

        done, thread = result()

    assert done
    assert thread != get_ident()


def test_a_spare_thread_raises_what_its_work_raised_and_is_gone_afterwards():
    before = active_count()

    with spare_thread(2) as ahead:
        result = ahead(lambda: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            result()

    assert active_count() == before


def test_what_has_not_begun_when_a_run_ends_is_left_out():
    begun, done = Event(), []

    def work():
        begun.set()
        time.sleep(0.2)

    with pytest.raises(KeyboardInterrupt), spare_thread(2) as ahead:
        ahead(work)
        ahead(lambda: done.append("late"))
        assert begun.wait(60)
        raise KeyboardInterrupt

    assert done == []


def test_one_thread_works_when_it_is_asked():
    done = []

    with spare_thread(1) as ahead:
        result = ahead(lambda: done.append(get_ident()))
        assert done == []
        result()

    assert done == [get_ident()]
