"""Small batches: scans that take no time, workers within this process, a scan that kills."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from BrainAgeLib.batch.table import ResultRow, ScanEntry
from BrainAgeLib.batch.work import BatchSettings, work_on
from BrainAgeLib.options import Deliverables, Options


def quick_settings(output: Path, model: Path, **options: object) -> BatchSettings:
    """Return settings for scans in template space, numbers only."""
    chosen = Options(
        device="cpu",
        threads=1,
        model=str(model),
        in_template_space=True,
        saliency=False,
        **options,  # type: ignore[arg-type]
    )
    return BatchSettings(output, chosen, Deliverables(report=False, thumbnail=True))


def copies(scan: Path, folder: Path, count: int) -> Path:
    """Write a list of copies of a scan with ages, and one that cannot be read; return it."""
    lines = ["path,id,age,sex,site"]
    for number in range(count):
        shutil.copyfile(scan, folder / f"scan-{number}.nii.gz")
        lines.append(f"scan-{number}.nii.gz,p{number},{50 + number},F,A")
    (folder / "broken.nii.gz").write_bytes(b"broken")
    lines.insert(2, "broken.nii.gz,broken,61,M,B")
    table = folder / "list.csv"
    table.write_text("\n".join(lines) + "\n")
    return table


class HereWorkers:
    """Workers that are none: the scans are worked on by whoever asks."""

    def __init__(self, settings: BatchSettings) -> None:
        self.settings = settings
        self.given: list[str] = []

    def rows(self, entries: Sequence[ScanEntry]) -> Iterator[tuple[int, ResultRow]]:
        """Work on the last scan first: the order of the table must not depend on it."""
        for number in reversed(range(len(entries))):
            self.given.append(entries[number].id)
            yield number, work_on(entries[number], self.settings)

    @contextmanager
    def start(self) -> Iterator[HereWorkers]:
        """Stand in for what starts real workers."""
        yield self


class SlowEntry(ScanEntry):
    """A scan that takes its time in a worker process."""

    def __getattribute__(self, name: str) -> object:
        if name == "age_years" and multiprocessing.parent_process() is not None:
            time.sleep(0.5)
        return super().__getattribute__(name)


class DeadlyEntry(ScanEntry):
    """A scan that ends every worker process that works on it for a moment."""

    def __getattribute__(self, name: str) -> object:
        if name == "age_years" and multiprocessing.parent_process() is not None:
            time.sleep(0.1)
            os._exit(9)
        return super().__getattribute__(name)
