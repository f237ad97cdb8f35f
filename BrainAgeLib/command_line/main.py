"""The command ``brainage``: which subcommand, and how errors reach people."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from BrainAgeLib import __version__
from BrainAgeLib.command_line import (
    batch_command,
    bids_command,
    calibrate_command,
    cohort_command,
    demo_command,
    evaluate_command,
    follow_command,
    models_command,
    predict_command,
    train_command,
)
from BrainAgeLib.command_line.arguments import add_verbosity, existing_path, path_to_write
from BrainAgeLib.command_line.interruption import ANEW, Interruption
from BrainAgeLib.command_line.progress import JsonLines, announce_error
from BrainAgeLib.command_line.streams import (
    can_be_flushed,
    heard,
    open_closed_streams,
    say_what_cannot_be_encoded,
    silence_stdout,
)
from BrainAgeLib.errors import BrainAgeError, ExitCode, InputError, is_out_of_memory
from BrainAgeLib.extras import fault_of_loading
from BrainAgeLib.records import NOTICE
from BrainAgeLib.whole_file import FULL_DISK_ERRORS

COMMANDS = (
    predict_command,
    batch_command,
    bids_command,
    demo_command,
    models_command,
    train_command,
    evaluate_command,
    calibrate_command,
    cohort_command,
    follow_command,
)
# Paths that are looked up later: a shell completes them all the same.
FILES_AS_TEXT = ("SCAN", "FILE", "NAME_OR_FOLDER")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code; people see one line for an error."""
    open_closed_streams()
    say_what_cannot_be_encoded()
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Known before parsing, since a usage error must be spoken in the same tongue.
    json_lines = JsonLines(sys.stdout) if "--json-lines" in given else None
    with Interruption(lambda error: _report(error, json_lines)) as interruption:
        try:
            return _answer(given, json_lines, interruption)
        except KeyboardInterrupt:
            interruption.tell()
            return ExitCode.INTERRUPTED


def _answer(given: list[str], json_lines: JsonLines | None, interruption: Interruption) -> int:
    """Run the command; whatever goes wrong becomes an exit code and a line."""
    try:
        return _run(given, json_lines, interruption)
    except BrainAgeError as error:
        return _report(error, json_lines)
    except BrokenPipeError:
        # Whoever read our output is gone; nothing more can be said to them.
        silence_stdout()
        return ExitCode.FAULT
    except Exception as error:  # the last resort: people get a sentence, never a traceback
        if is_out_of_memory(error):
            return _report(
                BrainAgeError("there is too little memory for this scan", "close other programs"),
                json_lines,
            )
        if isinstance(error, OSError) and error.errno in FULL_DISK_ERRORS:
            return _report(
                BrainAgeError("the disk is full", "free some space and run again"), json_lines
            )
        if fault := fault_of_loading(error):
            return _report(fault, json_lines)
        kind = f"{type(error).__name__}: {error}".splitlines()[0]
        hint = "please report this; BRAINAGE_DEBUG=1 shows where it happened"
        return _report(BrainAgeError(f"internal error: {kind}", hint), json_lines)


def _run(given: list[str], json_lines: JsonLines | None, interruption: Interruption) -> int:
    try:
        options, unknown = _parser().parse_known_args(given)
        if unknown:  # argparse alone would point to the help that lists no option of the command
            raise InputError(
                f"unrecognized arguments: {' '.join(unknown)}",
                f"see brainage {options.command} --help",
            )
        interruption.how_to_go_on = options.how_to_go_on
        with heard(
            is_verbose=options.verbose,
            is_quiet=options.quiet,
            is_for_programs=json_lines is not None,
        ):
            return int(options.run(options, json_lines))
    except Exception as error:  # libraries turn an interruption into errors of their own
        if interruption.has_come:
            raise KeyboardInterrupt from error
        raise
    finally:
        # Now, since at the interpreter's end a reader that is gone would cost a traceback.
        if sys.stdout is not None:
            sys.stdout.flush()


def _report(error: BrainAgeError, json_lines: JsonLines | None) -> int:
    if os.environ.get("BRAINAGE_DEBUG") == "1":
        traceback.print_exc()
    announce_error(error, json_lines)
    if not can_be_flushed(sys.stdout):
        silence_stdout()  # or the interpreter complains at its end, with a code of its own
    return error.exit_code


class _Parser(argparse.ArgumentParser):
    """A parser whose errors look like all others, and whose options are spelt out.

    ``--json`` would be taken for ``--json-lines`` by argparse alone, not by who looks before it.
    """

    def __init__(self, **named: Any) -> None:
        super().__init__(**{"allow_abbrev": False} | named)

    def error(self, message: str) -> NoReturn:
        raise InputError(message, f"see {self.prog} --help")


class _Completion(argparse.Action):
    """Print what completes the command's words in a shell."""

    def __call__(
        self, parser: argparse.ArgumentParser, _given: object, shell: Any, *_: object
    ) -> NoReturn:
        from BrainAgeLib.extras import require_extra

        require_extra("completion", "shtab")
        import shtab

        for action in _actions(parser):
            if action.type in (existing_path, path_to_write) or action.metavar in FILES_AS_TEXT:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
        print(shtab.complete(parser, shell))
        parser.exit(0)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a command and of its subcommands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


class _Version(argparse.Action):
    """Print the versions of the program, the models and the main dependencies."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> NoReturn:
        print(models_command.version_text())
        parser.exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="brainage",
        description=f"Brain age from a routine clinical 2D T1 scan. {NOTICE}",
    )
    parser.set_defaults(how_to_go_on=ANEW)
    parser.add_argument(
        "--version",
        action=_Version,
        nargs=0,
        help=f"versions of everything (this is {__version__})",
    )
    parser.add_argument(
        "--print-completion",
        action=_Completion,
        choices=("bash", "zsh", "tcsh"),
        help="what lets this shell complete the command, to be put into its start-up file",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        add_verbosity(command.add_parser(commands))
    return parser
