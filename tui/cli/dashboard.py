"""`lockdeck [ROOT]...`: the dashboard, or the status where there is no terminal to draw on."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

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
    collector = collector_for(roots, common)
    if not has_screen():
        from lockdeck.tui.cli.status import print_status

        return print_status(collector, as_json=False)
    logs = (*common.logs, *collector.settings.logs)
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


def has_screen() -> bool:
    """Return whether there is a terminal that a dashboard can be drawn on; Textual draws on stderr (8.2.8)."""
    terminals = all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    return terminals and os.environ.get("TERM", "dumb") not in ("", "dumb")
