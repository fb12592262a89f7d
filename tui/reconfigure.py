"""What a changed configuration does to a dashboard that runs: the same as a new start, or it is said what waits for one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace as with_settings  # noqa: TID251 - that context is a dataclass

from msgspec.structs import replace

from lockdeck.backend.model.fleet import Severity
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.settings.renewal import Renewal, renewed
from lockdeck.tui.deckapp import DeckApp
from lockdeck.tui.preferences.check import preferences_of
from lockdeck.tui.preferences.records import Preferences, SettingsReading
from lockdeck.tui.screens.base import DeckScreen
from lockdeck.tui.snapshots import Configurable, Source
from lockdeck.tui.table.tables import TABLES
from lockdeck.tui.terminal.mouse import report_mouse
from lockdeck.tui.view.events import EventLine

KEPT = "the configuration can't be used, so the one before stays"


class Reconfiguration:
    """Takes in readings. `settings` are those in use, by the `source` too. A fault is told once."""

    def __init__(self, settings: Settings, source: Source) -> None:
        self.settings = settings
        self._source = source
        self._fault = ""

    def take(self, app: DeckApp, news: SettingsReading) -> None:
        """Use what can be used at once, and say so."""
        fault, self._fault = self._fault, news.fault
        if news.settings is None:
            if news.fault != fault:
                _tell(app, [KEPT, *news.fault.split("\n")], Severity.WARNING)
            return
        renewal = renewed(self.settings, news.settings)
        self.settings = renewal.settings
        if isinstance(self._source, Configurable):
            self._source.settings = self.settings
        seen = _apply(app, renewal)
        sentence = sentence_of(replace(renewal, used=seen))
        if fault and not sentence:
            sentence = "the configuration is right again, and says what is in use"
        if sentence:
            _tell(app, [sentence], Severity.OK)


def sentence_of(renewal: Renewal) -> str:
    """Return what was changed and what waits, in one line; empty where nothing is."""
    parts = []
    if renewal.used:
        parts.append(f"{', '.join(renewal.used)} as it says now")
    if renewal.waiting:
        parts.append(f"after a new start: {', '.join(renewal.waiting)}")
    return f"configuration read anew: {'; '.join(parts)}" if parts else ""


def _apply(app: DeckApp, renewal: Renewal) -> tuple[str, ...]:
    """Have the dashboard go by the settings; return the names of those by which it is different now."""
    settings, before = renewal.settings, app.preferences
    app.preferences = replace(preferences_of(settings), looks=before.looks)
    app.action_context = with_settings(app.action_context, settings=settings)
    if "keys" in renewal.used:
        app.set_keymap(app.preferences.keymap)
    if "theme" in renewal.used:
        app.use_first_theme(settings.theme if app.env.get("NO_COLOR") else app.preferences.first_theme())
    if "mouse" in renewal.used and app.mouse != settings.mouse:
        app.mouse = settings.mouse
        report_mouse(app, app.mouse)
    app.read_only = app.read_only or settings.read_only
    for screen in app.screen_stack:
        if isinstance(screen, DeckScreen) and screen.is_mounted:
            screen.take_preferences()
            screen.refresh_bindings()
    app.update_screen()
    same = set(_columns_as_before(before, app.preferences))
    return tuple(name for name in renewal.used if name not in same)


def _columns_as_before(before: Preferences, now: Preferences) -> Iterator[str]:
    """Yield the settings of the tables that show what they showed: the person had chosen just that."""
    for name, table in TABLES.items():
        if before.columns_of(name) == now.columns_of(name):
            yield table.setting


def _tell(app: DeckApp, rows: Sequence[str], severity: Severity) -> None:
    for row in reversed(rows):
        app.deck.note(EventLine(app.clock(), severity, "configuration", row))
    app.tell("\n".join(rows), severity="information" if severity is Severity.OK else "warning")
