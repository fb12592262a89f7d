"""Fleets of every size and mood, whose names are as alike as names can be."""

from __future__ import annotations

from functools import cache

from msgspec.structs import replace

from lockdeck.backend.model.fleet import FleetSnapshot, SessionView, Severity, State
from lockdeck.backend.model.locks import Verdict
from tests.tui.samples import NOW, ROOT, held, incident, large, lock, outage, quiet, rotating

SIZES = ((60, 20), (80, 24), (120, 35), (160, 50))
TAILS = ("4421:thread:1690", "4421:thread-of-the-nightly-incident-review-of-the-platform-team-in-berlin")
"""Ends that many session keys have in common; the second takes more than a line of a small terminal."""


@cache
def on_fire(count: int) -> FleetSnapshot:
    """Return that many sessions whose keys begin and end alike, each in a rotation or behind a dead lock."""
    sessions = tuple(_burning(number) for number in range(count))
    locks = tuple(view.lock for view in sessions if view.lock is not None)
    incidents = (outage(sessions[:40]),)
    return replace(incident(), sessions=sessions, locks=locks, incidents=incidents)


def _burning(number: int) -> SessionView:
    agent = f"agent-of-a-long-name-{number % 3}"
    rest = f"discord:channel:1198{number:05d}{TAILS[number // 3 % 2]}"
    name = f"{agent}-{number:05d}"
    if number % 4 < 3:
        shape, own = _rotations()[number % 4], held(agent, name, 60.0 + number % 7)
    else:
        path = f"{ROOT}/agents/{agent}/sessions/{name}.jsonl.lock"
        own = lock(path, Verdict.DEAD, agent=agent, age=100.0 + number, reasons=("pid 396 is gone (ESRCH)",))
        shape = SessionView(ROOT, agent, "", name, State.IDLE, Severity.WARNING, NOW - 100.0)
    return replace(shape, agent=agent, key=f"agent:{agent}:{rest}", session_id=name, lock=own)


@cache
def _rotations() -> tuple[SessionView, ...]:
    return tuple(
        rotating(
            "main",
            "main",
            2 + number,
            state=State.STUCK,
            severity=Severity.CRITICAL,
            blocked=number,
            occupied=100.0 + 60 * (2 + number),
        )
        for number in range(3)
    )


FLEETS = {
    "four agents": incident,
    "two hundred": lambda: large(200),
    "two hundred on fire": lambda: on_fire(200),
    "ten thousand": lambda: large(10_000),
    "ten thousand on fire": lambda: on_fire(10_000),
    "empty": quiet,
    "no fleet": lambda: FleetSnapshot(NOW, "deck"),
    "healthy": lambda: replace(large(4), sessions=large(4).sessions[1:]),
}
WITHOUT_ROWS = ("empty", "no fleet", "healthy")
