"""A worker: a process of its own that holds the model and works on one scan after the other.

On Linux workers are forks of a process that has imported the library and done nothing else: to
import PyTorch takes as long as half a scan, so it is done once, beside what the batch itself begins
with. Elsewhere a fork is unsafe or unknown, and each worker imports for itself; so it does where
that process finds no place for its socket. Either way only what is light is imported here, before
the process exists.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from logging.handlers import QueueHandler
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from BrainAgeLib.orphans import end_with_parent, interruptions_held

if TYPE_CHECKING:
    from BrainAgeLib.batch.table import ScanEntry
    from BrainAgeLib.batch.work import BatchSettings

READY, BEGUN, DONE, STOP, LOG = "ready", "begun", "done", "stop", "log"
NO_SCAN = -1  # the number of what is about none
# On a GPU two scans at a time: while the networks have one, the CPU reads and registers the other.
LANES_BESIDE_A_GPU = 2

FORKS = sys.platform == "linux"
_IMPORTED_BEFORE_THE_FORK = ["BrainAgeLib.batch.fork_server", "BrainAgeLib.batch.work"]
# The address of a socket has 107 bytes at most; Python adds this to the temporary folder's name.
_LONGEST_TEMPORARY_FOLDER = 107 - len("/pymp-xxxxxxxx/listener-xxxxxxxx")


def worker_context() -> Any:
    """Return the context of ``multiprocessing`` that starts workers on this system."""
    if not _can_fork():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED_BEFORE_THE_FORK)
    return context


def prepare_workers() -> None:
    """Begin to import what workers need, beside this process; call it in the main thread."""
    worker_context()
    if not _can_fork():
        return
    from multiprocessing import forkserver

    with interruptions_held():
        forkserver.ensure_running()


def _can_fork() -> bool:
    """Say whether workers can be forks: the process that they are forks of needs a socket."""
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError:  # no folder takes temporary files
        return False
    return FORKS and len(os.fsencode(folder)) <= _LONGEST_TEMPORARY_FOLDER


def serve(connection: Connection, settings: BatchSettings, lanes: int, log_level: int) -> None:
    """Answer (number, entry) with (DONE, number, row), each after (BEGUN, number, None).

    (LOG, number, record) is a record of the library's log, of ``log_level`` or more. (STOP, number,
    error) ends the whole batch. Ends when None arrives or the batch's own process is gone, however
    that ended.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the batch's own process decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent()
    answers = _Answers(connection)
    log = logging.getLogger("BrainAgeLib")
    log.setLevel(log_level)
    log.addHandler(_ToTheBatch(answers))
    if not _can_work(settings, answers):
        return  # a scan that waits already must not leave a folder behind
    with ThreadPoolExecutor(lanes) as pool:
        while (job := connection.recv()) is not None:
            number, entry = job
            pool.submit(_work, number, entry, settings, answers)


def lanes_on(device: str) -> int:
    """Return how many scans a worker has in hand at a time."""
    from BrainAgeLib.model.devices import resolve_device

    return 1 if resolve_device(device) == "cpu" else LANES_BESIDE_A_GPU


class _Answers:
    """The way back to the batch; lanes take turns."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, kind: str, number: int, content: Any) -> None:
        with self._lock:
            self._connection.send((kind, number, content))


class _ToTheBatch(QueueHandler):
    """Hands records on to the batch, whose terminal is the one that people look at."""

    def __init__(self, answers: _Answers) -> None:
        super().__init__(SimpleQueue())
        self._answers = answers

    def enqueue(self, record: logging.LogRecord) -> None:
        self._answers.send(LOG, getattr(_lane, "number", NO_SCAN), record)


_lane = threading.local()


def _can_work(settings: BatchSettings, answers: _Answers) -> bool:
    """Load the model once, before lanes could do it twice; say whether that worked."""
    from BrainAgeLib.errors import BrainAgeError
    from BrainAgeLib.pipeline import prepare

    try:
        tools = prepare(settings.options)
        tools.device.run(tools.ensemble.weights)
    except BrainAgeError as error:
        answers.send(STOP, NO_SCAN, error)
        return False
    answers.send(READY, NO_SCAN, None)
    return True


def _work(number: int, entry: ScanEntry, settings: BatchSettings, answers: _Answers) -> None:
    from BrainAgeLib.batch.work import work_on
    from BrainAgeLib.errors import BrainAgeError

    _lane.number = number
    answers.send(BEGUN, number, None)
    try:
        answers.send(DONE, number, work_on(entry, settings))
    except BrainAgeError as error:
        answers.send(STOP, number, error)
    except Exception as error:  # the batch must hear of it: it waits for an answer
        words = f"internal error: {type(error).__name__}: {error}"
        answers.send(STOP, number, BrainAgeError(words, "please report this"))
