"""``brainage models``: what is installed, with each model's card."""

from __future__ import annotations

import argparse
from typing import Any

from BrainAgeLib.command_line.progress import JsonLines


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add the subcommand; return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "models", help="the installed models and their cards"
    )
    parser.set_defaults(run=_run)
    return parser


def _run(_options: argparse.Namespace, _json_lines: JsonLines | None) -> int:
    from BrainAgeLib.model.card import read_card
    from BrainAgeLib.model.card_text import card_text
    from BrainAgeLib.resources import installed_models, models_folder

    names = installed_models()
    if not names:
        print("no model is installed")
    for name in names:
        print(card_text(read_card(models_folder() / name)))
    return 0


def version_text() -> str:
    """Return the versions of the program, the bundled models and the main dependencies."""
    from BrainAgeLib.model.card import read_card
    from BrainAgeLib.resources import installed_models, models_folder
    from BrainAgeLib.software import software_record

    software = software_record()
    lines = [f"{software.name} {software.version}"]
    for name in installed_models():
        card = read_card(models_folder() / name)
        lines.append(f"model {card.name} {card.version} ({card.sha256[:12]})")
    lines += [f"{name} {version}" for name, version in software.dependencies.items()]
    return "\n".join(lines)
