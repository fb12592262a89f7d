"""Access to the gateway that a plan names: the line to it, its version, and what it grants to lockdeck."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockdeck.backend.actions.cancel.ladder import ADMIN, WRITE
from lockdeck.backend.actions.cancel.records import CancelPlan
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.openclaw.gateway.access import Line, reach
from lockdeck.backend.openclaw.gateway.rows import SessionRow, rows_of
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble
from lockdeck.backend.system.clocks import wall_time

ANSWER_S = 5.0
"""How long an answer may take, in seconds."""
POLL_S = 0.25
"""How often a gateway is asked whether a run is over, in seconds."""
TRIES = 4
"""How often a connection is tried where the gateway lets it wait: one that prepared an attempt was mute for 22 s (2026.5.18)."""
MOST_ROWS = 500
"""How many sessions a gateway is asked for, those used last first."""
EVERYTHING = {"limit": MOST_ROWS, "includeGlobal": True, "includeUnknown": True}
"""The params of a question for all of them."""
READ = "operator.read"
# Each lacks what its method must have: the scope is checked first, then the call is refused as invalid.
_PROBES: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    (READ, "sessions.list", {"limit": 1}),
    (WRITE, "chat.send", {}),
    (ADMIN, "sessions.reset", {}),
)


def open_line(plan: CancelPlan) -> Line:
    """Connect to the plan's gateway, or find the command that does. GatewayError.

    A gateway that is mute is tried again: while it prepares an attempt it answers nobody.
    """
    for _ in range(TRIES - 1):
        try:
            return _reach(plan)
        except GatewayError as error:
            if error.kind is not Trouble.SILENT:
                raise
    return _reach(plan)


def _reach(plan: CancelPlan) -> Line:
    route = plan.route
    return reach(
        plan.root,
        route.config,
        route.env,
        route.folder,
        url=route.url,
        fingerprint=route.fingerprint,
        clock=wall_time,
    )


def version_of(line: Line) -> Version | None:
    """Return the running gateway's version: from its hello, else from `status` (2026.4.5, 2026.7.35)."""
    if line.hello.version is not None:
        return line.hello.version
    try:
        return Version.parse(line.call("status").get("runtimeVersion"))
    except GatewayError:
        return None


def granted_scopes(line: Line) -> tuple[str, ...] | None:
    """Find out which scopes we have; None where it can't be told (the command asks for all by itself)."""
    if line.hello.scopes is not None:
        return line.hello.scopes
    if line.transport != "WebSocket":
        return None
    scopes = []
    for scope, method, params in _PROBES:
        try:
            line.call(method, params)
        except GatewayError as error:
            if error.kind is Trouble.SCOPE:
                continue
            if error.kind in (Trouble.SILENT, Trouble.CLOSED):
                return None
        scopes.append(scope)
    return tuple(scopes)


def row_of_session(line: Line, key: str) -> SessionRow | None:
    """Ask for one session's row; None where the gateway knows none. GatewayError."""
    rows = rows_of(line.call("sessions.list", {"search": key, "limit": 50}, ANSWER_S))
    return next((row for row in rows if row.key == key), None)


def rows_told(line: Line) -> tuple[SessionRow, ...]:
    """Return the sessions that the gateway tells of, those used last first; none where it does not answer."""
    try:
        return rows_of(line.call("sessions.list", EVERYTHING, ANSWER_S))
    except GatewayError:
        return ()


def has_active_run(line: Line, key: str) -> bool | None:
    """Ask the gateway whether a session has an active run; None where it does not tell (before 2026.5.7)."""
    try:
        row = row_of_session(line, key)
    except GatewayError:
        return None
    return None if row is None else row.active
