"""`lockdeck locate`: the places of configuration, themes and journal."""

from __future__ import annotations

import os

import click

from lockdeck import themes
from lockdeck.backend.model.wire import dumps
from lockdeck.backend.settings.load import config_path
from lockdeck.backend.settings.looks import FILE
from lockdeck.backend.system.folders import config_dir, state_dir
from lockdeck.backend.system.text import safe
from lockdeck.tui.cli.options import Common, common_options, json_option
from lockdeck.tui.cli.output import emit
from lockdeck.tui.exits import Exit


@click.command("locate")
@json_option
@common_options
def command(common: Common, as_json: bool) -> int:
    """Print where configuration, themes and journal are."""
    paths = locations(common.config)
    if as_json:
        emit(dumps(paths, indent=2))
        return Exit.OK
    width = max(map(len, paths))
    for name, path in paths.items():
        emit(safe(f"{name.ljust(width)}  {path}", 4096))
    return Exit.OK


def locations(config: str | None) -> dict[str, str]:
    """Return the paths of configuration, themes, journal and quarantine, by name."""
    state = state_dir()
    return {
        "config": config or config_path(),
        "themes": os.path.join(config_dir(), "themes"),
        "bundledThemes": os.path.dirname(os.path.abspath(themes.__file__)),
        "state": state,
        "journal": os.path.join(state, "journal.jsonl"),
        "deck": os.path.join(state, FILE),
        "quarantine": os.path.join(state, "quarantine"),
    }
