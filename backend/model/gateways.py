"""The gateway that serves a root, whether it lives, and starts that it refused: by the verdicts on its locks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from lockdeck.backend.model.fleet import GatewayView, LockView, RefusedStart
from lockdeck.backend.model.locks import Holder, Judgement, Presence, Verdict
from lockdeck.backend.model.runs.events import GatewayRefused
from lockdeck.backend.model.sessions.blocked import SAME_CALLER_S
from lockdeck.backend.model.words import hour_and_minute

RECENT_S = 3600.0
"""A start that was refused longer ago than this (seconds) says nothing about now."""

_TITLE = "openclaw-gatewa"
"""A gateway rewrites its title to openclaw-gateway, of which the kernel keeps 15 characters (seen on 2026.4.5)."""
_OVER = frozenset({Verdict.DEAD, Verdict.RECYCLED})


def is_alive(judgement: Judgement) -> bool | None:
    """Return whether the owner of a lock lives: a process that holds it, or none; None where that can't be told."""
    if judgement.holder is not None:
        return True
    return False if judgement.verdict in _OVER else None


def serving_lock(locks: Iterable[LockView]) -> LockView | None:
    """Return the lock of the gateway that serves a root: a living owner first, then the newest lock.

    From 2026.8 on embedded agents and maintenance take the same locks; they serve nobody.
    """
    owned = [view for view in locks if _pid(view) is not None and _role(view) is None]
    return max(owned, key=_precedence, default=None)


def gateway_at_work(locks: Iterable[LockView]) -> Holder | None:
    """Return the gateway that has sessions, by the locks of sessions: the one that started last; None where none has any."""
    holders = (view.judgement.holder for view in locks)
    named = [holder for holder in holders if holder is not None and holder.name.startswith(_TITLE)]
    return max(named, key=lambda holder: holder.started_at or 0.0, default=None)


def gateway_of(locks: Iterable[LockView], port: int | None) -> GatewayView | None:
    """Return the gateway of a root by its locks; `port` is the configured one, for locks that name none."""
    view = serving_lock(locks)
    pid = None if view is None else _pid(view)
    if view is None or pid is None:
        return None
    payload = view.record.payload
    return GatewayView(pid, None, (payload.port if payload else None) or port, is_alive(view.judgement))


def started_at(locks: Iterable[LockView]) -> float | None:
    """Return when the living gateway of a root started, epoch seconds; None where none is known to live."""
    view = serving_lock(locks)
    holder = None if view is None else view.judgement.holder
    if view is None or holder is None:
        return None
    return holder.started_at if holder.started_at is not None else view.record.created_at or 0.0


def refused_start(
    refusals: Iterable[GatewayRefused], locks: Sequence[LockView], port: int | None, alone: bool, now: float
) -> RefusedStart | None:
    """Return what the log tells of starts that were refused because of the locks that stand now.

    A line names no root. It is joined by the pid that it names, or by the port; one that names neither only
    where `alone`: no other root watched can be meant. Lines from before a lock was taken are not about it.
    A start that failed for a reason of its own counts as long as no gateway has come up since.
    """
    refusals = tuple(refusals)
    failed = _failed_start(refusals, locks, alone, now)
    joined = [(event, view) for event in refusals if (view := _meant(event, locks, port, alone)) is not None]
    recent = [(event, view) for event, view in joined if 0 <= now - event.at <= RECENT_S]
    if not recent:
        return failed
    last, view = max(recent, key=lambda pair: pair[0].at)
    if failed is not None and failed.at > last.at:
        return failed
    starts = _starts(event.at for event, _ in recent)
    return RefusedStart(last.at, starts, _pid(view), is_alive(view.judgement), last.waiting)


def _failed_start(
    refusals: Sequence[GatewayRefused], locks: Sequence[LockView], alone: bool, now: float
) -> RefusedStart | None:
    """Return the starts that failed for a reason of their own and that no start of a gateway has followed."""
    serving = serving_lock(locks)
    serves = serving is not None and is_alive(serving.judgement) is not False
    began_at = started_at(locks)
    if began_at is None and serving is not None and serves:  # whether it lives can't be told: it may
        began_at = serving.record.created_at
    failed = [
        event
        for event in refusals
        if event.reason is not None and 0 <= now - event.at <= RECENT_S and event.at > (began_at or -math.inf)
    ]
    if not failed or not alone:
        return None
    last = max(failed, key=lambda event: event.at)
    # A gateway that was there before serves on: it was another one that failed.
    return RefusedStart(last.at, _starts(event.at for event in failed), None, serves, reason=last.reason)


def _starts(moments: Iterable[float]) -> int:
    """Count the starts that some lines tell of: one start may write several at once."""
    times = sorted(set(moments))
    return sum(at - earlier > SAME_CALLER_S for earlier, at in zip([-math.inf, *times], times, strict=False))


def sentences(locks: Sequence[LockView], refused: RefusedStart | None) -> Iterator[str]:
    """Yield what a person should know of a root's gateway locks."""
    if refused is not None:
        yield _refusal(refused)
    serving = serving_lock(locks)
    for view in locks:
        pid, verdict, role = _pid(view), view.judgement.verdict, _role(view)
        if runs_beside_another(view):
            owners = ", ".join(f"pid {holder.pid}" for holder in view.evidence.deleted_openers)
            yield f"{owners} took this root's gateway lock before pid {pid} did and still runs: two gateways serve it"
        if role is not None and is_alive(view.judgement) and view.record.payload is not None:
            yield f"pid {pid} ({role}) has the gateway's lock: no gateway can start before it ends"
        elif view is serving and verdict in _OVER and refused is None:
            yield f"{_gone_owner(pid, verdict)}: its gateway lock is stale, and the next start takes it over"
        elif view is serving and verdict is Verdict.LEAKED:
            yield f"pid {pid} lives but has let go of the gateway lock that names it: no other gateway can start"
        elif verdict is Verdict.REMOVED:
            yield f"pid {pid} lives and its gateway lock was deleted: a second gateway could start beside it"


def runs_beside_another(view: LockView) -> bool:
    """Return whether a lock was taken while an earlier owner of its name lives: two gateways on a root, two writers."""
    return view.record.presence is not Presence.ABSENT and bool(view.evidence.deleted_openers)


def _refusal(refused: RefusedStart) -> str:
    if refused.reason is not None:
        often = f"failed {refused.count} times, last at" if refused.count > 1 else "failed at"
        served = "; the gateway that was there before still runs" if refused.alive else ""
        return f"a gateway start {often} {hour_and_minute(refused.at)}: {refused.reason}{served}"
    event = "a second gateway was refused at" if refused.alive else "a gateway start was refused at"
    if refused.waiting:
        event = "a gateway that is being started waits since"
    lead = f"{event} {hour_and_minute(refused.at)}"
    if refused.count > 1:
        lead = f"gateway starts were refused {refused.count} times, last at {hour_and_minute(refused.at)}"
    if refused.alive:
        return f"{lead}: pid {refused.pid} runs already, and it lives"
    if refused.alive is False:
        return f"{lead}: pid {refused.pid} had the lock and is gone: its lock is stale, the next start takes it over"
    owner = "another process" if refused.pid is None else f"pid {refused.pid}"
    return f"{lead}: {owner} had the lock; whether it lives can't be told from here"


def _gone_owner(pid: int | None, verdict: Verdict) -> str:
    if verdict is Verdict.RECYCLED:
        return f"gateway pid {pid} is gone and its number belongs to another process"
    return f"gateway pid {pid} is gone"


def _meant(
    event: GatewayRefused, locks: Sequence[LockView], port: int | None, alone: bool
) -> LockView | None:
    if event.reason is not None:
        return None  # no owner of a lock refused it
    candidates = [view for view in locks if event.at >= (view.record.created_at or 0.0)]
    if event.pid is not None:
        matches = [view for view in candidates if event.pid in (_payload_pid(view), _pid(view))]
    elif event.port is not None:
        matches = [view for view in candidates if event.port == (_port(view) or port)]
    else:
        matches = candidates if alone else []
    return max(matches, key=_precedence, default=None)


def _precedence(view: LockView) -> tuple[bool, bool, float, str]:
    alive = is_alive(view.judgement)
    return (alive is True, alive is None, view.record.created_at or 0.0, view.record.path)


def _pid(view: LockView) -> int | None:
    holder = view.judgement.holder
    return holder.pid if holder is not None else _payload_pid(view)


def _payload_pid(view: LockView) -> int | None:
    return view.record.payload.pid if view.record.payload is not None else None


def _port(view: LockView) -> int | None:
    return view.record.payload.port if view.record.payload is not None else None


def _role(view: LockView) -> str | None:
    return view.record.payload.role if view.record.payload is not None else None
