"""Commands about rows of the fleet: what the screens share on which a session or a lock can be selected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lockdeck.backend.model.fleet import SessionView
from lockdeck.backend.model.incidents.records import Incident
from lockdeck.tui.bindings import key_of
from lockdeck.tui.dialogs.flow import ask_cancel, ask_release
from lockdeck.tui.dialogs.reader import ReaderDialog
from lockdeck.tui.screens.base import DeckScreen
from lockdeck.tui.table.finding import holder_filter
from lockdeck.tui.targets import Target, holder_pid, targets_of
from lockdeck.tui.terminal.clipboard import copy_text
from lockdeck.tui.view.cause import cause_page
from lockdeck.tui.view.lines import EMPTY, Line, line, span
from lockdeck.tui.view.names import RowKey, session_row
from lockdeck.tui.view.printed.commands import incident_of, row_words
from lockdeck.tui.view.printed.incidents import incident_text


class TargetScreen(DeckScreen):
    """A screen whose selected, or marked, rows can be acted on."""

    @property
    def hidden_keys(self) -> tuple[RowKey, ...]:
        """Those of the rows an action is for that the filter hides."""
        return ()

    def command_release(self) -> None:
        """Ask about the very holds that are shown now."""
        targets, remarks = self._split(lambda target: target.lock is not None, "has no lock")
        if targets:
            ask_release(self.deck_app, targets, remarks)
        else:
            self.deck_app.tell("there is no lock to release", severity="warning")

    def command_cancel(self) -> None:
        """Ask about the sessions that are shown now."""
        targets, remarks = self._split(lambda target: target.session is not None, "belongs to no session")
        if targets:
            ask_cancel(self.deck_app, targets, remarks=remarks)
        else:
            self.deck_app.tell("no session is known for this lock", severity="warning")

    @property
    def cause(self) -> Incident | None:
        """The cause that the selected session has in common with others, else the widest there is."""
        snapshot, row = self.deck_app.deck.displayed, self.selected_row
        if snapshot is None or not snapshot.incidents:
            return None
        own = incident_of(snapshot, row) if isinstance(row, SessionView) else None
        return own or snapshot.incidents[0]

    def command_cause(self) -> None:
        """Show what several rows have in common."""
        app = self.deck_app
        if app.deck.displayed is not None:
            rows = cause_page(app.deck.displayed, app.picture_time(), app.symbols)
            self.app.push_screen(ReaderDialog(list(rows)))

    def command_cancel_cause(self) -> None:
        """Ask about all sessions that have the cause in common."""
        snapshot, cause = self.deck_app.deck.displayed, self.cause
        if snapshot is None or cause is None:
            return
        targets = targets_of(map(session_row, cause.members), snapshot)
        if targets:
            words = line(span(incident_text(cause, self.deck_app.picture_time()), "warning", 4096))
            ask_cancel(self.deck_app, targets, remarks=(words, EMPTY))
        else:
            self.deck_app.tell("none of its sessions is in the fleet any more", severity="warning")

    def answer_key(self, command: str) -> str | None:
        """Return the key by which an answer says that a command is run, None where it can't be now."""
        return key_of(self, command) if self.check_action("command", (command,)) else None

    async def command_holder(self) -> None:
        """Show the locks of the process that has, or is named by, the selected lock."""
        row = self.selected_row
        pid = holder_pid(row)
        if row is None or pid is None:
            self.deck_app.tell("no process is known for this lock", severity="warning")
        elif self.filter_text != holder_filter(row.host, pid):
            await self.deck_app.open_locks(holder_filter(row.host, pid))
        else:
            self.deck_app.tell(f"these are the locks of pid {pid}{f' on {row.host}' if row.host else ''}")

    async def command_log(self) -> None:
        """Show the log of the selected session."""
        if self.selected_key is not None:
            await self.deck_app.open_written("log", self.selected_key)

    async def command_transcript(self) -> None:
        """Show the transcript of the selected session."""
        if self.selected_key is not None:
            await self.deck_app.open_written("transcript", self.selected_key)

    def command_copy(self) -> None:
        """Copy key or path of the selected row; on a deck of hosts with the words that name its host."""
        app, key = self.deck_app, self.selected_key
        if key is not None:
            copy_text(app, row_words(key.name, app.host_options(key.host)))

    def command_pause(self) -> None:
        """Keep the picture of this moment, or go on."""
        self.deck_app.toggle_pause()

    def _split(self, fit: Callable[[Target], bool], lack: str) -> tuple[Sequence[Target], Sequence[Line]]:
        """Return what a question is about, and lines that name what is left out and what the filter hides."""
        snapshot = self.deck_app.deck.displayed
        targets = () if snapshot is None else targets_of(self.target_keys, snapshot)
        fitting = [target for target in targets if fit(target)]
        hidden = [target for target in targets if target.row in self.hidden_keys]
        remarks = [
            *_list(f"Left out, because it {lack}:", [target for target in targets if not fit(target)]),
            *_list(f"Marked, and hidden by the filter {self.filter_text}:", hidden),
        ]
        return fitting, remarks


def _list(title: str, targets: Sequence[Target]) -> Iterator[Line]:
    """Yield a title and the names of rows under it; nothing where there is no row."""
    if targets:
        yield line(span(title, "warning"))
        yield from (line(span(f"  - {target.title}", "warning")) for target in targets)
        yield EMPTY
