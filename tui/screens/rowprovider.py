"""The palette's view of the fleet: sessions and locks by a part of their name, most urgent first."""

from __future__ import annotations

from functools import partial
from typing import cast

from textual.command import Hit, Hits, Provider
from textual.content import Content

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.words import times
from lockdeck.tui.deckapp import DeckApp
from lockdeck.tui.screens.provider import BELOW_NAMED_COMMANDS
from lockdeck.tui.table.finding import Match, as_filter, find_hosts, find_rows, host_filter
from lockdeck.tui.view.lines import join, line, plain, span
from lockdeck.tui.view.names import LOCK, file_name, session_name
from lockdeck.tui.view.severity import state_line
from lockdeck.tui.widgets.text import content

MOST_HOSTS = 5
"""So many hosts are offered."""
MOST_ROWS = 15
"""So many rows are offered; the rest are counted."""


class RowProvider(Provider):
    """Offers the rows of the picture that is shown."""

    async def search(self, query: str) -> Hits:
        """Offer the rows that have all the words, and the fleet with just those where they are too many."""
        app = cast("DeckApp", self.app)
        if app.deck.displayed is None:
            return
        for host in find_hosts(app.deck.displayed, query)[:MOST_HOSTS]:
            title = content(f"host {host.name}  {host.phase.value}: its rows in the fleet")
            yield Hit(BELOW_NAMED_COMMANDS, title, partial(app.open_fleet, host_filter(host.name)), host.name)
        findings = find_rows(app.deck.displayed, query, MOST_ROWS)
        for place, match in enumerate(findings.matches):
            yield self._hit(app, match, BELOW_NAMED_COMMANDS - place)
        if findings.more:
            words = f"and {times(findings.more, 'more row')}: show all of them in the fleet"
            show = partial(app.open_fleet, as_filter(query))
            yield Hit(BELOW_NAMED_COMMANDS - MOST_ROWS, content(words), show, query)

    def _hit(self, app: DeckApp, match: Match, score: float) -> Hit:
        name = match.key.name
        row, label = match.row, app.deck.root_label(match.key[1:3])
        short = f"lock {file_name(name)}" if isinstance(row, LockView) else session_name(row)
        title = join([state_line(row, app.symbols), line(span(short)), line(span(label))], span("  "))
        show = partial(app.open_lock if match.key.kind == LOCK else app.open_row, match.key)
        shown = Content("\n").join((content(plain(title)), content(name).stylize("dim")))
        return Hit(score, shown, show, content(name).plain)
