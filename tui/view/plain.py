"""A snapshot as plain text: for pipes, screen readers and terminals without a screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RootView, SessionView, Severity, State
from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.model.sources import SourceState, SourceView
from lockdeck.backend.model.wire import summary_json
from lockdeck.backend.model.words import UNKNOWN, duration, time_of_day, times
from lockdeck.backend.system.text import SafeText, safe
from lockdeck.tui.view.advice import advice
from lockdeck.tui.view.names import short_key
from lockdeck.tui.view.symbols import ASCII


def snapshot_lines(snapshot: FleetSnapshot) -> Iterator[SafeText]:
    """Render roots, sessions that are not idle, locks without a session, gateway locks, and the counts."""
    for root in snapshot.roots:
        yield from root_lines(root, snapshot.generated_at)
    busy = [s for s in snapshot.sessions if s.state is not State.IDLE or s.lock or s.severity > Severity.OK]
    if busy:
        yield SafeText("")
        yield from _table(busy, snapshot.generated_at)
    of_sessions = {session.lock.record.path for session in snapshot.sessions if session.lock}
    rest = [view for view in snapshot.locks if view.record.path not in of_sessions]
    gateways = [view for view in rest if view.record.kind is LockKind.GATEWAY]
    orphans = [view for view in rest if view.record.kind is not LockKind.GATEWAY]
    for title, views in (("locks without a known session:", orphans), ("gateway locks:", gateways)):
        if views:
            yield SafeText("")
            yield SafeText(title)
        for view in views:
            yield from lock_lines(view)
    yield SafeText("")
    yield summary_line(snapshot)


def root_lines(root: RootView, now: float) -> Iterator[SafeText]:
    """Render one root with its gateway, its sources and problems."""
    gateway = "no gateway seen"
    if root.gateway:
        alive = _LIFE[root.gateway.alive]
        version = f" {root.gateway.version}" if root.gateway.version else ""
        gateway = f"gateway{version} pid {root.gateway.pid} {alive}"
    yield safe(f"{root.path}  [{root.era}]  {gateway}  watch: {root.watch}")
    if root.sources:
        yield safe(f"  sources: {_sources(root.sources, now)}")
    for problem in root.problems:
        yield safe(f"  problem: {problem}")


def _sources(sources: Sequence[SourceView], now: float) -> str:
    """Return what is read and what is not in one line; sources that are not needed are left out."""
    needed = (source for source in sources if source.state is not SourceState.NOT_NEEDED)
    return ", ".join(f"{source.kind} {source.state}{source.age(now)}" for source in needed)


_LIFE = {True: "alive", False: "gone", None: "(its life can't be seen from here)"}


def _table(sessions: Sequence[SessionView], now: float) -> Iterator[SafeText]:
    rows: list[tuple[str, ...]] = [
        ("", "STATE", "AGENT", "SESSION", "FOR", "ATTEMPT", "LOCK", "HOLDER", "BLOCKED", "FREE BY")
    ]
    rows += [_row(session, now) for session in sessions]
    clean = [[safe(cell, 40) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in clean) for i in range(len(rows[0]))]
    for index, row in enumerate(clean):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield SafeText(line.rstrip())
        if index:
            for reason in sessions[index - 1].reasons:
                yield safe(f"     {reason}")


def _row(session: SessionView, now: float) -> tuple[str, ...]:
    since = session.occupation.since if session.occupation else session.since
    holder = session.lock.judgement.holder if session.lock else None
    return (
        ASCII.states[session.state],
        session.state.value,
        session.agent,
        short_key(session),
        duration(now - since) if since else UNKNOWN,
        attempt_text(session),
        session.lock.judgement.verdict.value if session.lock else "-",
        f"{holder.pid} {holder.name}" if holder else _run_holder(session),
        str(session.blocked.count or "-"),
        time_of_day(session.rotation.free_by, now) if session.rotation else "-",
    )


def _run_holder(session: SessionView) -> str:
    """Name what holds a session without a lock file: the gateway with its active run."""
    holder = session.holder
    return "-" if holder is None else f"{holder.pid or 'gateway'} {holder.model or ''}".rstrip()


def attempt_text(session: SessionView) -> str:
    """Return `3/5 beta` for the running attempt; `-` when none is known."""
    attempt = session.attempt
    if attempt is None:
        return "-"
    total = session.rotation.total if session.rotation else None
    of = f"/{total}" if total else ""
    return f"{attempt.index}{of} {attempt.profile or attempt.model or ''}".rstrip()


def lock_lines(view: LockView) -> Iterator[SafeText]:
    """Render one lock with verdict, reasons and what may be done."""
    judgement = view.judgement
    age = UNKNOWN if view.evidence.age_s is None else duration(view.evidence.age_s)
    name = f"  release id {view.release_id}" if view.release_id else ""
    yield safe(f"{view.record.path}", 4096)
    yield safe(f"  {judgement.verdict.value}  age {age}{name}")
    for reason in judgement.reasons:
        yield safe(f"    {reason}")
    sentence = advice(view)
    yield safe(f"  {sentence[0].lower()}{sentence[1:]}")


def summary_line(snapshot: FleetSnapshot) -> SafeText:
    """Return one line of counts."""
    counts = summary_json(snapshot)
    states = ", ".join(f"{n} {state}" for state, n in counts["sessions"].items() if state != "total")
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in counts["locks"].items() if verdict != "total")
    total, locks = counts["sessions"]["total"], counts["locks"]["total"]
    parts = [
        times(total, "session") + (f" ({states})" if states else ""),
        times(locks, "lock") + (f" ({verdicts})" if verdicts else ""),
    ]
    if counts["blocked"]:
        parts.append(times(counts["blocked"], "blocked caller"))
    return safe("; ".join(parts))
