"""What the dialogs of actions show and ask, and what the rows behind them are."""

from __future__ import annotations

from textual.pilot import Pilot
from textual.widgets import Button

from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.dialogs.ask import AskDialog
from lockdeck.tui.dialogs.result import ResultDialog
from lockdeck.tui.view.lines import plain
from lockdeck.tui.widgets.lineview import LineView
from tests.tui.stage import wait_for


def locks_shown(app: LockdeckApp, count: int) -> bool:
    shown = app.deck.displayed
    return shown is not None and sum(lock.judgement.verdict != "held" for lock in shown.locks) == count


def hosts_seen(app: LockdeckApp) -> bool:
    """Return whether all hosts of the picture are there: a fleet is told what was before it is told who lives."""
    shown = app.deck.displayed
    return shown is not None and bool(shown.hosts) and all(host.seen for host in shown.hosts)


def verdict(app: LockdeckApp) -> str:
    shown = app.deck.displayed
    return str(shown.locks[0].judgement.verdict) if shown is not None and shown.locks else ""


def asked(app: LockdeckApp) -> bool:
    return isinstance(app.screen, AskDialog) and app.screen.painted_at is not None


def ended(app: LockdeckApp) -> bool:
    return isinstance(app.screen, ResultDialog) and not app.jobs.job(app.screen.number).running


def words(app: LockdeckApp) -> str:
    """Return the lines of the dialog as one."""
    rows = app.screen.query_one("#box-lines", LineView).lines
    return " ".join(" ".join(plain(row) for row in rows).split())


def label(app: LockdeckApp, name: str) -> str:
    return str(app.screen.query_one(f"#ask-{name}", Button).label)


async def ask_release(pilot: Pilot[int], *keys: str) -> None:
    await pilot.press("l", *keys, "R")
    await wait_for(pilot, lambda: asked(pilot.app))
