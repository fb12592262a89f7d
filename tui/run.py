"""Runs the dashboard on this terminal."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lockdeck.backend.system.folders import config_dir
from lockdeck.themes.loader import load_catalog
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.operations import ActionContext
from lockdeck.tui.preferences.memory import NOTHING_KEPT, Recollection
from lockdeck.tui.preferences.records import Preferences, Watched
from lockdeck.tui.snapshots import Source
from lockdeck.tui.tour.tour import Tour


def run_dashboard(
    source: Source,
    *,
    read_only: bool = False,
    theme: str | None = None,
    no_color: bool = False,
    mouse: bool = True,
    theme_folders: Sequence[Path] | None = None,
    clock: Callable[[], float] = time.time,
    seconds: float | None = None,
    action_context: ActionContext | None = None,
    preferences: Preferences | None = None,
    demo: bool = False,
    kept: Recollection = NOTHING_KEPT,
    watched: Watched | None = None,
) -> int:
    """Run the dashboard until the person leaves; returns the exit code (0, 1 after a crash, 130 by signal).

    `theme_folders` hold the user's own themes; by default the folder `themes` beside the configuration. With `seconds` it ends by
    itself after so long. A `demo` leads through its story. `kept` is how tables were left, `watched` the configuration.
    """
    folders = (Path(config_dir()) / "themes",) if theme_folders is None else theme_folders
    app = LockdeckApp(
        source,
        read_only=read_only,
        clock=clock,
        theme=theme,
        catalog=load_catalog(folders),
        env=_environment(no_color),
        seconds=seconds,
        action_context=action_context,
        preferences=preferences,
        mouse=mouse,
        theme_folders=folders,
        tour=Tour() if demo else None,
        kept_in=kept.path,
        problems=(kept.problem,) if kept.problem else (),
        watched=watched,
    )
    return _run(app, mouse=mouse)


def _run(app: LockdeckApp, *, mouse: bool) -> int:
    app.run(mouse=mouse)
    gc.freeze()  # else Python looks through all of Textual's objects once more at its end, for 0.1 to 0.2 s
    return app.return_code or 0


def _environment(no_color: bool) -> dict[str, str]:
    """Return the environment of the dashboard, and mend that of Textual."""
    env = dict(os.environ)
    if no_color:
        env["NO_COLOR"] = "1"
    if os.environ.get("NO_COLOR") == "":
        del os.environ["NO_COLOR"]  # empty means not set (no-color.org); Textual takes it for set
    return env
