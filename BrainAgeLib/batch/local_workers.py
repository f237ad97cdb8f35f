"""Worker processes on this machine; one that dies costs nothing but its scan's time.

They are our own, not those of Dask's LocalCluster, because Dask is no part of the base install.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import SimpleQueue

from BrainAgeLib.batch.table import ResultRow, ScanEntry
from BrainAgeLib.batch.work import BatchSettings, Failure, record_failure
from BrainAgeLib.batch.worker_process import (
    BEGUN,
    DONE,
    LOG,
    NO_SCAN,
    READY,
    STOP,
    lanes_on,
    serve,
    worker_context,
)
from BrainAgeLib.errors import BrainAgeError, ExitCode

logger = logging.getLogger(__name__)

# A worker may be killed for reasons that are not the scan's; after as many deaths they are.
MOST_DEATHS = 3
MOST_FAILED_STARTS = 3
_SECONDS_TO_END = 10.0
_PIECE_BYTES = 2**20


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    is_ready: bool = False
    waiting: list[int] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)


def read_to_the_end(path: Path) -> int:
    """Return how many bytes a file, or the files of a folder, hold, after reading them."""
    count = 0
    try:
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if file.is_file():
                with file.open("rb") as stream:
                    while piece := stream.read(_PIECE_BYTES):
                        count += len(piece)
    except OSError:
        return count
    return count


class ReadAhead:
    """A thread that reads the next scans' bytes, so that they wait in the system's cache.

    Each file or folder is read once and forgotten. ``read``: what reads one.
    """

    def __init__(self, read: Callable[[Path], object] = read_to_the_end) -> None:
        self._read = read
        self._asked: set[str] = set()
        self._scans: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self._read_all, daemon=True).start()

    def ask_for(self, scan: str) -> None:
        """Have a scan read soon; one that cannot be read is told of by whoever works on it."""
        if scan not in self._asked:
            self._asked.add(scan)
            self._scans.put(scan)

    def _read_all(self) -> None:
        while True:
            self._read(Path(self._scans.get()))


class LocalWorkers:
    """``count`` processes that share the scans; a context manager, which ends them.

    ``lanes``: how many scans each has in hand, or None for what suits the device. ``ahead``: who
    reads the files of the next scans.
    """

    def __init__(
        self,
        count: int,
        settings: BatchSettings,
        lanes: int | None = None,
        ahead: ReadAhead | None = None,
    ) -> None:
        self._count = count
        self._settings = settings
        self._lanes = lanes or lanes_on(settings.options.device)
        self._workers: list[_Worker] = []
        self._deaths: dict[int, int] = {}
        self._failed_starts = 0
        self._ahead = ahead or ReadAhead()

    def __enter__(self) -> LocalWorkers:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join(_SECONDS_TO_END)
            worker.connection.close()
        self._workers.clear()

    def rows(self, entries: Sequence[ScanEntry]) -> Iterator[tuple[int, ResultRow]]:
        """Yield the number of each entry and its row, in the order in which they get done.

        Raises BrainAgeError for what would end every other scan, too.
        """
        left = deque(range(len(entries)))
        missing = len(entries)
        while missing:
            self._hand_out(left, entries)
            channels: list[Connection] = [worker.connection for worker in self._workers]
            for channel in wait(channels):
                worker = next(w for w in self._workers if w.connection is channel)
                for number, row in self._hear(worker, left, entries):
                    missing -= 1
                    yield number, row

    def _hand_out(self, left: deque[int], entries: Sequence[ScanEntry]) -> None:
        """Start workers as long as there is work for them and give each what it has lanes for.

        No more: at the end a scan would wait for one worker while another has nothing to do.
        """
        in_hand = sum(len(worker.begun) + len(worker.waiting) for worker in self._workers)
        while len(self._workers) < min(self._count, len(left) + in_hand):
            self._workers.append(self._start())
        for held in range(self._lanes):  # one each, before anyone gets a second
            for worker in self._workers:
                if left and self._may_take(worker, left[0], held):
                    number = left.popleft()
                    worker.waiting.append(number)
                    with contextlib.suppress(OSError):  # it died; hearing from it says so
                        worker.connection.send((number, entries[number]))
        for number in islice(left, len(self._workers)):
            self._ahead.ask_for(entries[number].scan)

    def _may_take(self, worker: _Worker, number: int, most_held: int) -> bool:
        """Say whether a worker that holds no more than this many scans may take another.

        A scan that was in hand when a worker died is worked on alone from then on: which of two
        killed their worker nobody knows.
        """
        in_hand = [*worker.begun, *worker.waiting]
        is_shared = in_hand and any(each in self._deaths for each in (*in_hand, number))
        return len(in_hand) <= most_held and not is_shared

    def _start(self) -> _Worker:
        context = worker_context()
        ours, theirs = context.Pipe()
        level = logging.getLogger("BrainAgeLib").getEffectiveLevel()
        arguments = (theirs, self._settings, self._lanes, level)
        process = context.Process(target=serve, args=arguments, daemon=True)
        process.start()
        logger.debug("worker process %d begins", process.pid)
        theirs.close()
        return _Worker(process, ours)

    def _hear(
        self, worker: _Worker, left: deque[int], entries: Sequence[ScanEntry]
    ) -> Iterator[tuple[int, ResultRow]]:
        try:
            kind, number, content = worker.connection.recv()
        except (EOFError, OSError):
            yield from self._bury(worker, left, entries)
            return
        if kind == READY:
            worker.is_ready, self._failed_starts = True, 0
        elif kind == BEGUN:
            worker.waiting.remove(number)
            worker.begun.append(number)
        elif kind == DONE:
            worker.begun.remove(number)
            yield number, content
        elif kind == LOG:
            _log_again(number, content)
        elif kind == STOP:
            raise content

    def _bury(
        self, worker: _Worker, left: deque[int], entries: Sequence[ScanEntry]
    ) -> Iterator[tuple[int, ResultRow]]:
        """Give back what a dead worker held, or say which scan it keeps dying of."""
        worker.process.join(_SECONDS_TO_END)
        worker.connection.close()
        self._workers.remove(worker)
        how = _death(worker.process.exitcode)
        logger.warning("a worker process died (%s); its scans go to another", how)
        if not worker.is_ready:
            self._failed_starts += 1
            if self._failed_starts >= MOST_FAILED_STARTS:
                raise BrainAgeError(
                    f"worker processes end before they begin: {how}",
                    "is there enough memory? try fewer --workers",
                )
        left.extendleft(reversed(worker.waiting))
        for number in worker.begun:
            self._deaths[number] = self._deaths.get(number, 0) + 1
            if self._deaths[number] < MOST_DEATHS:
                left.appendleft(number)
                continue
            words = f"the worker process died {MOST_DEATHS} times on this scan: {how}"
            failure = Failure(ExitCode.FAULT, words, 0.0)
            yield number, record_failure(entries[number], self._settings, failure)


def _log_again(number: int, record: logging.LogRecord) -> None:
    """Log what a worker logged, with the number of the scan that it is about."""
    if number != NO_SCAN:
        record.msg = f"scan {number + 1}: {record.getMessage()}"
    logging.getLogger(record.name).handle(record)


def _death(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"signal {-exit_code}"
    return f"exit code {exit_code}"
