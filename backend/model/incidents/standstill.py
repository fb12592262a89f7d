"""Gateways that drain, block or are gone, and hosts where none lives: by the sessions of whole roots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lockdeck.backend.model.fleet import RootView, SessionView, State
from lockdeck.backend.model.identity import Identity
from lockdeck.backend.model.incidents.calls import Call
from lockdeck.backend.model.incidents.records import Incident, IncidentKind, Symptom
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.runs.events import CallerRefusal
from lockdeck.backend.model.sessions.refusals import Refusals
from lockdeck.backend.model.words import times

_AT_WORK = frozenset({State.RUNNING, State.ROTATING, State.COMPACTING})


def draining(
    agents: Mapping[Identity, str], refusals: Mapping[Identity, Refusals], calls: Iterable[Call], subject: str
) -> Incident | None:
    """Return the gateway that takes no work: several sessions were refused, and none has begun an attempt since.

    `agents` are the names of the agents by the sessions of the gateway, `refusals` lately those of all sessions.
    """
    refused = {
        session: of_it
        for session, of_it in refusals.items()
        if session in agents and of_it.refusal is CallerRefusal.DRAINING
    }
    last = max((of_it.last for of_it in refused.values()), default=0.0)
    if len(refused) < 2 or any(call.session in agents and call.begins > last for call in calls):
        return None
    callers = sum(of_it.callers for of_it in refused.values())
    return Incident(
        kind=IncidentKind.GATEWAY,
        subjects=(subject,),
        symptom=Symptom.DRAINS,
        since=min(of_it.first for of_it in refused.values()),
        agents=tuple(sorted({agents[session] for session in refused})),
        members=tuple(sorted(refused)),
        callers=callers,
        evidence=(
            f"{times(callers, 'caller')} of {len(refused)} sessions refused: {CallerRefusal.DRAINING}",
        ),
    )


def blocking(root: RootView, views: Sequence[SessionView], explained: frozenset[Identity]) -> Incident | None:
    """Return the gateway of a root that holds several sessions and moves none of them.

    `explained` are sessions whose provider answers nobody. A session that it works on is the counter-evidence.
    """
    if root.gateway is None or root.gateway.alive is False:
        return None
    pid = root.gateway.pid
    held = [view for view in views if _holder_pid(view) == pid]
    stuck = [view for view in held if _stands_still(view) and view.identity not in explained]
    if len(stuck) < 2 or any(view.state in _AT_WORK for view in held):
        return None
    reasons = dict.fromkeys(view.reasons[0] for view in stuck if view.reasons)
    evidence = (f"pid {pid} holds {len(stuck)} sessions, and none that it holds goes on", *reasons)
    since = [view.since for view in stuck if view.since is not None]
    return _of_views(
        IncidentKind.GATEWAY, root.path, Symptom.BLOCKS, stuck, evidence, min(since, default=None)
    )


def deserted(roots: Sequence[RootView], views: Sequence[SessionView], host: str) -> Iterator[Incident]:
    """Yield the gateways that are gone and have left several sessions behind; where none of several lives, the host."""
    gone = [root for root in roots if root.gateway is not None and root.gateway.alive is False]
    left = {root.path: [view for view in views if _left_behind(view, root)] for root in gone}
    if len(gone) == len(roots) and sum(map(bool, left.values())) > 1:
        everything = [view for of_root in left.values() for view in of_root]
        evidence = tuple(_gone(root, len(left[root.path])) for root in gone)
        yield _of_views(IncidentKind.HOST, host, Symptom.DESERTED, everything, evidence)
        return
    for root in gone:
        of_root = left[root.path]
        if len(of_root) > 1:
            evidence = (_gone(root, len(of_root)),)
            yield _of_views(IncidentKind.GATEWAY, root.path, Symptom.GONE, of_root, evidence)


def _stands_still(view: SessionView) -> bool:
    """Return whether a session is stuck otherwise than by a rotation that goes on from timeout to timeout."""
    return view.state is State.STUCK and (view.rotation is None or not view.rotation.timeouts)


def _gone(root: RootView, sessions: int) -> str:
    pid = root.gateway.pid if root.gateway is not None else "not known"
    return f"{root.path}: gateway pid {pid} is gone, {times(sessions, 'session')} left behind"


def _left_behind(view: SessionView, root: RootView) -> bool:
    """Return whether a gateway that is gone has left a session: its lock still names it, or the session lets nobody in."""
    if view.root != root.path or root.gateway is None:
        return False
    if view.lock is None:
        return view.state is State.STUCK
    payload = view.lock.record.payload
    over = view.lock.judgement.verdict in (Verdict.DEAD, Verdict.RECYCLED)
    return over and payload is not None and payload.pid == root.gateway.pid


def _holder_pid(view: SessionView) -> int | None:
    holder = view.lock.judgement.holder if view.lock is not None else None
    if holder is not None:
        return holder.pid
    return None if view.holder is None else view.holder.pid


def _of_views(
    kind: IncidentKind,
    subject: str,
    symptom: Symptom,
    views: Sequence[SessionView],
    evidence: tuple[str, ...],
    since: float | None = None,
) -> Incident:
    return Incident(
        kind=kind,
        subjects=(subject,),
        symptom=symptom,
        since=since,
        agents=tuple(sorted({view.agent for view in views})),
        members=tuple(sorted(view.identity for view in views)),
        callers=sum(view.blocked.count for view in views),
        evidence=evidence,
    )
