"""The workers of a Dask cluster; all of them see the same input and output folders.

Dask gives a scan to another worker when one dies. That the scan's folder appears once, whoever
works on it, is up to ``work``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from BrainAgeLib.batch.table import ResultRow, ScanEntry
from BrainAgeLib.batch.work import BatchSettings, Failure, record_failure, work_on
from BrainAgeLib.errors import BrainAgeError, ExitCode, InputError
from BrainAgeLib.extras import require_extra

logger = logging.getLogger(__name__)

# Scans that the scheduler knows of, for each thread of a worker: enough to keep it busy, few enough
# that 100,000 scans do not lie in the scheduler's memory.
SCANS_PER_THREAD = 4
LEAST_SCANS_IN_HAND = 16
CONNECT_TIMEOUT = "20s"
LOOK_SECONDS, LOOKS_A_COUNT = 0.1, 100  # for a result; the latter until workers are counted again


class DaskWorkers:
    """The workers behind the scheduler at ``address``; a context manager, which lets them go.

    Raises InputError when Dask is not installed or no scheduler answers there.
    """

    def __init__(
        self, address: str, settings: BatchSettings, timeout: str = CONNECT_TIMEOUT
    ) -> None:
        require_extra("dask", "distributed")
        import distributed

        self._distributed: Any = distributed
        # A worker process has one scan per thread; all CPUs for each would be too many.
        options = replace(settings.options, threads=settings.options.threads or 1)
        # Workers are started wherever they are: what is named from here is named in full.
        if options.site is not None:
            options = replace(options, site=str(Path(options.site).absolute()))
        if options.model is not None and Path(options.model).is_dir():
            options = replace(options, model=str(Path(options.model).absolute()))
        self._settings = replace(settings, options=options, output=settings.output.absolute())
        try:
            self._client: Any = self._distributed.Client(address, timeout=timeout)
        except (OSError, ValueError) as error:
            raise InputError(
                f"no Dask scheduler answers at {address!r}",
                "give its address, such as tcp://127.0.0.1:8786; `dask scheduler` prints it",
            ) from error

    def __enter__(self) -> DaskWorkers:
        logging.getLogger("distributed.client").addFilter(_is_no_traceback)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        logging.getLogger("distributed.client").removeFilter(_is_no_traceback)

    def rows(self, entries: Sequence[ScanEntry]) -> Iterator[tuple[int, ResultRow]]:
        """Yield the number of each entry and its row, in the order in which they get done.

        Raises BrainAgeError for what would end every other scan, too.
        """
        try:
            yield from self._rows(entries)
        except BrainAgeError:
            raise
        except Exception as error:  # of the cluster: whatever is wrong with a scan is a row
            kind = type(error).__name__
            raise BrainAgeError(
                f"the Dask cluster gave up: {' '.join(f'{kind}: {error}'.split())}",
                "mend the cluster and run again: it goes on where it stopped",
            ) from error

    def _rows(self, entries: Sequence[ScanEntry]) -> Iterator[tuple[int, ResultRow]]:
        numbers = iter(range(len(entries)))
        done = self._distributed.as_completed(raise_errors=False)
        in_hand: dict[str, int] = {}
        exhausted = False
        while in_hand or not exhausted:
            while not exhausted and len(in_hand) < self._room():
                number = next(numbers, None)
                exhausted = number is None
                if number is not None:
                    future = self._client.submit(
                        work_on, entries[number], self._settings, pure=False
                    )
                    in_hand[future.key] = number
                    done.add(future)
            if in_hand:
                future = self._next(done)
                number = in_hand.pop(future.key)
                yield number, self._row(future, entries[number])

    def _next(self, done: Any) -> Any:
        """Return the next future that is done; say it where nobody is there to do one."""
        looks, has_told = 0, False
        while not done.has_ready():
            if looks % LOOKS_A_COUNT == 0 and not has_told:
                with suppress(OSError):  # a scheduler that is gone for good ends the futures
                    has_told = not self._client.nthreads()
                if has_told:
                    logger.warning("the Dask cluster has no worker at present: the scans wait")
            looks += 1
            time.sleep(LOOK_SECONDS)
        return next(done)

    def _room(self) -> int:
        """Return how many scans may be in hand at present; workers come and go."""
        return max(LEAST_SCANS_IN_HAND, SCANS_PER_THREAD * sum(self._client.nthreads().values()))

    def _row(self, future: Any, entry: ScanEntry) -> ResultRow:
        try:
            return future.result()
        except self._distributed.KilledWorker:
            words = "the Dask workers died on this scan; their logs say of what"
            return record_failure(entry, self._settings, Failure(ExitCode.FAULT, words, 0.0))


def _is_no_traceback(record: logging.LogRecord) -> bool:
    """Say whether a record of Dask's is for people; what it means for the batch, we say."""
    return not record.exc_info
