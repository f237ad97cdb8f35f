"""A whole training run of twenty made-up people, from a BIDS folder to a model that predicts."""

from __future__ import annotations

import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from BrainAgeLib.codec import to_plain
from BrainAgeLib.command_line.main import main
from BrainAgeLib.model.brain_maps import FEW_SLICES
from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.run_folder import folder_lock
from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.training import store as store_module
from BrainAgeLib.training.out_of_fold import read_rows
from BrainAgeLib.training.people import assign_folds, read_people
from BrainAgeLib.training.simulate import EVALUATION_PROTOCOLS
from Testing.library.model_folders import SMALL_NETWORK
from Testing.library.outcomes import process_state
from Testing.library.phantoms import coarse_brain, write_volume
from Testing.library.stored_scans import quick_alignment, times_of_files

PEOPLE = 20
FOLDS = 2
SETTINGS = {
    "name": "tiny",
    "version": "7",
    "folds": FOLDS,
    "scans_per_person": 2,
    "steps": 3,
    "people_per_step": 5,
    "threads": 3,  # not as many as pytest runs with
    "network": to_plain(SMALL_NETWORK),
}


def made_up_dataset(folder, people=PEOPLE, prefix="sub-"):
    """Write a BIDS dataset of brains of different size; return their place in the template."""
    brain = coarse_brain()
    lines, places = ["participant_id\tage\tsex"], {}
    for number in range(people):
        name, age = f"{prefix}{number:02}", 20 + 3 * number
        size = np.diag([*np.linspace(0.94, 1.06, 7)[[number % 7, number % 5, number % 3]], 1.0])
        path = folder / name / "anat" / f"{name}_T1w.nii.gz"
        path.parent.mkdir(parents=True)
        write_volume(Volume(brain.voxels, size @ brain.affine), path)
        lines.append(f"{name}\t{age}\t{'FM'[number % 2]}")
        places[name] = size
    (folder / "participants.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    return places


def in_this_process(workers, begin):
    """Stand for a pool of processes, so that what a test changes holds for the workers."""
    return ThreadPoolExecutor(workers, initializer=begin)


@contextmanager
def quickly():
    """Align in few steps; what is learnt does not matter here."""
    with quick_alignment(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_module, "worker_pool", in_this_process)
        yield


def train(data, output, config, *more):
    """Run the command; return its exit code."""
    return main(
        ["train", "--data", str(data), "--output", str(output), "--config", str(config), *more]
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a finished run: data, output, settings, and what the first fold alone left."""
    base = tmp_path_factory.mktemp("train")
    data, output, config = base / "data", base / "output", base / "settings.json"
    data.mkdir()
    config.write_text(json.dumps(SETTINGS), "utf-8")
    # Registration has its own tests; its result is kept where a resumed run looks for it.
    registrations = output / "work" / "registrations"
    registrations.mkdir(parents=True)
    for name, template_to_scan in made_up_dataset(data).items():
        np.save(registrations / f"{name}.npy", template_to_scan)
    before = process_state()
    with quickly():
        first_code = train(data, output, config, "--fold", "1")
        after_first_fold = {path.name for path in output.rglob("*") if path.is_file()}
        code = train(data, output, config)
    return SimpleNamespace(
        process=(before, process_state()),
        data=data,
        output=output,
        config=config,
        codes=(first_code, code),
        after_first_fold=after_first_fold,
    )


def test_one_fold_alone_writes_no_model(run):
    assert run.codes[0] == 0
    assert {
        "network-0.pt",
        "network-0.safetensors",
        "regional-0.safetensors",
        "slices-0.safetensors",
        "fold-0.csv",
    } <= run.after_first_fold
    assert (
        not {"network-1.pt", "fold-1.csv", "card.json", "model.safetensors"} & run.after_first_fold
    )


def test_the_process_is_as_it_was_before(run):
    before, after = run.process

    assert before == after


def test_the_whole_run_writes_a_model_folder(run):
    assert run.codes[1] == 0
    assert {path.name for path in run.output.iterdir()} == {"tiny", "out_of_fold.csv", "work"}
    assert {path.name for path in (run.output / "tiny").iterdir()} == {
        "card.json",
        "model.safetensors",
    }
    card = load_ensemble(str(run.output / "tiny")).card
    assert card.members == FOLDS
    assert card.training.people == PEOPLE
    assert card.training.settings["network"]["widths"] == list(SMALL_NETWORK.widths)
    assert card.version == "7"  # that of its training


def test_everybody_is_predicted_once_on_each_protocol_by_models_that_never_saw_them(run):
    rows = read_rows(run.output / "out_of_fold.csv")
    people = read_people(run.data)
    folds = assign_folds(people, FOLDS, 2025)

    expected = [
        *EVALUATION_PROTOCOLS,
        "one axial slice",
        f"{FEW_SLICES} axial slices",
        "random protocol and contrast",
    ]
    for person, fold in zip(people, folds, strict=True):
        mine = [row for row in rows if row.participant_id == person.participant_id]
        assert {row.fold for row in mine} == {fold}
        assert sorted(row.protocol for row in mine) == sorted(expected)
        assert {row.age_years for row in mine} == {person.age_years}


def test_the_model_predicts(run, brain_file, tmp_path, capsys):
    # Sixteen made-up brains are too few to know what another one may look like: --force.
    options = ["--in-template-space", "--age", "40", "--no-report", "--no-saliency", "--force"]

    code = main(
        ["predict", str(brain_file), "--output", str(tmp_path / "out"), *options]
        + ["--model", str(run.output / "tiny")]
    )

    assert code == 0, capsys.readouterr().err
    record = json.loads((tmp_path / "out" / "prediction.json").read_text("utf-8"))
    assert record["model"]["name"] == "tiny"
    assert -50 < record["brain_age_years"] < 150  # after three steps
    assert record["correction"]["method"] == "de-lange-cole"


def test_started_again_it_repeats_nothing(run, capsys):
    before = times_of_files(run.output / "work")
    (run.output / "work" / "scans" / ".brainage-1-sub-00_maps.npz").touch()
    weights = (run.output / "tiny" / "model.safetensors").read_bytes()
    for left in ("tiny/.brainage-1-model.safetensors", ".brainage-1-out_of_fold.csv"):
        (run.output / left).touch()  # as a kill leaves it
    capsys.readouterr()

    with quickly():
        assert train(run.data, run.output, run.config) == 0

    said = capsys.readouterr()
    assert said.out == f"the model lies in {run.output / 'tiny'}\n"
    assert "train" not in said.err and "predict" not in said.err
    assert times_of_files(run.output / "work") == before
    assert (run.output / "tiny" / "model.safetensors").read_bytes() == weights
    assert not list(run.output.glob(".*")) + list((run.output / "tiny").glob(".*"))


def test_other_settings_do_not_go_into_the_same_folder(run, tmp_path, capsys):
    config = tmp_path / "settings.json"
    config.write_text(json.dumps(SETTINGS | {"steps": 2}), "utf-8")

    assert train(run.data, run.output, config) == 2
    assert "holds a run with other settings" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")
@pytest.mark.parametrize(
    ("taken", "more", "is_refused"),
    [("0", [], True), ("1", [], True), ("0", ["--fold", "1"], True), ("1", ["--fold", "1"], False)],
)
def test_one_run_a_folder_and_one_job_a_fold(run, capsys, taken, more, is_refused):
    left_out = run.output / "work" / "left_out.csv"
    left_out.touch()
    with folder_lock(run.output / "work", f"fold-{taken}"), quickly():
        code = train(run.data, run.output, run.config, *more)

    said = capsys.readouterr().err
    assert code == (2 if is_refused else 0)
    assert ("another run is writing into" in said) == is_refused
    assert left_out.exists() == is_refused  # it belongs to the other run
    left_out.unlink(missing_ok=True)


def test_other_threads_do_not_matter(run, tmp_path):
    config = tmp_path / "settings.json"
    config.write_text(json.dumps(SETTINGS | {"threads": 2}), "utf-8")
    with quickly():
        assert train(run.data, run.output, config, "--device", "cpu") == 0


@pytest.mark.parametrize("fold", ["0", "3", "-1"])
def test_there_is_no_such_fold(run, tmp_path, capsys, fold):
    assert train(run.data, tmp_path / "output", run.config, "--fold", fold) == 2
    assert f"there is no fold {fold} (give 1 to 2)" in capsys.readouterr().err
    assert not (tmp_path / "output").exists()


def test_who_has_no_age_is_named_before_the_work(run, tmp_path, capsys):
    data = tmp_path / "data"
    data.mkdir()
    made_up_dataset(data, people=20)
    table = data / "participants.tsv"
    table.write_text(table.read_text().replace("\t23\t", "\tn/a\t"), "utf-8")

    assert train(data, tmp_path / "output", run.config) == 2
    complaint, who = capsys.readouterr().err.splitlines()
    assert complaint.endswith(
        "19 people are too few for 2 folds (at least 20 are needed; 1 left out)"
    )
    assert who == "  sub-01: no age"
    assert not (tmp_path / "output").exists()


def test_a_model_that_cannot_be_gone_on_from_is_refused_at_once(run, small_model, tmp_path, capsys):
    config = tmp_path / "settings.json"
    config.write_text(json.dumps(SETTINGS | {"start_from": str(small_model), "seed": 1}), "utf-8")

    assert train(run.data, tmp_path / "output", config) == 2

    assert "2 members of seed 2025, not 2 of seed 1" in capsys.readouterr().err
    assert not (tmp_path / "output").exists()


def test_another_name_and_version_do_not_train_anew(run, tmp_path):
    config = tmp_path / "settings.json"
    config.write_text(json.dumps(SETTINGS | {"name": "renamed", "version": "8"}), "utf-8")
    output = shutil.copytree(run.output, tmp_path / "output")
    with quickly():
        assert train(run.data, output, config) == 0

    renamed, tiny = (load_ensemble(str(output / name)).card for name in ("renamed", "tiny"))
    assert (renamed.version, renamed.sha256) == ("8", tiny.sha256)


def test_what_training_needs_more_is_named_before_anything_is_read(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert main(["train", "--data", str(tmp_path), "--output", str(tmp_path / "output")]) == 2
    assert 'pip install "slicerbrainage[train]"' in capsys.readouterr().err
    assert not (tmp_path / "output").exists()
