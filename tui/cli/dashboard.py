"""`lockdeck [ROOT]...`: the dashboard, or the status where there is no terminal to draw on."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from lockdeck.backend.openclaw.log.inputs.words import is_pipe, is_stdin
from lockdeck.backend.watch.collector import Collector
from lockdeck.tui.cli.options import Common, common_options, roots_argument
from lockdeck.tui.cli.startup import (
    DashboardRequest,
    collector_for,
    dashboard,
    settings_faults_are_wrong_use,
)
from lockdeck.tui.exits import Exit

if TYPE_CHECKING:
    from lockdeck.backend.actions.journal import Journal


@click.command("dashboard", hidden=True)
@roots_argument
@common_options
def command(common: Common, roots: tuple[str, ...]) -> int:
    """Open the dashboard; without a terminal the same as status."""
    return dashboard_or_status(roots, common)


def dashboard_or_status(roots: tuple[str, ...], common: Common) -> Exit:
    """Open the dashboard where there is a terminal, else print the status."""
    keyboard = None if sys.stdin.isatty() else terminal_beside(common.logs)
    if sys.stdin.isatty() and any(map(is_stdin, common.logs)):
        raise click.UsageError("--log - needs a pipe: stdin is the keyboard of the dashboard")
    collector = collector_for(roots, common)
    if not has_screen(keyboard):
        from lockdeck.tui.cli.status import print_status

        return print_status(collector, as_json=False)
    if keyboard is not None:
        os.dup2(keyboard, 0)  # the collector has the pipe by now
    logs = tuple(path for path in (*common.logs, *collector.settings.logs) if not is_pipe(path))
    return open_dashboard(collector, common, logs=logs)


def open_dashboard(
    collector: Collector,
    common: Common,
    *,
    logs: tuple[str, ...],
    seconds: float | None = None,
    journal: Journal | None = None,
    env: Mapping[str, str] = os.environ,
) -> Exit:
    """Open the dashboard with the settings of the collector and the options of this call."""
    settings = collector.settings
    request = DashboardRequest(
        collector,
        read_only=common.read_only or settings.read_only,
        no_color=common.no_color,
        mouse=settings.mouse and not common.no_mouse,
        logs=logs,
        seconds=seconds,
        journal=journal,
        env=env,
    )
    with settings_faults_are_wrong_use():
        return Exit(dashboard().open(request))


def has_screen(keyboard: int | None = None) -> bool:
    """Return whether there is a terminal that a dashboard can be drawn on; Textual draws on stderr (8.2.8).

    `keyboard` is a terminal that can stand for stdin.
    """
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
