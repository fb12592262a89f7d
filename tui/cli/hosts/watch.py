"""`lockdeck watch` on several hosts: one line per change, of hosts and of what happens on them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.followed import FollowedHosts, host_needs_person
from lockdeck.backend.hosts.nats.address import FleetAddress
from lockdeck.backend.hosts.state import HostState
from lockdeck.backend.model.changes import ChangeKind, changes
from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.model.moments import iso
from lockdeck.backend.model.wire import SCHEMA, SessionSources, dumps
from lockdeck.backend.model.words import time_of_day
from lockdeck.backend.system.clocks import wall_time
from lockdeck.backend.system.text import safe
from lockdeck.tui.cli.hosts.words import host_json, host_line
from lockdeck.tui.cli.output import emit_all, output_trouble
from lockdeck.tui.cli.watching.stopping import told_to_stop
from lockdeck.tui.cli.watching.words import change_json, change_line
from lockdeck.tui.exits import Exit


def watch_hosts(
    addresses: Sequence[HostAddress | FleetAddress], seconds: float | None, as_json: bool
) -> Exit:
    """Print changes until interrupted or for `seconds`; exit code as `status` at the end, 130 on ctrl+c."""
    hosts, stop = FollowedHosts(addresses), threading.Event()

    def end() -> None:
        stop.set()
        hosts.wake()

    teller = _Teller(as_json)
    try:
        with told_to_stop(end, seconds) as interrupted:
            while not stop.is_set():
                emit_all(teller.lines(hosts.states))
                if output_trouble() is not None:
                    break  # nobody reads any more
                hosts.wait()
        states = hosts.states
    finally:
        hosts.close()
    if interrupted:
        return Exit.INTERRUPTED
    return Exit.ATTENTION if any(map(host_needs_person, states)) else Exit.OK


class _Teller:
    """Tells what is new of each host since it was told last."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._told: dict[str, HostState] = {}

    def lines(self, states: Sequence[HostState]) -> Iterator[str]:
        """Yield a line for everything that changed."""
        for state in states:
            last = self._told.get(state.name)
            self._told[state.name] = state
            if last is None or (last.phase, last.problem) != (state.phase, state.problem):
                yield self._host_line(state, ChangeKind.APPEARED if last is None else ChangeKind.CHANGED)
            if state.snapshot is not None:
                yield from self._changes(None if last is None else last.snapshot, state.snapshot)

    def _host_line(self, state: HostState, kind: ChangeKind) -> str:
        now = wall_time()
        if self._as_json:
            line = {"schema": SCHEMA, "at": iso(now), "subject": "host", "change": kind}
            return dumps(line | {"host": host_json(state)})
        return safe(f"{time_of_day(now)}  {host_line(state, now)}", 4096)

    def _changes(self, last: FleetSnapshot | None, snapshot: FleetSnapshot) -> Iterator[str]:
        if last is snapshot:
            return
        sources = SessionSources(snapshot.roots)
        for change in changes(last, snapshot):
            if self._as_json:
                yield dumps({**change_json(change, snapshot, sources), "onHost": snapshot.host})
            else:
                yield safe(f"{snapshot.host}  {change_line(change, snapshot)}", 4096)
