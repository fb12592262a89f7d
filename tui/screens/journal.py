"""The journal of what lockdeck did and refused to do, newest first; a broken chain is said first of all.

On a deck of hosts also the journals of the hosts, each as it is told there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.message import Message
from textual.widget import Widget

from lockdeck.backend.actions.journal_chain import MOST_KEPT, JournalReading
from lockdeck.backend.hosts.acts import MOST_ENTRIES
from lockdeck.backend.hosts.journals import HostJournal, JournalAsker
from lockdeck.backend.hosts.told import JournalTold
from lockdeck.backend.model.hosts import Phase
from lockdeck.tui.background import WorkFailed, post, run_in_thread
from lockdeck.tui.bindings import bindings_of
from lockdeck.tui.dialogs.reader import ReaderDialog
from lockdeck.tui.screens.journal_lines import hosts_lines, state_lines
from lockdeck.tui.screens.selection_lines import entry_rows
from lockdeck.tui.screens.tablescreen import TableScreen
from lockdeck.tui.table.journalentry import Entry, entry_lines
from lockdeck.tui.table.tables import JOURNAL
from lockdeck.tui.view.lines import EMPTY, Line, Span, line, span, wrap
from lockdeck.tui.view.names import RowKey
from lockdeck.tui.widgets.lineview import LineView


class JournalRead(Message):
    """The journal file has been read."""

    def __init__(self, reading: JournalReading) -> None:
        super().__init__()
        self.reading = reading


class HostJournalRead(Message):
    """A host has told its journal, or it is known why it does not."""

    def __init__(self, journal: HostJournal) -> None:
        super().__init__()
        self.journal = journal


class JournalScreen(TableScreen):
    """The journal; it is read again when it is shown and when an action has ended.

    A host is asked for its own when this is shown, when it is seen again, and when an action there has ended.
    """

    COMMAND_IDS = (
        *("help", "quit", "open", "filter", "locks", "events", "back", "next_match", "previous_match"),
        *("hosts", "show_text", "theme", "wide", "columns", "as_it_comes"),
        *("toggle_mouse", "notes", "palette"),
    )
    BINDINGS = bindings_of(COMMAND_IDS)
    TABLE = JOURNAL

    def __init__(self) -> None:
        super().__init__()
        self._reading: JournalReading | None = None
        self._problem = ""
        self._jobs = -1
        self._asker: JournalAsker | None = None
        self._asked: dict[str, int] = {}
        self._told: dict[str, HostJournal] = {}

    @property
    def selected_key(self) -> RowKey | None:
        """Not None while an entry is selected."""
        entry = self.cursor_item
        return RowKey("entry", entry.host, "", str(entry.number)) if isinstance(entry, Entry) else None

    async def command_open(self) -> None:
        """Show all facts of the selected entry."""
        entry = self.cursor_item
        if isinstance(entry, Entry):
            await self.app.push_screen(ReaderDialog(list(entry_lines(entry))))

    def text_rows(self) -> list[Span]:
        """Return the selected entry as plain text."""
        entry = self.cursor_item
        return entry_rows(entry) if isinstance(entry, Entry) else []

    def body(self) -> Iterable[Widget]:
        """Return what is wrong with the journal above its table."""
        return (LineView(id="journal-state"), *super().body())

    def rank(self, _key: object, entry: Entry) -> tuple[float, int]:
        """Put the newest first."""
        moment = entry.moment if self.deck_app.on_hosts else None
        return (-(moment or 0.0), -entry.number)

    def on_mount(self) -> None:
        """Begin to ask the hosts of a deck."""
        app = self.deck_app
        if app.addresses is not None:
            self._asker = JournalAsker(
                app.addresses,
                app.action_context.journal,
                lambda journal: post(self, HostJournalRead(journal)),
            )
        super().on_mount()

    def on_unmount(self) -> None:
        """Ask no host any more."""
        if self._asker is not None:
            self._asker.close()

    def update_picture(self) -> None:
        """Read the journal again where something was noted since."""
        super().update_picture()
        log = self.deck_app.deck.log
        noted = log[0][0] if log else 0
        if noted != self._jobs:
            self._jobs = noted
            self._read()
        self._ask_hosts()

    def _ask_hosts(self) -> None:
        """Ask the hosts that are there and have something new to tell; who is lost is asked when it is back."""
        if self._asker is None:
            return
        hosts, ended = self.deck_app.deck.hosts, self.deck_app.jobs.ended
        limit = max(1, min(MOST_ENTRIES, MOST_KEPT // max(1, len(hosts))))
        for name, view in hosts.items():
            if view.phase is not Phase.LIVE:
                self._asked.pop(name, None)
            elif self._asked.get(name) != ended[name]:
                self._asked[name] = ended[name]
                self._asker.ask(name, limit)
        self._show_state()

    def on_host_journal_read(self, message: HostJournalRead) -> None:
        """Show the entries of a host among the others; where it does not tell, those that it told before stay."""
        journal, view = message.journal, self.deck_app.deck.hosts.get(message.journal.host)
        self._told[journal.host] = journal
        if journal.reading is not None and not self._is_own(journal.host, journal.reading):
            ahead_s = 0.0 if view is None else view.apart_s
            news = {
                (journal.host, number): Entry(number, facts, journal.host, ahead_s)
                for number, facts in enumerate(journal.reading.entries, 1)
            }
            self._take(journal.host, news)
        self._show_state()

    def _is_own(self, host: str, reading: JournalTold) -> bool:
        """Return whether a host has told the very journal that is read here: it is this machine, as one of the hosts."""
        app = self.deck_app
        is_here = app.addresses is not None and not app.addresses.options(host)
        return is_here and reading.path == app.action_context.journal.path

    def _take(self, host: str, entries: Mapping[tuple[str, int], Entry]) -> None:
        """Have these be the entries of a host, or, without a name, our own."""
        stale = {key: None for key in self.items if key[0] == host}
        self.rows.take({**stale, **entries})
        self.show_rows()

    def _read(self) -> None:
        journal = self.deck_app.action_context.journal
        run_in_thread(lambda: post(self, JournalRead(journal.read())), self, "journal")

    def on_journal_read(self, message: JournalRead) -> None:
        """Show the entries, newest first."""
        self._reading, self._problem = message.reading, ""
        self._take("", {("", n): Entry(n, facts) for n, facts in enumerate(message.reading.entries, 1)})
        self._show_state()

    def show_rows(self) -> None:
        """Show the entries that the filter lets through."""
        self.table.show(self.rows.order, self.rows.items)
        self.update_header()
        self.refresh_bindings()

    def nothing_lines(self) -> list[Line]:
        """Say that nothing was done, once that is known."""
        waits = any(name not in self._told for name in self._asked)
        is_known = self._reading is not None and not waits
        return [EMPTY, line(span("Nothing was done or refused yet.", "dim"))] if is_known else []

    def on_work_failed(self, message: WorkFailed) -> None:
        """Say why the journal can't be read."""
        message.stop()
        self._problem = f"the journal can't be read: {message.sentence}"
        self._show_state()

    def _show_state(self) -> None:
        app = self.deck_app
        rows = list(state_lines(self._reading, self._problem, app.action_context.journal.path))
        if self._asker is not None:
            rows += hosts_lines(tuple(app.deck.hosts.values()), self._told, app.picture_time())
        self.query_one("#journal-state", LineView).show(
            lambda width: [part for row in rows for part in wrap(row, width, indent=1)]
        )
