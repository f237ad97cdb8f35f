"""What is asked for of every scan of a batch, and whether a folder's results are of the same."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from BrainAgeLib import __version__
from BrainAgeLib.batch.scan_entry import ScanEntry
from BrainAgeLib.delivery import Deliverables
from BrainAgeLib.errors import InputError
from BrainAgeLib.job import Job
from BrainAgeLib.options import Options
from BrainAgeLib.report.dicom_report import dicom_packages
from BrainAgeLib.whole_file import write_atomically

FILE_NAME = "batch.json"
# Speed, not numbers.
_FREE_TO_CHANGE = ("device", "threads")


@dataclass(frozen=True)
class BatchSettings:
    """The options of every scan. Age, sex and series in ``options`` are for entries without."""

    output: Path
    options: Options
    deliverables: Deliverables = Deliverables(thumbnail=True)

    def options_for(self, entry: ScanEntry) -> Options:
        """Return the options of one scan."""
        return replace(
            self.options,
            age_years=self.options.age_years if entry.age_years is None else entry.age_years,
            sex=entry.sex or self.options.sex,
            series_uid=entry.series_uid or self.options.series_uid,
        )


def check_settings(settings: BatchSettings, elsewhere: bool) -> None:
    """See before the first scan that the options can be met, and that earlier results used them.

    ``elsewhere``: the work is done on other machines, whose devices are theirs. Raises InputError.
    """
    if settings.deliverables.dicom:
        dicom_packages()
    options = replace(settings.options, device="cpu") if elsewhere else settings.options
    model = Job(options, None).ensemble.record
    asked = {
        name: value
        for name, value in asdict(settings.options).items()
        if name not in _FREE_TO_CHANGE
    }
    asked |= asdict(settings.deliverables)
    asked |= {"model": f"{model.name} {model.version} ({model.sha256[:12]})"}
    asked |= {"program": __version__}
    asked = json.loads(json.dumps(asked, default=str))
    path = settings.output / FILE_NAME
    if path.is_file():
        _compare(asked, path)
    else:
        write_atomically(path, f"{json.dumps(asked, indent=2)}\n".encode())


def _compare(asked: dict[str, object], path: Path) -> None:
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        earlier = {}
    other = [name for name in asked if asked[name] != earlier.get(name)]
    if other:
        raise InputError(
            f"{path.parent} holds results of other options",
            "choose another output folder, or run with the same options",
            tuple(f"{name}: {earlier.get(name)} before, {asked[name]} now" for name in other),
        )
