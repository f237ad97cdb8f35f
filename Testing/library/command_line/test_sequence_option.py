"""``--sequence`` of every command that predicts arrives in the library's options."""

from __future__ import annotations

import pytest

from BrainAgeLib.codec import to_plain
from BrainAgeLib.command_line import follow_command, main
from BrainAgeLib.command_line.arguments import chosen_options
from BrainAgeLib.options import Options

COMMANDS = {
    "predict": ("predict", "{scan}", "--output", "out"),
    "batch": ("batch", "{scan}", "--output", "out"),
    "bids": ("bids", "{scan}", "out", "participant"),
    "follow": ("follow", "{scan}", "{scan}", "--output", "out"),
    "demo": ("demo",),
}


def options_of(name, scan, *more):
    """Return the library's options of a command line."""
    words = [word.format(scan=scan) for word in COMMANDS[name]]
    given = main._parser().parse_args([*words, *more])
    return follow_command._options_of(given)[-1] if name == "follow" else chosen_options(given)


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_asked_for_arrives(name, brain_file):
    for sequence in ("T1w", "T2w", "FLAIR", "PDw"):
        assert options_of(name, brain_file, "--sequence", sequence).sequence == sequence
    assert options_of(name, brain_file, "--sequence", "auto").sequence is None
    assert options_of(name, brain_file).sequence is None


@pytest.mark.parametrize("name", COMMANDS)
def test_another_value_is_a_usage_error(name, brain_file, brainage):
    words = [word.format(scan=brain_file) for word in COMMANDS[name]]

    outcome = brainage(*words, "--sequence", "T2")

    assert outcome.code == 2
    assert "--sequence" in outcome.err and "Traceback" not in outcome.err


def test_the_options_of_a_batch_name_it():
    assert to_plain(Options(sequence="FLAIR"))["sequence"] == "FLAIR"
    assert to_plain(Options())["sequence"] is None


@pytest.mark.parametrize("name", ["batch", "bids"])
def test_one_sequence_and_each_exclude_each_other(name, brain_file, brainage):
    words = [word.format(scan=brain_file.parent) for word in COMMANDS[name]]

    outcome = brainage(*words, "--sequence", "T2w", "--each-sequence")

    assert outcome.code == 2
    assert outcome.err.splitlines()[-1] == (
        "brainage: error: --each-sequence takes scans of every sequence, --sequence T2w of one "
        "(give one of the two)"
    )
