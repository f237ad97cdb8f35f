"""``python -m BrainAgeLib`` is the command ``brainage``."""

import os
import sys

INTERRUPTED = 130  # errors.ExitCode.INTERRUPTED, which is not loaded yet


def main() -> int:
    """Run the command; who interrupts it while it is loading gets no traceback, either."""
    # Before torch is loaded: by default its threads spin while they wait for each other, and where
    # another program has one of the cores a scan takes several times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # Large pages of memory, where Linux gives them on request: a scan takes 6 % less time.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    try:
        from BrainAgeLib.command_line.main import main as run

        code = run()
    except KeyboardInterrupt:
        sys.stderr.write("brainage: error: interrupted (run the same command again)\n")
        code = INTERRUPTED
    if code == INTERRUPTED:
        _end()
    return code


def _end() -> None:
    """End the process with the exit code of an interruption, cleaned up.

    Where the interruption passed through native code that ran Python, the interpreter would end by
    the signal instead, whatever code it is given.
    """
    import atexit
    import contextlib

    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
