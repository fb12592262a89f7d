"""A screen and its commands: what is selected, which commands work on it now, and why the others don't."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import isawaitable
from typing import ClassVar, cast

from textual import events
from textual.screen import Screen

from lockdeck.backend.model.incidents.records import Incident, IncidentKind
from lockdeck.tui.bindings import keys_of
from lockdeck.tui.browser import in_browser
from lockdeck.tui.commands import COMMANDS, Command, Danger, Needs
from lockdeck.tui.deckapp import DeckApp
from lockdeck.tui.table.rows import Row
from lockdeck.tui.targets import has_lock, has_session
from lockdeck.tui.view.hosts import is_lost, nothing_done
from lockdeck.tui.view.names import RowKey

_OF_TARGETS = frozenset({Needs.LOCKS, Needs.SESSIONS})
_OF_CAUSE = frozenset({Needs.CAUSE, Needs.RUNS_OF_CAUSE})
_LACK = {
    Needs.LOCK: "has no lock",
    Needs.LOCKS: "has no lock",
    Needs.SESSION: "belongs to no session",
    Needs.SESSIONS: "belongs to no session",
}


class CommandScreen(Screen[None]):
    """A screen with commands.

    `COMMAND_IDS` lists those it offers, in the order of the key bar; it has a method `command_<id>` for each.
    """

    COMMAND_IDS: ClassVar[tuple[str, ...]] = ()

    @property
    def deck_app(self) -> DeckApp:
        """The app, by its own type."""
        return cast("DeckApp", self.app)

    @property
    def selected_key(self) -> RowKey | None:
        """The selection of the person: kind, root, and key or path. None where nothing is."""
        return None

    @property
    def selected_row(self) -> Row | None:
        """The selected row, as it is displayed. None where nothing is selected."""
        return None

    @property
    def target_keys(self) -> tuple[RowKey, ...]:
        """The rows an action is for: the marked ones, else the selected one."""
        return () if self.selected_key is None else (self.selected_key,)

    @property
    def target_rows(self) -> Sequence[Row]:
        """The rows an action is for, as they are displayed."""
        return () if self.selected_row is None else (self.selected_row,)

    @property
    def cause(self) -> Incident | None:
        """The cause that the selected row has in common with others, else the widest there is."""
        return None

    @property
    def row_words(self) -> str:
        """The words for the selected row in a sentence about it."""
        return "the selected row"

    @property
    def target_words(self) -> str:
        """The words for what an action is for in a sentence about each of them."""
        return self.row_words

    @property
    def nothing_selected(self) -> str:
        """The sentence where a command needs a row and there is none."""
        return "no row is selected"

    async def action_command(self, name: str) -> None:
        """Run the command of that id."""
        result = getattr(self, f"command_{name}")()
        if isawaitable(result):
            await result
        self.deck_app.note_deed(name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide dangerous commands when read-only; grey out those that lack what they need."""
        if action != "command":
            return super().check_action(action, parameters)
        (name,) = parameters
        if name not in self.COMMAND_IDS:
            return False
        command = COMMANDS[str(name)]
        if self._forbids(command):
            return False
        return True if self._has(command.needs) else None

    def on_key(self, event: events.Key) -> None:
        """Say why the key of a command does nothing."""
        keymap = self.deck_app.preferences.keymap
        for name in self.COMMAND_IDS:
            if event.key in keys_of(name, keymap) and not self.check_action("command", (name,)):
                live = self.active_bindings.get(event.key)
                if live is None or (live.node is self and not live.enabled):
                    self.deck_app.tell(self._refusal(COMMANDS[name]), severity="warning")

    def _forbids(self, command: Command) -> bool:
        dangerous = self.deck_app.read_only and command.danger is not Danger.SAFE
        return dangerous or (command.private and in_browser())

    def _has(self, needs: Needs) -> bool:
        match needs:
            case Needs.NOTHING:
                return True
            case Needs.ROW:
                return self.selected_key is not None
            case Needs.LOCK:
                return has_lock(self.selected_row)
            case Needs.SESSION:
                return has_session(self.selected_row)
            case Needs.LOCKS:
                return any(has_lock(row) and not is_lost(row) for row in self.target_rows)
            case Needs.SESSIONS:
                return any(has_session(row) and not is_lost(row) for row in self.target_rows)
            case Needs.CAUSE:
                return self.cause is not None
            case Needs.RUNS_OF_CAUSE:
                return self.cause is not None and self.cause.kind is not IncidentKind.HOST

    def _refusal(self, command: Command) -> str:
        """Return why a command does not work now."""
        if self._forbids(command) and command.private:
            return f"{command.name} is not shown in a browser: whoever opens the page could read it"
        if self._forbids(command):
            return f"read-only: {command.name} is not possible here"
        if command.needs in _OF_CAUSE and self.cause is None:
            return "nothing is known that several rows have in common"
        if command.needs in _OF_CAUSE:
            return "a host that is not seen can be asked for nothing until it answers again"
        rows = self.target_rows if command.needs in _OF_TARGETS else (self.selected_row,)
        if not any(rows):
            return self.nothing_selected
        absent = next((row for row in rows if row is not None and is_lost(row)), None)
        if command.needs in _OF_TARGETS and absent is not None:
            return nothing_done(absent, self.deck_app.picture_time())
        subject = self.target_words if command.needs in _OF_TARGETS else self.row_words
        return f"{subject} {_LACK[command.needs]}"
