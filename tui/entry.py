"""The entry point: hands the command line what opens the dashboard. Textual is imported when that is called."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from lockdeck.backend.settings.records import Settings
    from lockdeck.tui.cli.startup import Dashboard, DashboardRequest

YOUNG_OBJECTS = 20_000
"""So many new objects are made before those that nobody has are looked for. After Python's own 700 a start, which makes many and
drops none, spends a tenth of its time on looking."""


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    gc.set_threshold(YOUNG_OBJECTS)  # before anything is imported: most of a start's objects are made there
    from lockdeck.tui.cli.main import run_command_line

    run_command_line(dashboard())


def dashboard() -> Dashboard:
    """Return the dashboard as the command line knows it."""
    from lockdeck.tui.cli.startup import Dashboard

    return Dashboard(open_dashboard, check_columns, check_settings)


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
