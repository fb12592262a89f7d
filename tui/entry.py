"""The entry point: hands the command line what opens the dashboard. Textual is imported when that is called."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

from lockdeck.tui.cli.main import run_command_line
from lockdeck.tui.cli.startup import Dashboard, DashboardRequest

if TYPE_CHECKING:
    from lockdeck.backend.settings.records import Settings


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    run_command_line(DASHBOARD)


def open_dashboard(request: DashboardRequest) -> int:
    """Run the dashboard until the person leaves; raises SettingsError before anything is drawn."""
    from lockdeck.backend.actions.journal import default_journal
    from lockdeck.backend.openclaw.log.place import named_log
    from lockdeck.tui.browser import in_browser
    from lockdeck.tui.operations import ActionContext
    from lockdeck.tui.preferences.check import preferences_of, with_looks
    from lockdeck.tui.preferences.memory import NOTHING_KEPT, recollect
    from lockdeck.tui.preferences.records import Watched
    from lockdeck.tui.run import run_dashboard

    source, settings = request.source, request.settings
    action_context = ActionContext(
        journal=request.journal or default_journal(),
        env=request.env,
        settings=settings,
        logs=lambda: tuple(map(named_log, request.logs)) or source.log_places,
    )
    keeps = not request.demo and not in_browser()
    kept = recollect(fresh=request.fresh) if keeps else NOTHING_KEPT
    preferences = with_looks(preferences_of(settings), kept.looks)
    colourless = request.no_color or bool(os.environ.get("NO_COLOR"))
    theme = settings.theme if colourless else preferences.first_theme()
    return run_dashboard(
        source,
        read_only=settings.read_only,
        theme=theme or None,
        no_color=request.no_color,
        mouse=settings.mouse,
        seconds=request.seconds,
        action_context=action_context,
        preferences=preferences,
        demo=request.demo,
        kept=kept,
        watched=None if request.reread is None else Watched(preferences.config, settings, request.reread),
    )


def check_columns(settings: Settings) -> None:
    """Check the columns of every table; raises SettingsError. Needs nothing of Textual."""
    from lockdeck.tui.preferences.check import check_columns as check

    check(settings)


def check_settings(settings: Settings) -> None:
    """Check columns and keys; raises SettingsError."""
    from lockdeck.tui.preferences.check import preferences_of

    preferences_of(settings)


DASHBOARD = Dashboard(open_dashboard, check_columns, check_settings)
"""The dashboard as the command line knows it."""
