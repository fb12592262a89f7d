"""The start of every command: the dashboard that was handed in, settings, roots and their collector."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import click
from msgspec import Struct, field

from lockdeck.backend.hosts.words import is_address
from lockdeck.backend.openclaw.log.inputs.words import is_stdin
from lockdeck.tui.cli.commands import COMMANDS
from lockdeck.tui.cli.options import Common, OtherHosts
from lockdeck.tui.cli.output import narrate
from lockdeck.tui.exits import Exit

if TYPE_CHECKING:
    from lockdeck.backend.actions.journal import Journal
    from lockdeck.backend.hosts.address import HostAddress
    from lockdeck.backend.hosts.nats.address import FleetAddress
    from lockdeck.backend.hosts.source import HostsSource
    from lockdeck.backend.settings.records import Settings
    from lockdeck.backend.watch.collector import Collector


_SETTINGS = "lockdeck.settings"
"""The key of the settings, once they are loaded, in click's context."""
TYPED_LOG = "reads what is typed or pasted here, to its end (ctrl+d)"


class DashboardRequest(Struct, frozen=True):
    """The dashboard that is to be opened; it ends by itself after `seconds`.

    `source`: what is watched. `logs` are those that a cancel reads, without any those of the collector. Without a `journal` it is the usual one.
    `demo`: what is watched is simulated. `fresh`: how the tables were left is forgotten. `settings` are those in use, and
    `reread` reads them anew with the options of this call, None where they come from no file.
    """

    source: Collector | HostsSource
    settings: Settings
    no_color: bool
    logs: tuple[str, ...] = ()
    seconds: float | None = None
    journal: Journal | None = None
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    demo: bool = False
    fresh: bool = False
    reread: Callable[[], Settings] | None = None


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

    known = click.get_current_context().meta
    if _SETTINGS not in known:
        with settings_faults_are_wrong_use():
            settings = load_settings(common.config, frozenset(common.trusted_uids))
            if settings.names_columns:
                dashboard().check_columns(settings)
        known[_SETTINGS] = settings
    return cast("Settings", known[_SETTINGS])


def hosts_for(
    words: Sequence[str], hosts: OtherHosts, common: Common
) -> tuple[HostAddress | FleetAddress, ...]:
    """Return the other hosts, or the fleet of them, that a command is about; none where it is this machine alone."""
    if not (hosts.named or any(map(is_address, words)) or (not words and settings_of(common).hosts)):
        return ()
    from lockdeck.tui.cli.hosts.places import hosts_meant

    return hosts_meant(words, hosts, common)


def collector_for(roots: tuple[str, ...], common: Common) -> Collector:
    """Discover the roots and build their collector; with nothing to watch, say where was looked and exit 4."""
    from lockdeck.backend.actions.past_cancels import past_cancels
    from lockdeck.backend.watch.collector import Collector

    settings = settings_of(common)
    if any(map(is_stdin, common.logs)) and sys.stdin.isatty():
        narrate(TYPED_LOG)
    collector = Collector.discover(roots, settings, logs=common.logs, cancels=past_cancels().by_session)
    for _, problem in collector.discovery.problems:
        narrate(problem)
    if not collector.roots:
        for sentence in _nothing_to_watch(collector.discovery.looked_at, roots):
            narrate(sentence)
        raise click.exceptions.Exit(Exit.NOTHING)
    return collector


def _nothing_to_watch(looked_at: Iterable[str], words: Iterable[str]) -> Iterator[str]:
    """Yield where was looked, and the next steps to where OpenClaw is."""
    import difflib

    from lockdeck.backend.system.accounts import name_of, our_uid
    from lockdeck.backend.system.processes import openclaw_processes

    yield "nothing to watch; looked at:"
    yield from (f"  {place}" for place in looked_at)
    for word in words:
        for similar in difflib.get_close_matches(word, COMMANDS, 1):
            yield f"{word} is no command; did you mean `lockdeck {similar}`?"
    owners = {process.uid for process in openclaw_processes() if process.uid not in (None, our_uid())}
    for uid in sorted(uid for uid in owners if uid is not None):
        yield f"OpenClaw runs here as {name_of(uid) or f'uid {uid}'}: sudo -u '#{uid}' lockdeck"
    yield "name the state directory of OpenClaw: lockdeck /path/to/.openclaw (or set OPENCLAW_STATE_DIR, as its gateway has it)"
    yield (
        "where it runs in a container, run lockdeck in there; or mount its state directory here, and say "
        "own_namespace = true below [[roots]] where all its writers share lockdeck's pid namespace"
    )
