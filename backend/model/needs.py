"""The things that need a person; the exit code of the command line follows from them."""

from __future__ import annotations

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RootView, State
from lockdeck.backend.model.gateways import runs_beside_another
from lockdeck.backend.model.locks import Verdict


def needs_person(snapshot: FleetSnapshot) -> bool:
    """Return whether anything needs a person.

    A stuck session, one that a cancel has not freed yet, a releasable lock, a lock removed under its holder, a gateway that was refused because of
    an owner that is gone, or that can't start, two gateways on one root, a root of which something can't be seen
    that would show trouble, a host that is not seen whole. A stale gateway lock alone needs nobody: the next start takes it over.
    """
    if any(session.state in (State.STUCK, State.CANCELLING) for session in snapshot.sessions):
        return True
    if not all(host.seen for host in snapshot.hosts):
        return True
    if any(root.unseen or _nothing_serves(root) for root in snapshot.roots):
        return True
    return any(lock_needs_person(view) for view in snapshot.locks)


def _nothing_serves(root: RootView) -> bool:
    return root.refused_start is not None and root.refused_start.alive is False


def lock_needs_person(view: LockView) -> bool:
    """Return whether one lock needs a person."""
    judgement = view.judgement
    return (
        judgement.releasable
        or judgement.verdict in (Verdict.REMOVED, Verdict.LEAKED)
        or runs_beside_another(view)
    )
