"""Hosts in words and times: whose a row is, as of when, by which clock. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Protocol

from lockdeck.backend.model.fleet import LockView, SessionView
from lockdeck.backend.model.hosts import HostView, Phase
from lockdeck.backend.model.words import duration, minute, times
from lockdeck.tui.view.lines import Line, join, line, span

MOST_NAMED = 2
"""So many hosts are named in a line; the rest are counted."""
Hosts = Mapping[str, HostView]
"""The hosts of a picture by name."""


class OfHost(Protocol):
    """A row of a host; `last_seen` (epoch seconds, our clock) where that is lost."""

    @property
    def host(self) -> str:
        """The name of the host, empty where this machine alone is watched."""

    @property
    def last_seen(self) -> float | None:
        """When a host that is lost was heard of last."""


def time_there(row: OfHost, now: float, hosts: Hosts) -> float:
    """Return the time by the clock of a row's host, at `now` by ours; of one that is lost that at which it was seen last."""
    view = hosts.get(row.host)
    moment = now if row.last_seen is None else min(row.last_seen, now)
    return moment if view is None else moment + view.apart_s


def is_lost(row: object) -> bool:
    """Return whether a row is of a host that is lost: what it says is old news."""
    return isinstance(row, SessionView | LockView) and row.last_seen is not None


def since_when(row: OfHost, now: float) -> str:
    """Return since when a row's host is lost, empty where it is there."""
    return "" if row.last_seen is None else f"not seen since {minute(row.last_seen, now)}"


def since_when_brief(row: OfHost, now: float) -> str:
    """Return the same in twelve cells."""
    return "" if row.last_seen is None else f"unseen {minute(row.last_seen, now)[:5]}"


def nothing_done(row: OfHost, now: float) -> str:
    """Return why nothing is done about a row of a host that is lost."""
    return f"{row.host} is {since_when(row, now)}: nothing can be done there until it answers again"


def stays_there(host: str, by_hand: Sequence[str]) -> str:
    """Return why what was written about a session is not shown, and the command that shows it on its host."""
    way = f"`{shlex.join(by_hand)}`" if by_hand else f"`lockdeck`, typed on {host} itself"
    return f"Logs and transcripts never leave their host. To read them there: {way}"


def done_there(host: str, command: str) -> str:
    """Return how a person does there what its host can't be asked for from here."""
    return f"by hand, typed on {host} itself: `{command}`"


def hosts_line(hosts: Sequence[HostView], now: float) -> Line:
    """Return how many hosts there are, and which of them are not seen, since when; empty where there are none."""
    if not hosts:
        return ()
    parts: list[Line] = [line(span(times(len(hosts), "host"), "text"))]
    calling = [host for host in hosts if host.phase is Phase.CALLED]
    if calling:
        number = "all" if len(calling) == len(hosts) else str(len(calling))
        parts.append(line(span(f"calling {number}", "notice")))
    absent = [host for host in hosts if host.phase in (Phase.LOST, Phase.REFUSED)]
    if absent:
        parts.append(line(span(f"{len(absent)} lost: {_names(absent, now)}", "warning")))
    partial = [host for host in hosts if host.phase is Phase.LIVE and host.withheld]
    if partial:
        parts.append(line(span(f"not all of {', '.join(host.name for host in partial)} is seen", "warning")))
    apart = [host for host in hosts if host.phase is Phase.LIVE and host.apart_s]
    if apart:
        parts.append(line(span(f"{', '.join(map(clock_words, apart[:MOST_NAMED]))}", "notice")))
    return join(parts, span(", ", "dim"))


def _names(hosts: Sequence[HostView], now: float) -> str:
    names = [
        host.name if host.lost_since is None else f"{host.name} since {minute(host.lost_since, now)}"
        for host in hosts[:MOST_NAMED]
    ]
    return ", ".join([*names, *([f"{len(hosts) - MOST_NAMED} more"] if len(hosts) > MOST_NAMED else [])])


def clock_words(host: HostView) -> str:
    """Return how far the clock of a host is from ours."""
    way = "ahead" if host.apart_s > 0 else "behind"
    return f"clock of {host.name} {duration(abs(host.apart_s))} {way}"


PHASE_STYLE = {
    Phase.LIVE: "ok",
    Phase.CALLED: "notice",
    Phase.LOST: "warning",
    Phase.REFUSED: "warning",
}


def phase_word(phase: Phase) -> str:
    """Return the word for what we have of a host."""
    return "calling" if phase is Phase.CALLED else phase.value


def clock_sign(host: HostView) -> str:
    """Return how far the clock of a host is from ours in a few cells; empty where that is not known."""
    if host.ahead_s is None:
        return ""
    return f"{'+' if host.apart_s > 0 else '-'}{duration(abs(host.apart_s))}" if host.apart_s else "same"
