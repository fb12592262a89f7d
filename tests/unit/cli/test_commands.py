"""The table of commands: a command is one module, and nothing of it can be forgotten."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from lockdeck.tui import cli
from lockdeck.tui.cli.commands import COMMANDS
from lockdeck.tui.cli.main import cli as group
from tests.folders import REPOSITORY

FOLDER = Path(cli.__file__).parent


def test_every_module_with_a_command_is_in_the_table_and_the_other_way_round():
    modules = [path.stem for path in FOLDER.glob("*.py") if "\ndef command(" in path.read_text()]
    assert sorted(modules) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_the_name_of_its_module_and_says_what_it_does(name):
    command = import_module(f"lockdeck.tui.cli.{name}").command
    assert command.name == name
    assert command.get_short_help_str()


def test_the_readme_has_every_command_that_the_help_lists():
    context = group.make_context("lockdeck", ["status"])
    listed = {name for name in COMMANDS if not group.get_command(context, name).hidden}
    rows = re.findall(r"^\| `lockdeck (\w+)", (REPOSITORY / "README.md").read_text(), re.MULTILINE)
    assert set(rows) == listed


def test_of_the_front_ends_the_command_line_imports_only_itself_and_what_both_read():
    """The contract looks at Textual and at the dashboard's folders; this at every module of its own."""
    parts = {
        part
        for path in FOLDER.rglob("*.py")
        for part in re.findall(r"^\s*(?:from|import) lockdeck\.tui\.(\w+)", path.read_text(), re.MULTILINE)
    }
    assert parts == {"browser", "cli", "exits", "view"}
