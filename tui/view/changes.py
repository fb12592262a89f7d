"""What changed between two snapshots, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from lockdeck.backend.model.fleet import FleetSnapshot, RootView, SessionView, Severity
from lockdeck.tui.table.rows import VERDICT_SEVERITY, short_key
from lockdeck.tui.view.header import every_lock


class Change(Struct, frozen=True):
    """One thing that changed: when (epoch seconds), how urgent, about whom, and the sentence."""

    at: float
    severity: Severity
    subject: str
    sentence: str
    row: tuple[str, str, str] | None = None


def changes(before: FleetSnapshot | None, after: FleetSnapshot) -> tuple[Change, ...]:
    """Return what changed, most urgent first; nothing for the first snapshot, which is no change."""
    if before is None:
        return ()
    found = [*_sessions(before, after), *_locks(before, after), *_roots(before, after)]
    return tuple(sorted(found, key=lambda change: -change.severity))


def _sessions(before: FleetSnapshot, after: FleetSnapshot) -> Iterator[Change]:
    old = {view.identity: view for view in before.sessions}
    for view in after.sessions:
        was = old.pop(view.identity, None)
        if was is not view:
            for severity, sentence in _session(was, view):
                yield _about(view, after, severity, sentence)
    for view in old.values():
        yield _about(view, after, Severity.NOTICE, "left the fleet")


def _session(was: SessionView | None, view: SessionView) -> Iterator[tuple[Severity, str]]:
    why = f": {view.reasons[0]}" if view.reasons else ""
    if was is None:
        yield view.severity, f"appeared, {view.state}{why}"
        return
    if was.state is not view.state:
        yield view.severity, f"{was.state} became {view.state}{why}"
    elif was.severity is not view.severity:
        yield view.severity, f"{view.state} went from {was.severity.word} to {view.severity.word}{why}"
    if view.attempt is not None and (was.attempt is None or was.attempt.index != view.attempt.index):
        model = f" on {view.attempt.model}" if view.attempt.model else ""
        yield view.severity, f"attempt {view.attempt.index} began{model}"
    more = view.blocked.count - was.blocked.count
    if more > 0:
        yield max(view.severity, Severity.WARNING), f"{more} more blocked caller{'s' if more > 1 else ''}"


def _about(view: SessionView, after: FleetSnapshot, severity: Severity, sentence: str) -> Change:
    subject = f"{view.agent} {short_key(view)}"
    return Change(after.generated_at, severity, subject, sentence, ("session", view.root, view.key))


def _locks(before: FleetSnapshot, after: FleetSnapshot) -> Iterator[Change]:
    old = {lock.record.path: lock for lock in every_lock(before)}
    for lock in every_lock(after):
        was = old.pop(lock.record.path, None)
        verdict = lock.judgement.verdict
        if was is lock or (was is not None and was.judgement.verdict is verdict):
            continue
        severity = VERDICT_SEVERITY[verdict]
        if was is None and severity is Severity.OK:
            continue  # a healthy lock coming and going is the daily work of a session
        turned = f"lock was {was.judgement.verdict}, is {verdict}" if was else f"lock found {verdict}"
        row = ("lock", lock.record.root, lock.record.path)
        yield Change(after.generated_at, severity, lock.record.path.rpartition("/")[2], turned, row)
    for was in old.values():
        if VERDICT_SEVERITY[was.judgement.verdict] is not Severity.OK:
            name = was.record.path.rpartition("/")[2]
            yield Change(after.generated_at, Severity.OK, name, f"{was.judgement.verdict} lock is gone")


def _roots(before: FleetSnapshot, after: FleetSnapshot) -> Iterator[Change]:
    old = {root.path: root for root in before.roots}
    for root in after.roots:
        was = old.pop(root.path, None)
        for severity, sentence in _root(was, root):
            yield Change(after.generated_at, severity, root.path, sentence)
    for path in old:
        yield Change(after.generated_at, Severity.WARNING, path, "root is no longer watched")


def _root(was: RootView | None, root: RootView) -> Iterator[tuple[Severity, str]]:
    if was is None:
        yield Severity.OK, "root is watched"
        return
    for problem in root.problems:
        if problem not in was.problems:
            yield Severity.WARNING, problem
    if was.watch != root.watch:
        yield Severity.OK if root.watch == "live" else Severity.NOTICE, f"watching is {root.watch}"
    old, new = was.gateway, root.gateway
    if (old and old.pid, old and old.alive) != (new and new.pid, new and new.alive):
        if new is None or new.alive is False:
            yield Severity.WARNING, "gateway is gone"
        elif new.alive is None:
            yield Severity.NOTICE, f"gateway pid {new.pid} can't be seen from here"
        else:
            yield Severity.NOTICE, f"gateway is pid {new.pid}"
