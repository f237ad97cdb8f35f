"""``brainage models``: what is installed, with each model's card."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from BrainAgeLib.command_line.progress import JsonLines


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add the subcommand; return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "models",
        help="the installed models and their cards",
        description="Shows the cards of the installed models, or of those that are given: models "
        "that brainage train made, say.",
    )
    parser.add_argument(
        "models",
        nargs="*",
        metavar="NAME_OR_FOLDER",
        help="an installed model, a model's folder, or a folder that holds several",
    )
    parser.set_defaults(run=_run)
    return parser


def _run(options: argparse.Namespace, _json_lines: JsonLines | None) -> int:
    from BrainAgeLib.model.card import read_card
    from BrainAgeLib.model.card_text import card_text
    from BrainAgeLib.resources import installed_models, models_folder

    installed = {name: models_folder() / name for name in installed_models()}
    folders = list(installed.values())
    if options.models:
        given = [installed.get(name, Path(name)) for name in options.models]
        folders = [model for folder in given for model in _models_in(folder)]
    if not folders:
        print("no model is installed")
    for folder in folders:
        print(card_text(read_card(folder)))
    return 0


def _models_in(folder: Path) -> list[Path]:
    """Return the models directly in a folder, as ``brainage train`` leaves several; or itself."""
    if (folder / "card.json").is_file():
        return [folder]
    return sorted(card.parent for card in folder.glob("*/card.json")) or [folder]


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
