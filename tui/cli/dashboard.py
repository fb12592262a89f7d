"""`lockdeck [ROOT]...`: the dashboard, or the status where there is no terminal to draw on."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from lockdeck.backend.openclaw.log.inputs.words import is_pipe, is_stdin
from lockdeck.backend.watch.collector import Collector
from lockdeck.tui.browser import in_browser
from lockdeck.tui.cli.options import Common, OtherHosts, common_options, hosts_option, roots_argument
from lockdeck.tui.cli.startup import (
    DashboardRequest,
    collector_for,
    dashboard,
    hosts_for,
    settings_faults_are_wrong_use,
    settings_of,
)
from lockdeck.tui.exits import Exit

if TYPE_CHECKING:
    from lockdeck.backend.actions.journal import Journal
    from lockdeck.backend.hosts.address import HostAddress
    from lockdeck.backend.hosts.nats.address import FleetAddress
    from lockdeck.backend.hosts.source import HostsSource
    from lockdeck.backend.settings.records import Settings


fresh_option = click.option(
    "--fresh", is_flag=True, help="Forget how the dashboard's tables and theme were left."
)


@click.command("dashboard", hidden=True)
@roots_argument
@fresh_option
@hosts_option
@common_options
def command(common: Common, roots: tuple[str, ...], hosts: OtherHosts, fresh: bool) -> int:
    """Open the dashboard; without a terminal the same as status."""
    group = click.get_current_context().parent
    options = group.params if group is not None else {}
    if options:
        hosts = OtherHosts(options["hosts"], options["nats"], options["fleet"]).merge(hosts)
    return dashboard_or_status(roots, common, hosts, fresh=fresh or bool(options.get("fresh")))


def dashboard_or_status(roots: tuple[str, ...], common: Common, hosts: OtherHosts, *, fresh: bool) -> Exit:
    """Open the dashboard where there is a terminal, else print the status."""
    addresses = hosts_for(roots, hosts, common)
    if addresses and has_screen():
        return open_hosts(addresses, common, fresh=fresh)
    if addresses:
        from lockdeck.tui.cli.hosts.status import print_hosts

        return print_hosts(addresses, "table")
    keyboard = None if sys.stdin.isatty() else terminal_beside(common.logs)
    if in_browser() and any(map(is_stdin, common.logs)):
        raise click.UsageError("--log - can't be served to a browser: stdin is its keyboard")
    if sys.stdin.isatty() and any(map(is_stdin, common.logs)):
        raise click.UsageError("--log - needs a pipe: stdin is the keyboard of the dashboard")
    collector = collector_for(roots, common)
    if not has_screen(keyboard):
        from lockdeck.tui.cli.status import print_status

        return print_status(collector)
    if keyboard is not None:
        os.dup2(keyboard, 0)  # the collector has the pipe by now
    logs = tuple(path for path in (*common.logs, *collector.settings.logs) if not is_pipe(path))
    return open_dashboard(collector, common, logs=logs, fresh=fresh)


def open_hosts(
    addresses: Sequence[HostAddress | FleetAddress],
    common: Common,
    *,
    seconds: float | None = None,
    journal: Journal | None = None,
    demo: bool = False,
    fresh: bool = False,
) -> Exit:
    """Open the dashboard on hosts. Nothing of this machine is read for it but what a `serve` here tells, if it is one of them."""
    from lockdeck.backend.hosts.source import HostsSource

    source = HostsSource(addresses)
    return open_dashboard(source, common, seconds=seconds, journal=journal, demo=demo, fresh=fresh)


def open_dashboard(
    source: Collector | HostsSource,
    common: Common,
    *,
    logs: tuple[str, ...] = (),
    seconds: float | None = None,
    journal: Journal | None = None,
    env: Mapping[str, str] = os.environ,
    demo: bool = False,
    fresh: bool = False,
) -> Exit:
    """Open the dashboard with the settings of the collector, if it is one, and the options of this call."""
    settings = source.settings if isinstance(source, Collector) else settings_of(common)
    request = DashboardRequest(
        source,
        _with_options(settings, common),
        no_color=common.no_color,
        logs=logs,
        seconds=seconds,
        journal=journal,
        env=env,
        demo=demo,
        fresh=fresh,
        reread=None if demo else partial(_reread, common),
    )
    with settings_faults_are_wrong_use():
        return Exit(dashboard().open(request))


def _reread(common: Common) -> Settings:
    """Read the configuration again; raises SettingsError."""
    from lockdeck.backend.settings.load import load_settings

    return _with_options(load_settings(common.config, frozenset(common.trusted_uids)), common)


def _with_options(settings: Settings, common: Common) -> Settings:
    """Return the settings as the options of this call change them; in a browser always read-only."""
    read_only = common.read_only or settings.read_only or in_browser()
    return replace(settings, read_only=read_only, mouse=settings.mouse and not common.no_mouse)


def has_screen(keyboard: int | None = None) -> bool:
    """Return whether there is a terminal, or a browser, that a dashboard can be drawn on; Textual draws on stderr (8.2.8).

    `keyboard` is a terminal that can stand for stdin.
    """
    if in_browser():
        return True
    typed = sys.stdin.isatty() or keyboard is not None
    terminals = typed and all(stream.isatty() for stream in (sys.stdout, sys.stderr))
    return terminals and os.environ.get("TERM", "dumb") not in ("", "dumb")


def terminal_beside(logs: Sequence[str]) -> int | None:
    """Open the terminal of this process, where stdin is one of the logs; None where there is none."""
    if not any(map(is_stdin, logs)):
        return None
    try:
        return os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
