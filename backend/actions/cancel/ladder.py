"""The ladder: the rungs for ending a run, gentlest first, what each does and what it loses, and who has which.

Measured in the middle of a rotation on 2026.4.5 and 2026.7.35; what lies between is read in the code.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.version import Version

STOP, ABORT, RESET, RESTART, TERMINATE = "stop", "abort", "reset", "restart", "terminate"
STOP_TEXT = "[lockdeck] /stop"
"""The prefix takes the text past chat.send's own stop check, which knows only chat runs, to the reply pipeline's."""

WRITE, ADMIN = "operator.write", "operator.admin"


class Rung(Struct, frozen=True):
    """One way to end a run. `danger` says how to ask: confirm, reset or restart.

    `loses` are sentences, `scopes_missing` what the gateway does not grant to lockdeck.
    """

    name: str
    title: str
    does: str
    loses: tuple[str, ...]
    danger: str
    scopes_missing: tuple[str, ...] = ()

    @property
    def ends_process(self) -> bool:
        """Return whether this rung ends a process, and with it all that runs there."""
        return self.name in (RESTART, TERMINATE)

    @property
    def consent(self) -> str:
        """The name by which a person allows this rung: what ends more than one session is asked for like a restart."""
        return RESTART if self.danger == "restart" else self.name

    def to_json(self) -> dict[str, Any]:
        """Shape: name, title, does, loses, danger, scopesMissing."""
        return {
            "name": self.name,
            "title": self.title,
            "does": self.does,
            "loses": list(self.loses),
            "danger": self.danger,
            "scopesMissing": list(self.scopes_missing),
        }


class LeftOut(Struct, frozen=True):
    """A rung that this ladder does not have, and the reason."""

    name: str
    reason: str


class EndingCost(Struct, frozen=True):
    """The cost of ending a process: other `sessions` with a run, the sentence where there are none, a doubt."""

    sessions: tuple[str, ...]
    if_none: str
    doubt: str = ""


_MOST_NAMES = 12
_REPLY = "the reply that the run is working on"
_CHOICES = {
    STOP: (
        "Stop command",
        f'send "{STOP_TEXT}" into the session: OpenClaw\'s reply pipeline aborts the run and its sub-agents',
        (
            _REPLY,
            "messages queued for this session: OpenClaw drops them with a stop command",
            "the transcript gets one more line (Agent was aborted)",
        ),
        "confirm",
        WRITE,
    ),
    ABORT: (
        "Abort the run",
        "call sessions.abort for this session",
        (_REPLY, "messages already queued stay queued and are answered next"),
        "confirm",
        WRITE,
    ),
    RESET: (
        "Reset the session",
        "call sessions.reset, which ends the run and starts a new conversation; this may take half a minute",
        (
            _REPLY,
            "the conversation so far: its transcript is archived beside the new one, the agent no longer sees it",
            "messages queued for this session",
        ),
        "reset",
        ADMIN,
    ),
}


def gentle_rungs(
    version: Version | None, scopes: Collection[str] | None
) -> tuple[tuple[Rung, ...], tuple[LeftOut, ...]]:
    """Return the rungs that go through the gateway, in order, and those left out with the reason.

    `scopes` None: the gateway does not tell which were granted.
    """
    if version is None:
        return (), (
            LeftOut("stop, abort, reset", "the gateway's version is not known: the wrong one does harm"),
        )
    traits = traits_of(version)
    on_stop = (
        "sessions.abort reaches every run that a call started"
        if traits.stop_command_works
        else "the stop command fails with a session takeover"
    )
    on_abort = "an abort counts as a timeout: the next profile takes the lock again for 30 s"
    left_out = tuple(
        LeftOut(name, f"on {version} {reason}")
        for name, reason in ((ABORT, on_abort), (STOP, on_stop))
        if name not in traits.cancel_ladder
    )
    return tuple(rung(name, scopes) for name in traits.cancel_ladder), left_out


def rung(name: str, scopes: Collection[str] | None = None) -> Rung:
    """Return one of the rungs that go through the gateway: stop, abort or reset."""
    title, does, loses, danger, scope = _CHOICES[name]
    granted = scopes is None or scope in scopes or ADMIN in scopes
    return Rung(name, title, does, loses, danger, () if granted else (scope,))


def free_rung(scopes: Collection[str] | None) -> Rung:
    """Return the reset of a session in which nothing runs: no reply is lost with it."""
    reset = rung(RESET, scopes)
    does = "call sessions.reset, which drops what is left over and starts a new conversation"
    return replace(reset, does=does, loses=tuple(loss for loss in reset.loses if loss != _REPLY))


def restart_rung(does: str, cost: EndingCost, comes_back: bool) -> Rung:
    """Return the last rung of a gateway; `cost` tells of the sessions whose runs end with it."""
    runs = _other_runs(cost)
    loses = [_REPLY, *(part for part in (runs, cost.doubt) if part)]
    loses.append("every message that only waits in the gateway's memory")
    if not comes_back:
        loses.append("the gateway itself: no supervisor is known that starts it again")
    title = "Restart the gateway" if comes_back else "End the gateway"
    return Rung(RESTART, title, does, tuple(loses), "restart")


def _other_runs(cost: EndingCost) -> str:
    """Name and count the other sessions that end with a process."""
    count = len(cost.sessions)
    if not count:
        return cost.if_none
    names = ", ".join(sorted(cost.sessions)[:_MOST_NAMES]) + (" …" if count > _MOST_NAMES else "")
    return f"the runs of {count} other session{'s' if count > 1 else ''}: {names}"


def sigterm(who: str, argv: str) -> str:
    """Say what ending a process means where no supervisor is known; `argv` as people should read it."""
    shown = argv or "its command line can't be seen"
    return f"send SIGTERM to {who}, proven once more right before: {shown}"


def terminate_rung(pid: int, argv: str, cost: EndingCost) -> Rung:
    """Return the one rung for a holder that is no gateway; where others end with it, it is asked for like a restart."""
    loses = [_REPLY, "whatever else this process was doing"]
    if cost.sessions:
        loses.insert(1, _other_runs(cost))
    danger = "restart" if cost.sessions else "confirm"
    return Rung(TERMINATE, "End the process", sigterm(f"pid {pid}", argv), tuple(loses), danger)
