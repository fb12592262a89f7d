"""Everything about one session or one lock, as sections of lines. All pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RootView, SessionView
from lockdeck.backend.model.incidents.records import Incident
from lockdeck.backend.model.knowledge import Knowledge
from lockdeck.backend.model.locks import Proof
from lockdeck.backend.model.words import duration, times, zoned_time
from lockdeck.backend.system.processes import ProcessDetails
from lockdeck.backend.system.text import safe
from lockdeck.tui.view.bars import attempt_index
from lockdeck.tui.view.holder import other_locks, process_lines
from lockdeck.tui.view.lines import EMPTY, Line, line, span, wrap
from lockdeck.tui.view.preview import KeyOf, answer_about, answer_page
from lockdeck.tui.view.printed.commands import incident_of
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
    def incident(self) -> Incident | None:
        """The cause that the session has in common with others, None where it has none."""
        return None if self.session is None else incident_of(self.snapshot, self.session)

    @property
    def host(self) -> str:
        """The host of the session or lock, empty where this machine alone is watched."""
        subject = self.session or self.lock
        return "" if subject is None else subject.host

    @property
    def root_path(self) -> str:
        """The root of the session or lock, empty where there is neither."""
        if self.session is not None:
            return self.session.root
        return self.lock.record.root if self.lock is not None else ""

    @property
    def root(self) -> RootView | None:
        """That root, None where the snapshot has it no more."""
        own = (self.host, self.root_path)
        return next((root for root in self.snapshot.roots if root.identity == own), None)


def describe(picture: Picture, key_of: KeyOf, symbols: Symbols, width: int) -> list[Line]:
    """Return the whole detail view: the answer first, then sections that keep their places whatever they have to say."""
    rows: list[Line] = []
    if picture.has_left:
        rows += [
            EMPTY,
            line(span(" This is gone from the fleet. What follows is the last picture of it.", "critical")),
        ]
    session, lock = picture.session, picture.lock
    subject = session if session is not None else lock
    if subject is not None:
        about = answer_about(subject, picture.now, picture.incident)
        rows += [
            EMPTY,
            *_title(subject, picture.now, symbols, width),
            *answer_page(subject, about, key_of, width),
        ]
    if session is not None:
        rows += _section("Attempts", _attempts(session, picture.now, symbols, width), symbols, width)
    rows += _section("Evidence", _evidence(session, lock, picture.now, symbols), symbols, width)
    rows += _section("Holder process", _process(picture), symbols, width)
    if session is not None:
        title = f"Agent {safe(session.agent, 24)} in the last 5 minutes"
        rows += _section(title, pulse_lines(picture.beats, symbols), symbols, width)
    rows += _section("Sources", _sources(picture), symbols, width)
    return [*rows, *_section("Root", _root(picture), symbols, width), EMPTY]


def _title(subject: SessionView | LockView, now: float, symbols: Symbols, width: int) -> Iterator[Line]:
    since = subject.record.created_at if isinstance(subject, LockView) else subject.since
    how_long = f"  for {duration(now - since)}, since {zoned_time(since, now)}" if since else ""
    key = subject.record.path if isinstance(subject, LockView) else subject.key
    host = span(f"   {subject.host}" if subject.host else "", "text")
    name = span(f"   {key}", "text", 4096)
    title = (span(" "), *state_line(subject, symbols), host, name, span(how_long, "dim"))
    yield from wrap(title, width, indent=3)


def _attempts(session: SessionView, now: float, symbols: Symbols, width: int) -> Iterator[Line]:
    rotation = session.rotation
    facts = []
    if rotation is not None:
        total = rotation.total if rotation.total is not None else "?"
        index = attempt_index(rotation, session.attempt)
        facts.append(f"attempt {index} of {total}, {times(rotation.timeouts, 'timeout')}")
    if session.occupation is not None:
        facts.append(f"occupied since {zoned_time(session.occupation.since, now)}")
    drawn = timeline(session, now, symbols, width - 2)
    yield line(
        span(
            ", ".join(facts) or "none is under way, and none is known of the last run",
            "text" if facts else "dim",
        )
    )
    yield from drawn
    if rotation is not None and rotation.free_by_how and not rotation.finished:
        yield line(span(f"free by: {rotation.free_by_how}", "dim"))


def _evidence(
    session: SessionView | None, lock: LockView | None, now: float, symbols: Symbols
) -> Iterator[Line]:
    reasons = [*(session.reasons if session else ()), *(lock.judgement.reasons if lock else ())]
    for reason in dict.fromkeys(reasons):
        yield line(span(f"{symbols.dot} ", "dim"), span(reason))
    if lock is None:
        yield line(span("no lock file stands", "dim"))
        return
    created = lock.record.created_at
    age = span(f"  lock {duration(now - created)} old" if created is not None else "", "dim")
    free = span(", may be released" if lock.judgement.releasable else "", "text")
    yield (*verdict_line(lock, symbols), age, free)
    yield from _holder(lock, now)
    yield line(span(lock.record.path, "dim", 4096))
    if lock.release_id is not None:
        yield line(span("release id ", "dim"), span(lock.release_id))


def _holder(lock: LockView, now: float) -> Iterator[Line]:
    holder, payload = lock.judgement.holder, lock.record.payload
    if holder is None:
        named = (
            f"; the lock names pid {payload.pid}" if payload is not None and payload.pid is not None else ""
        )
        yield line(span(f"no holder{named}", "dim"))
        return
    started = f", started {duration(now - holder.started_at)} ago" if holder.started_at is not None else ""
    proof = {Proof.FD: "it has the file open", Proof.PID: "named by the lock, and alive"}.get(
        holder.proof, "not proven"
    )
    yield line(span(f"holder pid {holder.pid} {holder.name}"), span(f"{started} ({proof})", "dim"))


def _process(picture: Picture) -> Iterable[Line]:
    holder = picture.lock.judgement.holder if picture.lock is not None else None
    if picture.lock is None or holder is None:
        return (line(span("no process is known to hold it", "dim")),)
    if picture.process is None:
        return (line(span("not read, or not to be read from here", "dim")),)
    return process_lines(picture.process, other_locks(holder, picture.lock, picture.snapshot))


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
    """Yield a heading with a rule and the rows, each wrapped; a word that there is nothing where there are no rows."""
    body = list(rows) or [line(span("nothing to tell", "dim"))]
    yield EMPTY
    rule = symbols.rule * max(width - len(title) - 4, 0)
    yield line(span(f" {title} ", "heading"), span(rule, "track"))
    for row in body:
        yield from wrap((span(" "), *row), width - 1, indent=3)
