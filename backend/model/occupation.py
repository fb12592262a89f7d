"""Occupations from lock sightings alone: which holds on one path follow each other without a real gap.

openclaw#62351 on 2026.4.5 releases and re-creates the lock between attempts, so every lock file is young;
only the chain of holds shows how long callers have been kept out.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.locks import LockRecord, PayloadState, Presence
from lockdeck.backend.model.runs.records import GAP_GRACE_S, Hold, Occupation

RECENT_HOLDS = 50
"""So many holds an occupation remembers; it counts all of them."""
CREATION_SLACK_S = 5.0
"""A payload this much younger (seconds) than the first sight of its empty file belongs to another hold."""


class Sighting(Struct, frozen=True):
    """One look at a lock file that stands. `written` is false while its payload is empty or half-written.

    `created_at` is the payload's own time (epoch seconds), None where it does not tell; `mtime` is the file's.
    """

    release_id: str
    dev: int
    ino: int
    pid: int | None = None
    created_at: float | None = None
    written: bool = True
    mtime: float | None = None


def sighting_of(record: LockRecord) -> Sighting | None:
    """Return what a lock record says about holds; None when there is no lock file that could be read."""
    identity, payload = record.identity, record.payload
    if record.presence is not Presence.FILE or identity is None:
        return None
    unwritten = record.payload_state in (PayloadState.EMPTY, PayloadState.HALF_WRITTEN)
    return Sighting(
        release_id=identity.release_id,
        dev=identity.dev,
        ino=identity.ino,
        pid=payload.pid if payload else None,
        created_at=payload.created_at if payload else None,
        written=not unwritten,
        mtime=record.mtime,
    )


def observe(
    occupation: Occupation | None,
    path: str,
    sighting: Sighting | None,
    now: float,
    gap_grace: float = GAP_GRACE_S,
) -> Occupation | None:
    """Add one look at `path` (`sighting` None: no lock there) to its occupation; None when it is free.

    Idempotent. `now` is epoch seconds and may go backwards: the chain then moves with the clock, and no
    duration becomes negative. `gap_grace` is in seconds; see `lockdeck.backend.model.runs.rotation.gap_grace`.
    """
    if occupation is None:
        return None if sighting is None else _begin(path, sighting, now)
    chain = _not_in_the_future(occupation, now)
    if sighting is None:
        chain = _ended(chain, now)
        return None if chain.over(now, gap_grace) else chain
    if chain.current is not None and same_hold(chain.current, sighting):
        return _filled(chain, chain.current, sighting)
    return _next_hold(chain, sighting, now, gap_grace)


def occupied_ms(occupation: Occupation, now: float) -> int:
    """Return how long the path has been occupied, in milliseconds; a gap in progress is not counted."""
    until = now if occupation.last_seen is None else occupation.last_seen
    return max(0, round((until - occupation.since) * 1000))


def same_hold(hold: Hold, sighting: Sighting) -> bool:
    """Return whether a sighting is the hold known already, although bytes or ctime may have changed.

    An inode alone proves nothing (ext4 hands it out again at once, seen on 2026.4.5): it counts together
    with a payload that was still being written, or with an equal pid and creation time.
    """
    if hold.release_id == sighting.release_id:
        return True
    if (hold.dev, hold.ino) != (sighting.dev, sighting.ino):
        return False
    if not hold.written:
        return sighting.created_at is None or sighting.created_at <= hold.started_at + CREATION_SLACK_S
    return hold.created_at is not None and (hold.pid, hold.created_at) == (sighting.pid, sighting.created_at)


def _begin(path: str, sighting: Sighting, now: float) -> Occupation:
    hold = _hold(sighting, _start(sighting, now))
    return Occupation(path, hold.started_at, 1, (hold,))


def _start(sighting: Sighting, now: float, earliest: float = 0.0) -> float:
    """Return when a hold began: its own word where that is sane, else its file's time, else the first sight of it."""
    moments = (at for at in (sighting.created_at, sighting.mtime) if at is not None and 0.0 < at <= now)
    return max(next(moments, now), earliest)


def _hold(sighting: Sighting, started_at: float) -> Hold:
    return Hold(
        sighting.release_id,
        sighting.pid,
        started_at,
        None,
        sighting.dev,
        sighting.ino,
        sighting.created_at,
        sighting.written,
    )


def _next_hold(chain: Occupation, sighting: Sighting, now: float, gap_grace: float) -> Occupation:
    last = chain.recent[-1]
    free_since = chain.last_seen
    if free_since is None:
        start = _start(sighting, now, last.started_at)
        chain = _ended(chain, start)
    else:
        start = _start(sighting, now, free_since)
        if start - free_since > gap_grace:
            return _begin(chain.path, sighting, now)
    recent = (*chain.recent, _hold(sighting, start))[-RECENT_HOLDS:]
    return replace(chain, holds=chain.holds + 1, recent=recent)


def _ended(chain: Occupation, at: float) -> Occupation:
    last = chain.recent[-1]
    if last.ended_at is not None:
        return chain
    return replace(chain, recent=(*chain.recent[:-1], replace(last, ended_at=max(at, last.started_at))))


def _filled(chain: Occupation, hold: Hold, sighting: Sighting) -> Occupation:
    """Take over what the same hold's file says now: payload filled in, ctime changed."""
    filled = replace(_hold(sighting, hold.started_at), written=hold.written or sighting.written)
    return chain if filled == hold else replace(chain, recent=(*chain.recent[:-1], filled))


def _not_in_the_future(chain: Occupation, now: float) -> Occupation:
    """Move the whole chain back when the clock was set back, so that its durations stay what they were."""
    last = chain.recent[-1]
    ahead = max(last.started_at, last.ended_at or last.started_at) - now
    if ahead <= 0:
        return chain
    moved = tuple(
        replace(
            hold,
            started_at=min(now, hold.started_at - ahead),
            ended_at=None if hold.ended_at is None else min(now, hold.ended_at - ahead),
        )
        for hold in chain.recent
    )
    return replace(chain, since=min(now, chain.since - ahead), recent=moved)
