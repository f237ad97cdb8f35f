"""``python -m BrainAgeLib`` is the command ``brainage``."""

import sys

INTERRUPTED = 130  # errors.ExitCode.INTERRUPTED, which is not loaded yet


def main() -> int:
    """Run the command; who interrupts it while it is loading gets no traceback, either."""
    try:
        from BrainAgeLib.command_line.main import main as run

        return run()
    except KeyboardInterrupt:
        sys.stderr.write("brainage: error: interrupted (run the same command again)\n")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
