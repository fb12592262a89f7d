"""The dashboard as its screens and dialogs know it: what they read from it, and what they ask it for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.addresses import DeckAddresses
from lockdeck.backend.hosts.nats.address import FleetAddress
from lockdeck.backend.settings.looks import Change
from lockdeck.backend.system.text import safe
from lockdeck.backend.watch.records.records import SessionRecords
from lockdeck.themes.loader import ThemeCatalog
from lockdeck.tui.background import WorkFailed, post, run_in_thread
from lockdeck.tui.deck import Deck
from lockdeck.tui.holder_process import Inspect
from lockdeck.tui.jobs import JobBoard
from lockdeck.tui.operations import ActionContext, Acts
from lockdeck.tui.preferences.memory import Memory
from lockdeck.tui.preferences.records import Preferences
from lockdeck.tui.shell import Shell
from lockdeck.tui.targets import Target
from lockdeck.tui.tour.tour import Tour
from lockdeck.tui.view.hosts import OfHost, time_there
from lockdeck.tui.view.names import RowKey
from lockdeck.tui.view.printed.commands import row_commands


class DeckApp(Shell):
    """State that screens share.

    `clock` returns epoch seconds; `inspect` is None where no process can be read, `records` where no log can, `tour` where
    the fleet is real, `kept_in` (the file for how tables are left) where nothing is kept, `addresses` where this machine alone
    is watched.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        theme: str | None,
        catalog: ThemeCatalog | None,
        *,
        mouse: bool,
        read_only: bool,
        clock: Callable[[], float],
        action_context: ActionContext,
        preferences: Preferences,
        inspect: Inspect | None,
        records: SessionRecords | None,
        addresses: Sequence[HostAddress | FleetAddress] | None = None,
        tour: Tour | None = None,
        kept_in: str | None = None,
    ) -> None:
        super().__init__(env, theme, catalog, mouse=mouse)
        self._memory = None if kept_in is None else Memory(kept_in, self._spawn_keeper, self._not_kept)
        self.read_only = read_only
        self.clock = clock
        self.action_context = action_context
        self.preferences = preferences
        self.inspect = inspect
        self.records = records
        self.addresses = None if addresses is None else DeckAddresses(addresses)
        self.tour = tour
        self.deck = Deck()
        self.jobs = JobBoard()
        self.at_work: set[Acts] = set()
        """What does jobs now; they end their own threads, and are told when the dashboard is left."""

    @property
    def on_hosts(self) -> bool:
        """True where hosts are watched: then nothing is of this machine, but for what a host of that name tells."""
        return self.addresses is not None

    def by_hand(self, host: str) -> Sequence[str]:
        """Return the command with which a person looks on a host, none where none is known."""
        return () if self.addresses is None else self.addresses.by_hand(host)

    def host_options(self, host: str) -> Sequence[str]:
        """Return the words that name a host in a command of ours, none for this machine."""
        return () if self.addresses is None else self.addresses.options(host)

    def commands_of(self, target: Target) -> Iterable[str]:
        """Return the commands that explain a row, and do what may be done about it, wherever it is."""
        row = target.session or target.lock
        now = self.picture_time() if row is None else self.time_of(row)
        return row_commands(target.session, target.lock, now, self.host_options(target.row.host))

    def note_deed(self, deed: str) -> None:
        """Let the story of the demo go on where it asked for what the person did."""
        if self.tour is not None:
            self.tour.did(deed)
            self.update_screen()

    def keep(self, change: Change) -> None:
        """Keep how a table or the theme is left, for this run and, where that may be, for the next."""
        self.preferences = replace(self.preferences, looks=change(self.preferences.looks))
        if self._memory is not None:
            self._memory.keep(change)

    def _spawn_keeper(self, work: Callable[[], None]) -> None:
        run_in_thread(work, self, "looks", must_finish=True)

    def _not_kept(self, sentence: str) -> None:
        post(self, WorkFailed(safe(sentence, 1000)))

    def picture_time(self) -> float:
        """Return the moment the picture is of: now, or when it was paused (epoch seconds)."""
        return self.clock() if self.deck.paused_at is None else self.deck.paused_at

    def time_of(self, row: OfHost) -> float:
        """Return the moment the picture of a row is of, by the clock of its host (epoch seconds)."""
        return time_there(row, self.picture_time(), self.deck.hosts)

    def toggle_pause(self) -> None:
        """Keep the picture of this moment, or show the newest again."""
        if self.deck.paused_at is None:
            self.deck.pause(self.clock())
        else:
            self.deck.resume()
        self.update_screen()

    def update_screen(self) -> None:
        """Have the screen that is seen show the deck."""
        raise NotImplementedError

    async def open_row(self, key: RowKey) -> None:
        """Show everything about a row, above the screen that is seen."""
        raise NotImplementedError

    async def open_lock(self, key: RowKey) -> None:
        """Show the locks with nothing but the fleet beneath them, and the cursor on one of them."""
        raise NotImplementedError

    async def open_fleet(self, filter_text: str) -> None:
        """Show the rows of the fleet that a filter lets through."""
        raise NotImplementedError

    async def open_written(self, name: str, key: RowKey) -> None:
        """Show log or transcript of a row, above the screen that is seen or in the place of the other."""
        raise NotImplementedError

    async def open_locks(self, filter_text: str) -> None:
        """Show the locks that a filter lets through, above the screen that is seen."""
        raise NotImplementedError

    async def open_table(self, name: str) -> None:
        """Show the table of that name with nothing but the fleet beneath it."""
        raise NotImplementedError
