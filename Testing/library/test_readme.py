"""Every command of the README runs as it stands there, and its tables are the card's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.ensemble import DEFAULT_MODEL
from BrainAgeLib.records import NOTICE
from BrainAgeLib.resources import models_folder
from Testing.library.walls import LIBRARY, MAY_IMPORT, project_files
from Testing.makers.error_picture import PICTURE, lines_of
from Testing.makers.model_card import MARK, card_page, first_tables
from Testing.studies._pages import PAGES as DOCS
from Testing.studies._pages import read_part

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text("utf-8")
GUIDE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
CARD = models_folder() / DEFAULT_MODEL


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line.strip()]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like the checkout and takes what the commands write."""
    (tmp_path / "Resources").symlink_to(ROOT / "Resources", target_is_directory=True)
    return tmp_path


def test_the_readme_shows_commands() -> None:
    assert len(COMMANDS) >= 5
    assert all(command.startswith("brainage ") for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_command_runs(command: str, checkout: Path) -> None:
    arguments = [sys.executable, "-m", "BrainAgeLib", *command.split()[1:]]
    done = subprocess.run(arguments, cwd=checkout, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if "--output" in arguments:
        folder = checkout / arguments[arguments.index("--output") + 1]
        assert folder.exists()
        if arguments[3] == "batch":
            assert (folder / "results.csv").is_file()
        if arguments[3] in ("predict", "demo"):
            assert (folder / "prediction.json").is_file()
            assert (folder / "report.html").is_file() == ("--no-report" not in arguments)


@pytest.mark.parametrize("script", blocks("python"))
def test_python_example_runs(script: str, checkout: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=checkout,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert re.match(r"\d+\.\d+ \(", done.stdout)


def test_the_picture_of_errors_shows_the_figures_of_today() -> None:
    drawn = PICTURE.read_text("utf-8")
    rows = [row for rows in lines_of().values() for row in rows]

    assert len(rows) > 5
    for row in rows:
        assert f">{row.label}<" in drawn and f">{row.words()}<" in drawn
    assert f"({PICTURE.relative_to(ROOT).as_posix()})" in TEXT


def test_no_words_of_the_picture_of_errors_lie_on_a_mark() -> None:
    drawn = PICTURE.read_text("utf-8")
    errors = [re.escape(row.words()) for rows in lines_of().values() for row in rows]
    words = [float(x) for x in re.findall(rf' x="([\d.]+)"[^>]*>(?:{"|".join(errors)})<', drawn)]
    of_the_mean_age = [float(x) for x in re.findall(r'<use [^>]* x="([\d.]+)".*#666666', drawn)]

    assert len(words) == len(errors) < len(of_the_mean_age)
    assert max(of_the_mean_age) < min(words)


def test_tables_are_those_of_the_card() -> None:
    card = read_card(CARD)
    assert read_part(ROOT / "README.md", MARK) == first_tables(card)
    assert (CARD / "README.md").read_text("utf-8") == card_page(card)


def test_what_the_commands_write_into_a_checkout_is_no_part_of_the_project() -> None:
    if not project_files():
        pytest.skip("not a git checkout")
    written = sorted({"brainage-demo", *re.findall(r"--output ([a-z][\w.-]*)", TEXT)})
    command = ["git", "check-ignore", "--no-index", *written]
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8").stdout
    assert len(written) > 5 and ignored.split() == written


def test_the_notice_stands_in_the_readme() -> None:
    assert NOTICE in TEXT


LINKED = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", CARD / "README.md", *DOCS.glob("*.md")]


def anchors(page: Path) -> set[str]:
    """Return what GitHub makes of the headings of a page."""
    heads = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", page.read_text("utf-8"))
    lost = []
    for file, anchor in links:
        target = page.parent / file if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(f"{file}#{anchor}")
    assert lost == []


def test_contributing_has_a_row_for_every_part_of_the_library() -> None:
    rows = [line for line in GUIDE.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}

    assert named >= MAY_IMPORT.keys() - {"__init__", "__main__"}


def test_what_contributing_says_where_to_find_is_there() -> None:
    _, *rows = re.findall(r"^\| (?:where is|a|the|what) .*$", GUIDE, re.MULTILINE)
    assert len(rows) == 5
    for row in rows:
        names = re.findall(r"`(\w+)`", row)
        files = [LIBRARY / name for name in re.findall(r"`([\w/]+\.py)`", row)]
        texts = [file.read_text("utf-8") for file in files]

        assert not [name for name in names if not any(name in text for text in texts)]


def test_contributing_names_files_that_are_there() -> None:
    named = set(re.findall(r"[`\s]([\w.]+/[\w./]+\.(?:py|md|json|toml|txt))\b", GUIDE))
    named = {name for name in named if not re.search(r"ROOM|FILE|NAME|KIND", name)}
    places = (ROOT, ROOT / "BrainAgeLib", ROOT / "BrainAgeLib" / "command_line")

    assert len(named) > 15
    assert not [name for name in named if not any((place / name).is_file() for place in places)]
