"""A Dask cluster on this machine: what dies is repeated, and no row twice."""

from __future__ import annotations

import logging
import os
import signal
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from BrainAgeLib.batch import dask_workers
from BrainAgeLib.batch.dask_workers import DaskWorkers
from BrainAgeLib.batch.scan_list import find_scans
from BrainAgeLib.batch.work import work_on
from BrainAgeLib.errors import BrainAgeError, InputError
from Testing.library.batch.made_batches import DeadlyEntry, copies, quick_settings

distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")


@pytest.fixture
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as made:
        yield made


@pytest.fixture
def entries(brain_file, tmp_path):
    return find_scans(str(copies(brain_file, tmp_path, 7)), tmp_path / "out").entries


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_killed_workers_lose_nothing_and_repeat_no_row(cluster, entries, quick_batch, tmp_path):
    deadly = DeadlyEntry(**asdict(entries[0]))
    got = []
    with DaskWorkers(cluster.scheduler_address, quick_batch) as workers:
        victims = [worker.pid for worker in cluster.workers.values()]
        for number, row in workers.rows(entries[1:]):
            got.append((number, row))
            if len(got) in (1, 4):
                os.kill(victims.pop(), signal.SIGKILL)
        ((_, killer),) = workers.rows([deadly])

    assert sorted(number for number, _ in got) == list(range(7))
    assert killer.error == "the Dask workers died on this scan; their logs say of what"
    rows = dict(got)
    elsewhere = replace(quick_batch, output=tmp_path)
    for number, entry in enumerate(entries[1:]):
        alone = work_on(entry, elsewhere)
        assert replace(rows[number], seconds=None) == replace(alone, seconds=None)
    results = (quick_batch.output / entry.folder / "prediction.json" for entry in entries)
    assert sum(path.is_file() for path in results) == 6


def test_what_is_named_from_here_is_found_by_workers_elsewhere(
    cluster, entries, small_model, quick_batch, monkeypatch
):
    monkeypatch.chdir(small_model.parent)
    settings = quick_settings(quick_batch.output, Path(small_model.name))

    with DaskWorkers(cluster.scheduler_address, settings) as workers:
        ((_, row),) = workers.rows(entries[:1])

    assert row.exit_code == 0


def test_a_cluster_that_goes_away_ends_the_batch_without_rows(cluster, entries, quick_batch):
    with DaskWorkers(cluster.scheduler_address, quick_batch) as workers:
        rows = workers.rows(entries)
        next(rows)
        cluster.close()
        with pytest.raises(BrainAgeError, match="the Dask cluster gave up"):
            list(rows)
    assert len(list(quick_batch.output.glob("*/failure.json"))) <= 1


def test_a_cluster_without_workers_is_told_of(entries, quick_batch, monkeypatch):
    heard = []

    def told(cluster, words):
        heard.append(words)
        cluster.scale(1)

    with (
        distributed.LocalCluster(
            n_workers=0, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
        DaskWorkers(cluster.scheduler_address, quick_batch) as workers,
    ):
        # A worker comes once its absence was told.
        monkeypatch.setattr(dask_workers.logger, "warning", lambda words: told(cluster, words))
        ((_, row),) = workers.rows(entries[:1])

    assert row.exit_code == 0
    assert heard == ["the Dask cluster has no worker at present: the scans wait"]


def test_what_dask_says_of_itself_is_no_traceback(cluster, quick_batch):
    log = logging.getLogger("distributed.client")
    with DaskWorkers(cluster.scheduler_address, quick_batch):
        assert not log.filter(logging.makeLogRecord({"exc_info": (ValueError, None, None)}))
    assert log.filter(logging.makeLogRecord({"exc_info": (ValueError, None, None)}))


def test_whatever_the_cluster_fails_with_is_said(cluster, entries, quick_batch, monkeypatch):
    with DaskWorkers(cluster.scheduler_address, quick_batch) as workers:

        def gone():
            raise OSError("scheduler is gone")

        monkeypatch.setattr(workers, "_room", gone)
        with pytest.raises(BrainAgeError, match="gave up: OSError: scheduler is gone"):
            list(workers.rows(entries))


def test_a_wrong_address_is_an_input_error(quick_batch):
    for address in ("tcp://127.0.0.1:9", "nonsense"):
        with pytest.raises(InputError, match="no Dask scheduler answers"):
            DaskWorkers(address, quick_batch, timeout="1s")


def test_without_the_extra_the_line_that_adds_it(quick_batch, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(InputError) as caught:
        DaskWorkers("tcp://127.0.0.1:9", quick_batch)
    assert caught.value.hint == 'pip install "slicerbrainage[dask]"'
