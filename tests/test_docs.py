"""What the documents say is what the code does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from jamlink.cli import app
from jamlink.midi.actions import GESTURES
from jamlink.midi.map_files import read_map
from jamlink.resources import data_folder

ROOT = Path(__file__).parent.parent


def test_the_players_page_lists_every_gesture_with_its_key():
    page = (ROOT / "docs" / "playing.md").read_text()
    for gesture in GESTURES:
        assert f"| `{gesture.key}` | {gesture.does} |" in page


def test_the_notes_by_which_a_daw_presses_are_those_of_the_generic_map():
    page = " ".join((ROOT / "docs" / "daws.md").read_text().split())
    said = {36: "accept", 37: "reject", 40: "undo", 42: "play and stop", 43: "panic", 44: "capture", 45: "loop"}
    said |= {46: "count-in"}
    bound = {b.source.number: b.press for b in read_map(data_folder("midi_maps") / "generic.toml").buttons}
    for number, words in said.items():
        assert f"{number} {words}" in page
        assert bound[number].value == words.replace(" and ", "-")


def test_every_command_of_the_readme_exists():
    readme = (ROOT / "README.md").read_text()
    commands = set(re.findall(r"`jamlink ([a-z]+)(?: ([a-z]+))?", readme))
    helped = subprocess.run(
        [sys.executable, "-m", "jamlink", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for command, _ in commands:
        assert re.search(rf"\b{command}\b", helped), command


def test_the_tree_in_the_readme_is_the_tree():
    readme = (ROOT / "README.md").read_text()
    folders = {path.name for path in (ROOT / "jamlink").iterdir() if (path / "__init__.py").exists()}
    for folder in folders:
        assert f"  {folder}/ " in readme, folder


PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "midi_maps").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_documents_leads_somewhere(page):
    for path, place in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text()):
        target = page.parent / path if path else page
        assert target.exists(), path
        if place:
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            assert place in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}, place


@pytest.mark.parametrize("page", ["training.md", "page.md", "sync.md", "daws.md", "playing.md"])
def test_every_command_line_of_a_page_has_its_command_and_options(page):
    lines = re.findall(r"^    jamlink (.+)$", (ROOT / "docs" / page).read_text(), re.MULTILINE)
    assert lines
    for line in lines:
        command, *words = typer.main.get_command(app), *line.split()
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert not hasattr(command, "commands"), line
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= options, line
