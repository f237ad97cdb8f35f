"""Ctrl-C and SIGTERM: the command ends within seconds, whatever it is at, and says how to go on."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from BrainAgeLib.errors import BrainAgeError, ExitCode

# For what does not heed it: native code, a library that takes the interruption for an error of its
# own, threads that the interpreter waits for at its end.
GRACE_SECONDS = 3.0
AGAIN_SECONDS = 0.05
ANEW, ON = "run the same command again", "run the same command again: it goes on where it stopped"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """A context in which both signals raise KeyboardInterrupt, once, in the main thread.

    The process that has not ended some seconds later is ended with its workers. ``report`` takes
    the error that people are told; ``how_to_go_on`` is its hint. ``has_come``: whether one came.
    """

    def __init__(self, report: Callable[[BrainAgeError], object]) -> None:
        self.how_to_go_on = ANEW
        self._report = report
        self._was_told = False
        self.has_come = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruption:
        self._heard, self._said = os.pipe()  # not a socket: nothing here looks like a network
        if os.name != "nt":
            os.set_blocking(self._said, False)
        # Heard by a thread, since Python's own handler waits until native code returns.
        self._wakeup = signal.set_wakeup_fd(self._said, warn_on_full_buffer=False)
        self._watcher = threading.Thread(target=self._watch, daemon=True, name="interruption")
        self._watcher.start()
        for number in _SIGNALS:
            # Who runs in the background of a shell script has SIGINT ignored.
            if number is signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self.has_come:  # the interpreter's end, too, is watched and not interrupted again
            return
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._said)
        self._watcher.join()
        os.close(self._heard)

    def tell(self) -> None:
        """Tell people, once."""
        if not self._was_told:
            self._was_told = True
            self._report(BrainAgeError("interrupted", self.how_to_go_on))

    def _interrupt(self, _signal: int, _frame: object) -> None:
        # An error that is raised in the midst of loading torch aborts the process: a little later.
        if not self.has_come and not _torch_is_loading():
            self.has_come = True
            raise KeyboardInterrupt

    def _watch(self) -> None:
        while heard := os.read(self._heard, 1):
            if heard[0] in self._before:
                break
        else:
            return
        for _ in range(round(GRACE_SECONDS / AGAIN_SECONDS)):
            threading.Event().wait(AGAIN_SECONDS)
            if not self.has_come:
                signal.raise_signal(heard[0])
        with contextlib.suppress(Exception):
            self.tell()
        end_workers()
        os._exit(ExitCode.INTERRUPTED)


def _torch_is_loading() -> bool:
    spec = getattr(sys.modules.get("torch"), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))


def end_workers() -> None:
    """Kill the processes that ``multiprocessing`` has started here."""
    # Not imported: the main thread may be held up in the midst of importing it.
    started = getattr(sys.modules.get("multiprocessing.process"), "active_children", list)
    for process in started():
        process.kill()
