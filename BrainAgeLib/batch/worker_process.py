"""A worker: a process of its own that holds the model and works on one scan after the other.

Only what is light is imported before the number of threads is settled.
"""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from BrainAgeLib.orphans import end_with_parent

if TYPE_CHECKING:
    from BrainAgeLib.batch.batch_settings import BatchSettings
    from BrainAgeLib.batch.scan_entry import ScanEntry

READY, BEGUN, DONE, STOP = "ready", "begun", "done", "stop"
# On a GPU two scans at a time: while the networks have one, the CPU reads and registers the other.
LANES_BESIDE_A_GPU = 2


def serve(connection: Connection, settings: BatchSettings, lanes: int) -> None:
    """Answer (number, entry) with (DONE, number, row), each after (BEGUN, number, None).

    (STOP, number, error) ends the whole batch. Ends when None arrives or the batch's own process
    is gone, however that ended.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the batch's own process decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent()
    answers = _Answers(connection)
    _load(settings, answers)
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


def _load(settings: BatchSettings, answers: _Answers) -> None:
    """Load the model once, before lanes could do it twice."""
    from BrainAgeLib.errors import BrainAgeError
    from BrainAgeLib.job import Job

    try:
        job = Job(settings.options, None)
        job.device.run(lambda name: job.ensemble.weights(name))
        answers.send(READY, -1, None)
    except BrainAgeError as error:
        answers.send(STOP, -1, error)


def _work(number: int, entry: ScanEntry, settings: BatchSettings, answers: _Answers) -> None:
    from BrainAgeLib.batch.scan_work import work_on
    from BrainAgeLib.errors import BrainAgeError

    answers.send(BEGUN, number, None)
    try:
        answers.send(DONE, number, work_on(entry, settings))
    except BrainAgeError as error:
        answers.send(STOP, number, error)
    except Exception as error:  # the batch must hear of it: it waits for an answer
        words = f"internal error: {type(error).__name__}: {error}"
        answers.send(STOP, number, BrainAgeError(words, "please report this"))
