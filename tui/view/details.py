"""Everything about one session or one lock, as sections of lines. All pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RootView, SessionView
from lockdeck.backend.model.knowledge import Knowledge
from lockdeck.backend.model.words import duration, time_of_day
from lockdeck.backend.system.processes import ProcessDetails
from lockdeck.backend.system.text import safe
from lockdeck.tui.view.advice import advice, session_advice
from lockdeck.tui.view.bars import attempt_index
from lockdeck.tui.view.holder import other_locks, process_lines
from lockdeck.tui.view.lines import EMPTY, Line, line, span, wrap
from lockdeck.tui.view.severity import LIFE, state_line, verdict_line
from lockdeck.tui.view.sources import source_rows
from lockdeck.tui.view.sparkline import Beat, pulse_lines
from lockdeck.tui.view.symbols import Symbols
from lockdeck.tui.view.timeline import timeline


class Picture(Struct, frozen=True):
    """All that a detail view is drawn from; `has_left` when the subject has left the fleet and this is its last picture.

    `process` is the lock's holder as last read, None before that and where it can't be read. `beats` tell
    how the locks of the session's agent fared lately.
    """

    now: float
    snapshot: FleetSnapshot
    session: SessionView | None = None
    lock: LockView | None = None
    has_left: bool = False
    process: ProcessDetails | None = None
    beats: tuple[Beat, ...] = ()

    @property
    def root_path(self) -> str:
        """The root of the session or lock, empty where there is neither."""
        if self.session is not None:
            return self.session.root
        return self.lock.record.root if self.lock is not None else ""

    @property
    def root(self) -> RootView | None:
        """That root, None where the snapshot has it no more."""
        return next((root for root in self.snapshot.roots if root.path == self.root_path), None)


def describe(picture: Picture, symbols: Symbols, width: int) -> list[Line]:
    """Return the whole detail view."""
    rows: list[Line] = []
    if picture.has_left:
        rows += [
            EMPTY,
            line(span(" This is gone from the fleet. What follows is the last picture of it.", "critical")),
        ]
    session, lock = picture.session, picture.lock
    if session is not None:
        rows += [EMPTY, *_session(session, symbols, picture.now, width)]
        rows += _section("Rotation", _rotation(session, picture.now, symbols, width), symbols, width)
        rows += _section("Forecast", _forecast(session, picture.now), symbols, width)
        rows += _section("Blocked callers", _blocked(session, picture.now), symbols, width)
        title = f"Agent {safe(session.agent, 24)} in the last 5 minutes"
        rows += _section(title, pulse_lines(picture.beats, symbols), symbols, width)
    rows += _section("Lock", _lock(lock, picture.now, symbols), symbols, width)
    rows += _section("Holder process", _process(picture), symbols, width)
    sentence = session_advice(session) if session is not None else None
    if sentence is None and lock is not None:
        sentence = advice(lock)
    if sentence is not None:
        rows += _section("What lockdeck would do", [line(span(sentence))], symbols, width)
    rows += _section("Sources", _sources(picture), symbols, width)
    return [*rows, *_section("Root", _root(picture), symbols, width), EMPTY]


def _session(session: SessionView, symbols: Symbols, now: float, width: int) -> Iterator[Line]:
    since = (
        f" for {duration(now - session.since)}, since {time_of_day(session.since)}" if session.since else ""
    )
    title = (span(" "), *state_line(session, symbols), span(since, "dim"))
    yield from wrap(title, width)
    yield from wrap(line(span(" "), span(session.key, "text")), width - 1, indent=1)
    for reason in session.reasons:
        yield from wrap(line(span(f"   {symbols.dot} ", "dim"), span(reason)), width - 1, indent=5)


def _rotation(session: SessionView, now: float, symbols: Symbols, width: int) -> Iterator[Line]:
    rotation, occupied = session.rotation, session.occupied_s(now)
    facts = []
    if rotation is not None:
        total = rotation.total if rotation.total is not None else "?"
        facts.append(
            f"attempt {attempt_index(rotation, session.attempt)} of {total}, {rotation.timeouts} timeouts"
        )
    if occupied is not None:
        facts.append(f"occupied for {duration(occupied)}")
    if session.occupation is not None:
        facts.append(f"since {time_of_day(session.occupation.since)}")
    if facts:
        yield line(span(", ".join(facts), "text"))
    yield from timeline(session, now, symbols, width - 2)


def _forecast(session: SessionView, now: float) -> Iterator[Line]:
    rotation = session.rotation
    if rotation is None:
        return
    if rotation.free_by is not None and not rotation.finished:
        overdue = rotation.free_by < now
        distance = f"{duration(abs(rotation.free_by - now))} {'ago' if overdue else 'from now'}"
        yield line(
            span("free by "),
            span(time_of_day(rotation.free_by), "critical" if overdue else "accent"),
            span(f", {distance}"),
        )
    if rotation.free_by_how:
        yield line(span(rotation.free_by_how, "dim"))
    if rotation.policy is not None:
        yield line(span(rotation.policy.sentence, "warning" if rotation.policy.would_stop_at else "text"))


def _blocked(session: SessionView, now: float) -> Iterator[Line]:
    blocked = session.blocked
    if not blocked.count:
        return
    last = f", the last {duration(now - blocked.last)} ago" if blocked.last is not None else ""
    yield line(span(f"{blocked.count} so far{last}", "warning"))
    for sentence in blocked.sentences:
        yield line(span(sentence, "dim"))


def _lock(lock: LockView | None, now: float, symbols: Symbols) -> Iterator[Line]:
    if lock is None:
        yield line(span("no lock file now", "dim"))
        return
    created = lock.record.created_at
    age = span(f", {duration(now - created)} old" if created is not None else "", "dim")
    free = span(", releasable" if lock.judgement.releasable else "", "accent")
    yield (*verdict_line(lock, symbols), age, free)
    yield line(span(lock.record.path, "dim"))
    for reason in lock.judgement.reasons:
        yield line(span(f"{symbols.dot} ", "dim"), span(reason))
    yield from _holder(lock, now)
    if lock.release_id is not None:
        yield line(span("release id ", "dim"), span(lock.release_id))


def _holder(lock: LockView, now: float) -> Iterator[Line]:
    holder = lock.judgement.holder
    if holder is None:
        yield line(span("no holder", "dim"))
        return
    started = f", started {duration(now - holder.started_at)} ago" if holder.started_at is not None else ""
    proof = {"fd": "it has the file open", "pid": "the payload names it"}.get(holder.proof, "not proven")
    yield line(
        span("holder "),
        span(f"pid {holder.pid} {holder.name}", "accent"),
        span(f"{started} ({proof})", "dim"),
    )


def _process(picture: Picture) -> Iterable[Line]:
    holder = picture.lock.judgement.holder if picture.lock is not None else None
    if picture.lock is None or holder is None or picture.process is None:
        return ()
    return process_lines(picture.process, other_locks(holder, picture.lock.record.path, picture.snapshot))


def _sources(picture: Picture) -> Iterator[Line]:
    """Yield what this picture is known from."""
    if picture.session is not None and picture.root is not None:
        yield from source_rows(Knowledge(picture.root).of(picture.session), picture.now)


def _root(picture: Picture) -> Iterator[Line]:
    root = picture.root
    yield line(span(picture.root_path or "not known"))
    if root is None:
        return
    gateway = root.gateway
    version = root.version or (gateway.version if gateway else None)
    words = f"gateway pid {gateway.pid}{LIFE[gateway.alive][0]}" if gateway else "no gateway seen"
    port = f", port {gateway.port}" if gateway and gateway.port else ""
    yield line(
        span(f"{words}{port}, OpenClaw {version or 'of unknown version'}, {root.era}, {root.watch}", "dim")
    )
    for problem in root.problems:
        yield line(span(problem, "warning"))


def _section(title: str, rows: Iterable[Line], symbols: Symbols, width: int) -> Iterator[Line]:
    """Yield a heading with a rule and the rows, each wrapped; nothing where there are no rows."""
    body = list(rows)
    if not body:
        return
    yield EMPTY
    rule = symbols.rule * max(width - len(title) - 4, 0)
    yield line(span(f" {title} ", "heading"), span(rule, "track"))
    for row in body:
        yield from wrap((span(" "), *row), width - 1, indent=3)
