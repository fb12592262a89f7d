"""Examples, exit codes, man pages and completion: of every command, and made from one text."""

from __future__ import annotations

import shlex
import subprocess
from importlib import import_module

import click
import pytest

from lockdeck.tui.cli.commands import COMMANDS
from lockdeck.tui.cli.guide.examples import USAGES
from lockdeck.tui.cli.guide.manpages import pages
from lockdeck.tui.cli.main import cli
from tests.folders import DOCS
from tests.unit.fleetdir import PAST, FleetDir, command, dead_pid, environment, payload

LISTED = [name for name in COMMANDS if not import_module(f"lockdeck.tui.cli.{name}").command.hidden]


def help_of(name):
    context = click.Context(cli, info_name="lockdeck", **cli.context_settings)
    listed = cli.get_command(context, name)
    return listed.get_help(click.Context(listed, parent=context, info_name=name))


@pytest.mark.parametrize("name", LISTED)
def test_every_help_has_examples_and_exit_codes(name):
    text = help_of(name)
    assert "Examples:\n    lockdeck" in text or "Examples:\n    docker" in text
    assert "Exit codes:\n    0 " in text


@pytest.mark.parametrize("name", sorted(USAGES))
def test_every_example_parses(name):
    for example, _ in USAGES[name].examples:
        *_, line = (part for part in example.split("|") if "lockdeck" in part)
        words = shlex.split(line.partition(">")[0])[1:]
        context = cli.make_context("lockdeck", list(words), resilient_parsing=False)
        if not words or words[0] not in COMMANDS:
            continue
        found = cli.get_command(context, words[0])
        found.make_context(
            words[0], words[1:], parent=context, resilient_parsing=isinstance(found, click.Group)
        )


def test_the_man_pages_are_those_of_the_present_help():
    made = dict(pages())
    kept = {page.name: page.read_text() for page in (DOCS / "man").iterdir()}
    assert kept == made, "run `make man`"


def test_a_man_page_has_the_sections_that_people_look_for():
    for name, text in pages():
        for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "SEE ALSO"):
            assert f".SH {section}\n" in text, name


@pytest.fixture
def fleet(tmp_path):
    made = FleetDir(tmp_path)
    made.lock = made.session("agent:ops:cron:digest")
    made.lock.write_text(payload(dead_pid(), PAST))
    made.session("agent:main:main")
    return made


def complete(fleet, *words):
    env = environment({**fleet.env, "_LOCKDECK_COMPLETE": "bash_complete", "COMP_CWORD": str(len(words))})
    env |= {"COMP_WORDS": shlex.join(["lockdeck", *words])}
    line = command()
    line[2] = line[2].replace("from lockdeck", "import sys; sys.argv[0] = 'lockdeck'; from lockdeck")
    done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return [row.partition(",")[2] for row in done.stdout.splitlines() if row]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("cancel", "agent:o"), ["agent:ops:cron:digest"]),
        (("explain", "agent:"), ["agent:main:main", "agent:ops:cron:digest"]),
        (("cancel", "--allow", "re"), ["reset", "restart"]),
        (("stat",), ["status"]),
        (("status", "--format", "ma"), ["markdown"]),
    ],
)
def test_words_are_completed_with_what_is_there_now(fleet, words, expected):
    assert sorted(complete(fleet, *words)) == expected


def test_a_lock_and_its_release_id_are_completed(fleet):
    assert complete(fleet, "release", str(fleet.root)) == [str(fleet.lock)]
    (release_id,) = complete(fleet, "release", str(fleet.lock), "--release-id", "")
    assert len(release_id) == 12


def test_a_configuration_that_is_wrong_completes_nothing_and_says_nothing(fleet):
    folder = fleet.home / "lockdeck-config"
    folder.mkdir()
    (folder / "config.toml").write_text("nonsense = 1\n")
    assert complete(fleet, "cancel", "agent:") == []
