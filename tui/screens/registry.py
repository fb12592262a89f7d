"""The screens that have commands, by the name a person knows them by."""

from __future__ import annotations

from collections.abc import Mapping

from lockdeck.tui.screens.base import DeckScreen
from lockdeck.tui.screens.events import EventsScreen
from lockdeck.tui.screens.fleet import FleetScreen
from lockdeck.tui.screens.hosts import HostsScreen
from lockdeck.tui.screens.journal import JournalScreen
from lockdeck.tui.screens.locks import LocksScreen
from lockdeck.tui.screens.session import SessionScreen
from lockdeck.tui.screens.written.log import LogScreen
from lockdeck.tui.screens.written.transcript import TranscriptScreen
from lockdeck.tui.screens.written.writtenscreen import WrittenScreen

SCREENS: Mapping[str, type[DeckScreen]] = {
    "fleet": FleetScreen,
    "session": SessionScreen,
    "locks": LocksScreen,
    "events": EventsScreen,
    "journal": JournalScreen,
    "hosts": HostsScreen,
    "log": LogScreen,
    "transcript": TranscriptScreen,
}
WRITTEN: Mapping[str, type[WrittenScreen]] = {"log": LogScreen, "transcript": TranscriptScreen}
"""Those of what was written about one row."""
