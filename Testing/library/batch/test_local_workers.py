"""Worker processes: what is killed is done again, what kills is a row."""

from __future__ import annotations

import logging
import multiprocessing
from dataclasses import asdict, replace
from queue import SimpleQueue

import pytest

from BrainAgeLib.batch.local_workers import LocalWorkers, ReadAhead, read_to_the_end
from BrainAgeLib.batch.scan_list import find_scans
from BrainAgeLib.batch.table import ScanEntry
from BrainAgeLib.batch.work import work_on
from BrainAgeLib.errors import InstallationError
from Testing.library.batch.made_batches import DeadlyEntry, SlowEntry, copies, quick_settings


@pytest.fixture
def entries(brain_file, tmp_path):
    return find_scans(str(copies(brain_file, tmp_path, 5)), tmp_path / "out").entries


def test_killed_workers_lose_nothing_and_repeat_no_row(entries, quick_batch, tmp_path, caplog):
    got = []
    with LocalWorkers(2, quick_batch) as workers:
        for number, row in workers.rows(entries):
            got.append((number, row))
            if len(got) in (1, 3):
                victim = multiprocessing.active_children()[0]
                victim.kill()
                victim.join()

    assert not multiprocessing.active_children()
    assert caplog.messages == 2 * ["a worker process died (signal 9); its scans go to another"]
    assert sorted(number for number, _ in got) == list(range(6))
    elsewhere = replace(quick_batch, output=tmp_path)
    for number, row in got:
        alone = work_on(entries[number], elsewhere)
        assert replace(row, seconds=None) == replace(alone, seconds=None)


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING])
def test_what_workers_log_is_heard_with_the_number_of_the_scan(entries, quick_batch, caplog, level):
    with caplog.at_level(level, "BrainAgeLib"), LocalWorkers(2, quick_batch) as workers:
        rows = dict(workers.rows(entries))

    judged = [text for text in caplog.messages if "the gate finds" in text]
    known = {number for number, row in rows.items() if row.verdict} if level == logging.INFO else ()
    assert sorted(text.split(":")[0] for text in judged) == [f"scan {n + 1}" for n in sorted(known)]
    assert all(record.levelno >= level for record in caplog.records)


class Asked(ReadAhead):
    """Notes what it is asked for and reads nothing."""

    def __init__(self):
        self.scans = set()

    def ask_for(self, scan):
        self.scans.add(scan)


def test_no_scan_waits_for_a_busy_worker_but_its_file_is_read(entries, quick_batch):
    ahead = Asked()

    with LocalWorkers(2, quick_batch, lanes=1, ahead=ahead) as workers:
        next(workers.rows(entries))

    # Nobody but the two workers has a scan by then.
    assert ahead.scans == {entries[number].scan for number in (2, 3)}


def test_two_scans_in_hand_of_one_worker_do_not_disturb_each_other(entries, quick_batch, tmp_path):
    with LocalWorkers(1, quick_batch, lanes=2) as workers:
        rows = dict(workers.rows(entries))

    elsewhere = replace(quick_batch, output=tmp_path)
    for number, entry in enumerate(entries):
        alone = work_on(entry, elsewhere)
        assert replace(rows[number], seconds=None) == replace(alone, seconds=None)


def test_a_scan_that_kills_every_worker_is_a_row(entries, quick_batch):
    deadly = DeadlyEntry(**asdict(entries[0]))
    scans: list[ScanEntry] = [deadly, *entries[2:4]]

    with LocalWorkers(1, quick_batch) as workers:
        rows = dict(workers.rows(scans))

    assert rows[0].exit_code == 4
    assert rows[0].error == "the worker process died 3 times on this scan: exit code 9"
    assert [rows[number].exit_code for number in (1, 2)] == [0, 0]


def test_a_scan_is_not_blamed_for_another_that_kills_their_worker(entries, quick_batch):
    deadly = DeadlyEntry(**asdict(entries[0]))

    slow = SlowEntry(**asdict(entries[2]))

    with LocalWorkers(1, quick_batch, lanes=2) as workers:
        rows = dict(workers.rows([slow, deadly]))

    assert [rows[number].exit_code for number in (0, 1)] == [0, 4]


def test_what_ends_every_scan_ends_the_batch(entries, quick_batch, small_model, tmp_path):
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in small_model.iterdir():
        (damaged / file.name).write_bytes(file.read_bytes())
    weights = damaged / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    wrong = quick_settings(quick_batch.output, damaged)

    with pytest.raises(InstallationError), LocalWorkers(1, wrong) as workers:
        list(workers.rows(entries))
    assert list(quick_batch.output.iterdir()) == []


def test_files_and_the_files_of_a_folder_are_read_to_their_end(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "one").write_bytes(bytes(3 * 2**20 + 1))
    (tmp_path / "two").write_bytes(b"12")

    assert read_to_the_end(tmp_path / "one") == 3 * 2**20 + 1
    assert read_to_the_end(tmp_path) == 3 * 2**20 + 3
    assert read_to_the_end(tmp_path / "missing") == 0


def test_each_scan_is_asked_for_once_and_none_ends_the_thread(tmp_path):
    done = SimpleQueue()
    ahead = ReadAhead(done.put)

    for name in ("a", "b", "a", "c"):
        ahead.ask_for(str(tmp_path / name))

    assert [done.get(timeout=10).name for _ in range(3)] == ["a", "b", "c"]
    assert done.empty()
