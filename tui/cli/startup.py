"""The start of every command: the dashboard that was handed in, settings, roots and their collector."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from msgspec import Struct, field

from lockdeck.backend.openclaw.log.inputs.words import is_stdin
from lockdeck.tui.cli.commands import COMMANDS
from lockdeck.tui.cli.options import Common
from lockdeck.tui.cli.output import narrate
from lockdeck.tui.exits import Exit

if TYPE_CHECKING:
    from lockdeck.backend.actions.journal import Journal
    from lockdeck.backend.settings.records import Settings
    from lockdeck.backend.watch.collector import Collector


TYPED_LOG = "reads what is typed or pasted here, to its end (ctrl+d)"


class DashboardRequest(Struct, frozen=True):
    """The dashboard that is to be opened; it ends by itself after `seconds`.

    `logs` are those that a cancel reads, without any those of the collector. Without a `journal` it is the usual one.
    """

    collector: Collector
    read_only: bool
    no_color: bool
    mouse: bool
    logs: tuple[str, ...] = ()
    seconds: float | None = None
    journal: Journal | None = None
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)


class Dashboard(Struct, frozen=True):
    """All that the command line can do with the dashboard, which it never imports: the entry point hands this in."""

    open: Callable[[DashboardRequest], int]
    check_columns: Callable[[Settings], None]
    check_settings: Callable[[Settings], None]


def dashboard() -> Dashboard:
    """Return the dashboard that was handed in."""
    instance = click.get_current_context().find_object(Dashboard)
    assert instance is not None
    return instance


@contextmanager
def settings_faults_are_wrong_use() -> Iterator[None]:
    """Turn what is wrong in the configuration into a usage error."""
    from lockdeck.backend.settings.check import SettingsError

    try:
        yield
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


def settings_of(common: Common) -> Settings:
    """Load the settings; a bad configuration ends the process with a usage error.

    Whether a command has the keys that are wished for is known where the screens are loaded.
    """
    from lockdeck.backend.settings.load import load_settings

    with settings_faults_are_wrong_use():
        settings = load_settings(common.config, frozenset(common.trusted_uids))
        if settings.names_columns:
            dashboard().check_columns(settings)
        return settings


def collector_for(roots: tuple[str, ...], common: Common) -> Collector:
    """Discover the roots and build their collector; with nothing to watch, say where was looked and exit 4."""
    from lockdeck.backend.watch.collector import Collector

    settings = settings_of(common)
    if any(map(is_stdin, common.logs)) and sys.stdin.isatty():
        narrate(TYPED_LOG)
    collector = Collector.discover(roots, settings, logs=common.logs)
    for _, problem in collector.discovery.problems:
        narrate(problem)
    if not collector.roots:
        narrate("nothing to watch; looked at:")
        for place in collector.discovery.looked_at:
            narrate(f"  {place}")
        for word in roots:
            for similar in difflib.get_close_matches(word, COMMANDS, 1):
                narrate(f"{word} is no command; did you mean `lockdeck {similar}`?")
        raise click.exceptions.Exit(Exit.NOTHING)
    return collector
