"""Occupations of the past, rebuilt from log events alone: who was kept busy, how long, by which attempts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.moments import LogEnd, Telling, seconds_between, telling_of
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.runs.attempt_model import with_profile
from lockdeck.backend.model.runs.attempt_times import FOLLOW_UP_S
from lockdeck.backend.model.runs.fix import finding
from lockdeck.backend.model.runs.fold import RunBook
from lockdeck.backend.model.runs.joins import key_of, session_keys
from lockdeck.backend.model.runs.life import RunOutcome
from lockdeck.backend.model.runs.records import Attempt, PolicyFinding
from lockdeck.backend.model.runs.run import Run, all_lives

LOG_END_S = 3600.0
"""A run of which the last so many seconds of a log tell nothing may still go on when the log ends."""


class OccupationEnd(StrEnum):
    """What the log tells of the end of an occupation."""

    LOGGED = "logged"
    WENT_ON = "went on"
    LOG_ENDS = "log ends"
    NOT_LOGGED = "not logged"


class PastOccupation(Struct, frozen=True):
    """Attempts of one run that followed each other with gaps of at most 30 s. Times are moments.

    `session_key` is None where nothing ties the run to a session. `held_ms` is the sum of the attempts,
    without the gaps, in milliseconds, None where no line tells them; `held_assumed`: not all of it stands in the log.
    `outcome` is None where the log does not tell the end; `log_goes_on_s` is for how long (seconds) it then goes on,
    `log_goes_on_untold` that it does and no line tells for how long.
    """

    run_id: str
    session_id: str | None
    session_key: str | None
    since: float
    until: float
    attempts: tuple[Attempt, ...]
    held_ms: int | None
    outcome: RunOutcome | None
    policy: PolicyFinding
    held_assumed: bool = False
    goes_on: bool = False
    log_goes_on_s: float | None = None
    log_goes_on_untold: bool = False

    @property
    def ms(self) -> int | None:
        """The time for which callers were kept out, in milliseconds, gaps included; None where no line tells it."""
        if self.attempts[0].started_at is None and self.since == self.until:
            return None
        lasted = seconds_between(self.since, self.until)
        return None if lasted is None else round(lasted * 1000)

    @property
    def since_assumed(self) -> bool:
        """Return whether no line tells when it began."""
        return self.attempts[0].start_assumed or self.attempts[0].started_at is None

    @property
    def ending(self) -> OccupationEnd:
        """What the log tells of its end: a log that ends is no run that ends."""
        if self.outcome is not None:
            return OccupationEnd.LOGGED
        if self.goes_on:
            return OccupationEnd.WENT_ON
        if self.log_goes_on_untold:
            return OccupationEnd.NOT_LOGGED
        ends = self.log_goes_on_s is not None and self.log_goes_on_s <= LOG_END_S
        return OccupationEnd.LOG_ENDS if ends else OccupationEnd.NOT_LOGGED


def occupations_from_runs(
    book: RunBook,
    stored: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    idle_s: float = traits_of(None).idle_timeout_s,
    log_ends: Iterable[LogEnd] = (),
) -> tuple[PastOccupation, ...]:
    """Rebuild the occupations of all runs, oldest first.

    An attempt's hold is what its run timeout tells, else it began with its start event, else at the previous
    decision but at most `idle_s` seconds before its end (an idle timeout logs no start), else with the first
    error told of it; where nothing tells, its start stays None and it counts from its end. `stored` maps session
    ids to session keys, `names` profile hashes to profile ids.
    """
    keys = session_keys(book, stored or {})
    profiles, ends = {**book.profiles, **(names or {})}, tuple(log_ends)
    occupations = [
        _occupation(life, key_of(life, keys), chained, ends)
        for run in book.runs.values()
        for life in all_lives(run)
        for chained in _chains(_with_starts(life.attempts, profiles, idle_s))
    ]
    return tuple(sorted(occupations, key=lambda past: (past.since, past.run_id)))


def _with_starts(attempts: tuple[Attempt, ...], names: Mapping[str, str], idle_s: float) -> list[Attempt]:
    begun: list[Attempt] = []
    idle_s = min(idle_s, _pace(attempts) or idle_s)
    for attempt in attempts:
        named = with_profile(attempt, names)
        if attempt.started_at is None and not attempt.kept_out:
            start = _start(attempt, begun[-1].ended_at if begun else None, idle_s)
            named = replace(named, started_at=start, start_assumed=start is not None)
        begun.append(named)
    return begun


def _start(attempt: Attempt, previous_end: float | None, idle_s: float) -> float | None:
    """Return when an attempt began of which no line tells the start."""
    if attempt.ended_at is None or telling_of(attempt.ended_at) is Telling.ORDER:
        return None
    if not attempt.timed_out:
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
    """Cut where the session was free for longer than a promised gap. Attempts that never got the lock hold nothing.

    Where no line tells a time, none tells of a gap either.
    """
    chains: list[list[Attempt]] = []
    for attempt in attempts:
        begins = _begins(attempt)
        if begins is None:
            continue
        last = chains[-1][-1].ended_at if chains else None
        if last is not None and (telling_of(begins) is Telling.ORDER or begins - last <= FOLLOW_UP_S):
            chains[-1].append(attempt)
        else:
            chains.append([attempt])
    return [tuple(chain) for chain in chains]


def _begins(attempt: Attempt) -> float | None:
    """From when on an attempt occupied its session at least; None where it never got the lock."""
    if attempt.started_at is None and not attempt.kept_out:
        return attempt.ended_at
    return attempt.started_at


def _occupation(
    run: Run, key: str | None, chain: tuple[Attempt, ...], log_ends: tuple[LogEnd, ...]
) -> PastOccupation:
    until = max(attempt.ended_at for attempt in chain if attempt.ended_at is not None)
    since = min(begins for attempt in chain if (begins := _begins(attempt)) is not None)
    reaches_end = chain[-1].index == len(run.attempts)
    ends = [
        (after, end.goes_on) for end in log_ends if (after := seconds_between(until, end.moment)) is not None
    ]
    untold = any(goes_on for _, goes_on in ends)
    lasted = [seconds for attempt in chain if (seconds := attempt.duration_s(until)) is not None]
    return PastOccupation(
        run_id=run.run_id,
        session_id=run.session_id,
        session_key=key,
        since=since,
        until=until,
        attempts=chain,
        held_ms=round(sum(lasted) * 1000) if lasted else None,
        outcome=run.outcome if reaches_end else None,
        policy=finding(chain, until, finished=reaches_end),
        held_assumed=any(a.start_assumed or a.started_at is None for a in chain if a.reason != "lock"),
        goes_on=not reaches_end,
        log_goes_on_s=None if untold else max((after for after, _ in ends), default=None),
        log_goes_on_untold=untold,
    )
