"""What remains when a process was ended: the port on which a gateway was asked, and who answers there now.

That a process has gone proves nothing about a run that another process had: the port is asked, and the lock looked at.
"""

from __future__ import annotations

import errno
import os
import socket

from msgspec import Struct

from lockdeck.backend.actions.cancel.access import POLL_S, row_of_session
from lockdeck.backend.actions.cancel.context import CancelContext
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble
from lockdeck.backend.system.clocks import uptime
from lockdeck.backend.system.procfs import read_stat
from lockdeck.backend.system.sockets import listeners

_KNOCK_S = 0.5
_NOBODY = frozenset(
    {errno.ECONNREFUSED, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENETUNREACH, errno.EHOSTUNREACH}
)
"""What the kernel says where nobody listens, or where this machine has no such address at all."""
_STARTING = frozenset({Trouble.UNREACHABLE, Trouble.UNAVAILABLE, Trouble.CLOSED, Trouble.SILENT})
"""What a gateway that is just starting gives for an answer."""


class Moment(Struct, frozen=True):
    """The moment of a signal, in clock ticks since boot: no step of the wall clock moves it."""

    ticks: float

    def precedes(self, pid: int) -> bool:
        """Return whether a process started only after it; False where that can't be seen."""
        status = read_stat(pid)
        return status is not None and status.start_ticks >= self.ticks


def moment_now() -> Moment:
    """Return this moment, rounded down to a whole tick as the start times of processes are."""
    return Moment(float(int(uptime() * os.sysconf("SC_CLK_TCK"))))


class Answering(Struct, frozen=True):
    """Who answers on a port: `pids` listen there as far as can be seen; `is_new`: all of them started since."""

    port: int
    pids: tuple[int, ...]
    is_new: bool

    @property
    def words(self) -> str:
        """Who that is, for people."""
        if not self.pids:
            return f"port {self.port} still answers, by whom can't be seen"
        return f"port {self.port} answers (pid {', '.join(map(str, self.pids))})"


def answering(port: int | None, since: Moment) -> Answering | None:
    """Knock at a port of this machine; None where nobody answers."""
    if port is None or not any(_somebody_at(address, port) for address in ("127.0.0.1", "::1")):
        return None
    pids = listeners(port)
    return Answering(port, pids, bool(pids) and all(map(since.precedes, pids)))


def _somebody_at(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), _KNOCK_S).close()
    except OSError as error:
        # Nobody said no: a full queue or a blocked process is somebody, too.
        return error.errno not in _NOBODY
    return True


def shows_run(context: CancelContext, seconds: float) -> tuple[bool | None, str]:
    """Watch for some seconds what the gateway that answers now says of the session; None where it can't be asked.

    True: it shows an active run.
    """
    unseen = "whether it runs the session can't be seen"
    try:
        line = _line_once_ready(context)
    except GatewayError as error:
        return None, f"{unseen}: {error.sentence}"
    until = context.steady() + seconds
    try:
        while True:
            row = row_of_session(line, context.target.key)
            if row is not None and row.active is None:
                return None, f"{unseen}: this version does not tell"
            if row is not None and row.active:
                return True, "it shows an active run of the session"
            if context.steady() >= until:
                return False, f"it has shown no run of the session for {seconds:g} s"
            context.wait(POLL_S)
    except GatewayError as error:
        return None, f"{unseen}: {error.sentence}"
    finally:
        line.close()


def _line_once_ready(context: CancelContext) -> Line:
    """Connect to a gateway as soon as it takes calls. GatewayError."""
    until = context.steady() + context.limits.restart
    while True:
        try:
            return context.connect()
        except GatewayError as error:
            if error.kind not in _STARTING or context.steady() >= until:
                raise
        context.wait(POLL_S)
