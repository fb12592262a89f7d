"""A snapshot as plain text: for pipes, screen readers and terminals without a screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RootView, SessionView, Severity, State
from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.model.sources import SourceState, SourceView
from lockdeck.backend.model.wire import summary_json
from lockdeck.backend.model.words import UNKNOWN, date_and_time, duration, times, zone
from lockdeck.backend.system.text import SafeText, safe
from lockdeck.tui.view.advice import advice
from lockdeck.tui.view.printed.commands import cancel_command
from lockdeck.tui.view.printed.incidents import incident_text
from lockdeck.tui.view.printed.table import table_lines


def snapshot_lines(
    snapshot: FleetSnapshot, width: int | None = None, host_options: Sequence[str] = ()
) -> Iterator[SafeText]:
    """Render host and time, the causes, roots, sessions with something to say, locks without a session, gateway locks, counts.

    `width` is the terminal's in cells; None: nothing is cut. `host_options`: words that name another host in a command.
    """
    yield safe(f"{snapshot.host}  {date_and_time(snapshot.generated_at)} {zone(snapshot.generated_at)}")
    yield from cause_lines(snapshot, host_options)
    for root in snapshot.roots:
        yield from root_lines(root, snapshot.generated_at)
    busy = [session for session in snapshot.sessions if has_something_to_say(session)]
    if busy:
        yield SafeText("")
        yield from table_lines(snapshot, busy, width, host_options=host_options)
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


def cause_lines(snapshot: FleetSnapshot, host_options: Sequence[str] = ()) -> Iterator[SafeText]:
    """Render what several sessions have in common, with its evidence and the one command for all of it."""
    for incident in snapshot.incidents:
        yield incident_text(incident, snapshot.generated_at)
        yield from (safe(f"  {sentence}", 4096) for sentence in incident.evidence)
        yield safe(f"  to cancel all of it: {cancel_command(incident, host_options)}", 4096)
    if snapshot.incidents:
        yield SafeText("")


def has_something_to_say(session: SessionView) -> bool:
    """Return whether a session is more than idle."""
    quiet = session.state is State.IDLE and session.severity is Severity.OK
    return not quiet or session.lock is not None or session.cancelled is not None


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
