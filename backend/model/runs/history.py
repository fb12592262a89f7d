"""Occupations of the past, rebuilt from log events alone: who was kept busy, how long, by which attempts."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.runs.attempt_model import with_profile
from lockdeck.backend.model.runs.fix import finding
from lockdeck.backend.model.runs.fold import RunBook
from lockdeck.backend.model.runs.joins import key_of, session_keys
from lockdeck.backend.model.runs.life import RunOutcome
from lockdeck.backend.model.runs.records import Attempt, PolicyFinding
from lockdeck.backend.model.runs.rotation import FOLLOW_UP_S
from lockdeck.backend.model.runs.run import Run, all_lives


class PastOccupation(Struct, frozen=True):
    """Attempts of one run that followed each other with gaps of at most 30 s. Times in epoch seconds.

    `session_key` is None where nothing ties the run to a session. `held_ms` is the sum of the attempts,
    without the gaps, in milliseconds. `outcome` is None where the log does not tell the end.
    """

    run_id: str
    session_id: str | None
    session_key: str | None
    since: float
    until: float
    attempts: tuple[Attempt, ...]
    held_ms: int
    outcome: RunOutcome | None
    policy: PolicyFinding

    @property
    def ms(self) -> int:
        """The time for which callers were kept out, in milliseconds, gaps included."""
        return round((self.until - self.since) * 1000)


def occupations_from_runs(
    book: RunBook,
    stored: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    idle_s: float = traits_of(None).idle_timeout_s,
) -> tuple[PastOccupation, ...]:
    """Rebuild the occupations of all runs, oldest first.

    An attempt's hold is what its run timeout tells, else it began with its start event, else at the previous
    decision but at most `idle_s` seconds before its end (an idle timeout logs no start), else with the first
    error told of it; where nothing tells, its start stays None and it counts from its end. `stored` maps session
    ids to session keys, `names` profile hashes to profile ids.
    """
    keys = session_keys(book, stored or {})
    profiles = {**book.profiles, **(names or {})}
    occupations = [
        _occupation(life, key_of(life, keys), chained)
        for run in book.runs.values()
        for life in all_lives(run)
        for chained in _chains(_dated(life.attempts, profiles, idle_s))
    ]
    return tuple(sorted(occupations, key=lambda past: (past.since, past.run_id)))


def _dated(attempts: tuple[Attempt, ...], names: Mapping[str, str], idle_s: float) -> list[Attempt]:
    dated: list[Attempt] = []
    idle_s = min(idle_s, _pace(attempts) or idle_s)
    for attempt in attempts:
        start = attempt.started_at
        if start is None and attempt.reason != "lock":
            start = _start(attempt, dated[-1].ended_at if dated else None, idle_s)
        dated.append(replace(with_profile(attempt, names), started_at=start))
    return dated


def _start(attempt: Attempt, previous_end: float | None, idle_s: float) -> float | None:
    """Return when an attempt began of which no line tells the start."""
    if not attempt.timed_out or attempt.ended_at is None:
        return attempt.heard_at if previous_end is None else previous_end
    begins = attempt.ended_at - idle_s
    return begins if previous_end is None else max(begins, previous_end)


def _pace(attempts: tuple[Attempt, ...]) -> float | None:
    """The longest time between two timed-out attempts of a run, in seconds: none of them can have taken more.

    An idle timeout may be configured far below the default, and the first attempt has no line that says so.
    """
    ends = [a.ended_at for a in attempts if a.timed_out and a.ended_at is not None]
    return max((later - earlier for earlier, later in pairwise(ends)), default=None)


def _chains(attempts: list[Attempt]) -> list[tuple[Attempt, ...]]:
    """Cut where the session was free for longer than a promised gap. Attempts that never got the lock hold nothing."""
    chains: list[list[Attempt]] = []
    for attempt in attempts:
        begins = _begins(attempt)
        if begins is None:
            continue
        last = chains[-1][-1].ended_at if chains else None
        if last is not None and begins - last <= FOLLOW_UP_S:
            chains[-1].append(attempt)
        else:
            chains.append([attempt])
    return [tuple(chain) for chain in chains]


def _begins(attempt: Attempt) -> float | None:
    """From when on an attempt occupied its session at least; None where it never got the lock."""
    if attempt.started_at is None and attempt.reason != "lock":
        return attempt.ended_at
    return attempt.started_at


def _occupation(run: Run, key: str | None, chain: tuple[Attempt, ...]) -> PastOccupation:
    until = max(attempt.ended_at or 0.0 for attempt in chain)
    since = min(begins for attempt in chain if (begins := _begins(attempt)) is not None)
    reaches_end = chain[-1].index == len(run.attempts)
    return PastOccupation(
        run_id=run.run_id,
        session_id=run.session_id,
        session_key=key,
        since=since,
        until=until,
        attempts=chain,
        held_ms=round(sum(attempt.duration_s(until) or 0.0 for attempt in chain) * 1000),
        outcome=run.outcome if reaches_end else None,
        policy=finding(chain, until, finished=reaches_end),
    )
