"""Results of another model, which are not to stand in one table with those of this one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from BrainAgeLib.batch.table import ScanEntry
from BrainAgeLib.errors import InputError, printable
from BrainAgeLib.records import ModelRecord
from BrainAgeLib.report.output_folder import OutputFolder
from BrainAgeLib.report.record import read_prediction


def refuse_another_model(entries: Sequence[ScanEntry], output: Path, model: ModelRecord) -> None:
    """Raise InputError where the folder of a scan holds the result of another model than this one.

    To be asked where nothing else tells of the options of earlier results, which would be taken
    for done.
    """
    for entry in entries:
        try:
            prediction = read_prediction(OutputFolder(output / entry.folder).prediction)
        except InputError:
            continue
        if prediction.model.sha256 != model.sha256:
            hint = "choose another output folder, or name their model by --model"
            raise another_model(output, named(prediction.model), model, hint)


def another_model(
    output: Path, theirs: object, model: ModelRecord, hint: str = "name their model by --model"
) -> InputError:
    """Return the error for results of a model, as ``named`` says, in place of another."""
    theirs = printable(str(theirs))
    return InputError(f"{output} holds results of the model {theirs}, not of {named(model)}", hint)


def named(model: ModelRecord) -> str:
    """Return what tells a model from all others."""
    return f"{model.name} {model.version} ({model.sha256[:12]})"
