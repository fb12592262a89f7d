"""What changed between two snapshots, in the terms a person or a program cares about."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RootView, SessionView


class Change(Struct, frozen=True):
    """One change: `subject` is session, lock or root; `how` is appeared, changed or vanished.

    Exactly one of the three views is set: the new one, or the last one known of what vanished.
    """

    subject: str
    how: str
    session: SessionView | None = None
    lock: LockView | None = None
    root: RootView | None = None


def changes(before: FleetSnapshot | None, after: FleetSnapshot) -> Iterator[Change]:
    """Yield what changed; with no earlier snapshot everything that is there has appeared.

    Times that merely go on (ages, durations) are no change.
    """
    old_roots = {root.path: root for root in before.roots} if before else {}
    for root in after.roots:
        if root != old_roots.get(root.path):
            yield Change("root", "changed" if root.path in old_roots else "appeared", root=root)
    yield from _session_changes(before, after)
    yield from _lock_changes(before, after)


def _session_changes(before: FleetSnapshot | None, after: FleetSnapshot) -> Iterator[Change]:
    old = {session.identity: session for session in before.sessions} if before else {}
    for session in after.sessions:
        known = old.pop(session.identity, None)
        if known is None:
            yield Change("session", "appeared", session=session)
        elif known is not session and _session_face(known) != _session_face(session):
            yield Change("session", "changed", session=session)
    for session in old.values():
        yield Change("session", "vanished", session=session)


def _lock_changes(before: FleetSnapshot | None, after: FleetSnapshot) -> Iterator[Change]:
    old = {view.record.path: view for view in before.locks} if before else {}
    for view in after.locks:
        known = old.pop(view.record.path, None)
        if known is None:
            yield Change("lock", "appeared", lock=view)
        elif _lock_face(known) != _lock_face(view):
            yield Change("lock", "changed", lock=view)
    for view in old.values():
        yield Change("lock", "vanished", lock=view)


def _session_face(session: SessionView) -> tuple[object, ...]:
    occupation, rotation = session.occupation, session.rotation
    return (
        session.state,
        session.severity,
        session.session_id,
        session.attempt,
        rotation and (rotation.attempts, rotation.timeouts, rotation.total, rotation.finished),
        occupation and (occupation.since, occupation.holds),
        session.blocked.count,
        session.holder and (session.holder.run_id, session.holder.queue_depth, session.holder.refused),
        session.lock and _lock_face(session.lock),
    )


def _lock_face(view: LockView) -> tuple[object, ...]:
    return (view.release_id, view.judgement.verdict, view.judgement.releasable, view.judgement.holder)
