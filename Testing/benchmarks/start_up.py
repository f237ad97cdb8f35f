"""How long the command takes, and how much memory, for what it answers without work.

    python Testing/benchmarks/start_up.py [--runs N]

Exit 1 when a median is over the bar.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from statistics import median

from _process import run_process, warn_when_busy

MOST_SECONDS, MOST_MB = 0.5, 60.0
ANSWERS = {
    "--version": (["--version"], 0),
    "--help": (["--help"], 0),
    "a wrong call": (["predict"], 2),
    "a file that is missing": (["predict", "nowhere.nii", "--output", "{folder}"], 2),
    "models": (["models"], 0),
}


def main() -> int:
    """Measure and print; return 1 when something is over the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="default 5; the median is shown")
    runs = parser.parse_args().runs
    warn_when_busy()
    is_over = False
    print(
        f"{'answer':26} {'seconds':>8} {'peak MB':>8}  at most {MOST_SECONDS} s, {MOST_MB:.0f} MB"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, (arguments, code) in ANSWERS.items():
            command = [sys.executable, "-m", "BrainAgeLib"]
            command += [argument.format(folder=folder) for argument in arguments]
            measured = [run_process(command, 1, (code,))[1:] for _run in range(runs)]
            seconds, peak_mb = (median(values) for values in zip(*measured, strict=True))
            is_met = seconds <= MOST_SECONDS and peak_mb <= MOST_MB
            is_over |= not is_met
            print(f"{name:26} {seconds:8.2f} {peak_mb:8.0f}  {'met' if is_met else 'MISSED'}")
    return int(is_over)


if __name__ == "__main__":
    sys.exit(main())
