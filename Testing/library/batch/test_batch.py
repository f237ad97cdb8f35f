"""A batch within one process: order, resuming, what may not be mixed."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest

from BrainAgeLib.batch.batch import run_batch
from BrainAgeLib.batch.scan_list import find_scans
from BrainAgeLib.codec import to_text
from BrainAgeLib.errors import InputError
from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.site import SiteCalibration, SiteLine, SiteModel
from Testing.library.batch.made_batches import HereWorkers, copies, quick_settings


@pytest.fixture
def scans(brain_file, tmp_path):
    return find_scans(str(copies(brain_file, tmp_path, 3)), tmp_path / "out")


@pytest.fixture
def settings(tmp_path, small_model):
    return quick_settings(tmp_path / "out", small_model)


def run(scans, settings, **options):
    """Run the batch; return the rows and the scans that were worked on."""
    workers = HereWorkers(settings)
    rows = run_batch(scans, settings, workers.start, lambda *_: None, **options)
    return rows, workers.given


def ids_in(output):
    """Return the ids in the table, in its order."""
    with (output / "results.csv").open(newline="") as lines:
        return [row["id"] for row in csv.DictReader(lines)]


def test_the_table_has_every_scan_in_the_order_of_the_input(scans, settings):
    rows, worked_on = run(scans, settings)

    assert worked_on == ["p2", "p1", "broken", "p0"]
    assert [row.id for row in rows] == ["p0", "broken", "p1", "p2"]
    assert [row.exit_code for row in rows] == [0, 2, 0, 0]
    assert [row.further for row in rows] == [{"site": site} for site in "ABAA"]
    assert ids_in(settings.output) == ["p0", "broken", "p1", "p2"]


def test_started_again_it_repeats_nothing(scans, settings):
    once, _ = run(scans, settings)
    told = []

    workers = HereWorkers(settings)
    again = run_batch(scans, settings, workers.start, lambda *news: told.append(news[1:]))

    assert again == once
    assert workers.given == []
    assert told == [(True, done, 4) for done in (1, 2, 3, 4)]


def test_an_interrupted_batch_leaves_the_rows_so_far_and_goes_on(scans, settings):
    def interrupt(_row, _was_there, done, _count):
        if done == 2:
            raise KeyboardInterrupt

    (settings.output).mkdir()
    (settings.output / ".brainage-work-of-a-dead-process").mkdir()
    with pytest.raises(KeyboardInterrupt):
        run_batch(scans, settings, HereWorkers(settings).start, interrupt)

    assert ids_in(settings.output) == ["p1", "p2"]
    assert not list(settings.output.glob(".brainage-work-*"))
    rows, worked_on = run(scans, settings)
    assert worked_on == ["broken", "p0"]
    assert len(rows) == 4


def test_only_failures_are_retried_when_asked(scans, settings):
    run(scans, settings)

    rows, worked_on = run(scans, settings, retry_failed=True)

    assert worked_on == ["broken"]
    assert rows[1].exit_code == 2


def test_results_of_other_options_are_not_mixed(scans, settings, small_model):
    run(scans, settings)
    forced = quick_settings(settings.output, small_model, force=True)

    with pytest.raises(InputError, match="other options") as caught:
        run(scans, forced)
    assert caught.value.details == ("force: no before, yes now",)


def test_results_of_another_site_calibration_are_not_mixed(scans, settings, small_model, tmp_path):
    card, file = read_card(small_model), tmp_path / "site.json"
    site = SiteCalibration(
        "1",
        "brainage site calibration",
        "Research use only.",
        "Clinic A",
        SiteModel(card.name, card.version, card.sha256),
        40,
        (40.0, 80.0),
        60.0,
        (card.calibration.classes[0].name,),
        SiteLine(3.0, 0.1),
        {},
        "made up",
        {},
    )
    file.write_text(to_text(site))
    with_site = quick_settings(settings.output, small_model, site=str(file))
    run(scans, with_site)
    assert run(scans, with_site)[1] == []

    file.write_text(to_text(replace(site, people=41)))

    with pytest.raises(InputError, match="other options") as caught:
        run(scans, with_site)
    assert caught.value.details[0].startswith("site: ")


def test_results_of_another_model_are_not_mixed_where_no_options_are_kept(scans, settings):
    run(scans, settings)
    (settings.output / "batch.json").unlink()
    assert run(scans, settings)[1] == []
    (settings.output / "batch.json").unlink()
    record = settings.output / "p1" / "prediction.json"
    other = json.loads(record.read_text("utf-8"))
    other["model"] |= {"version": "0", "sha256": "ab" * 32}
    record.write_text(json.dumps(other), "utf-8")

    with pytest.raises(InputError, match=r"results of the model small 0 \(abababababab\), not of"):
        run(scans, settings)
    assert not (settings.output / "batch.json").exists()


def test_options_that_nobody_can_read_are_not_taken_for_the_same(scans, settings):
    run(scans, settings)
    (settings.output / "batch.json").write_text("[]")

    with pytest.raises(InputError, match="does not tell the options of the results"):
        run(scans, settings)


def test_an_option_that_cannot_be_met_is_no_row(scans, settings, small_model):
    wrong = quick_settings(settings.output, small_model, correction="magic")

    with pytest.raises(InputError, match="magic"):
        run(scans, wrong)
    assert not (settings.output / "results.csv").exists()


def test_two_batches_do_not_share_a_folder(scans, settings):
    def start_another(*_):
        run(scans, settings)

    with pytest.raises(InputError, match="another run is writing"):
        run_batch(scans, settings, HereWorkers(settings).start, start_another)
