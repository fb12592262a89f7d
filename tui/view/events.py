"""The changes between two snapshots in the sentences of the Events screen. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from msgspec import Struct

from lockdeck.backend.model.changes import (
    Change,
    HostAspect,
    HostChange,
    IncidentChange,
    LockAspect,
    LockChange,
    RootAspect,
    RootChange,
    SessionAspect,
    SessionChange,
)
from lockdeck.backend.model.fleet import GatewayView, LockView, RootView, SessionView, Severity
from lockdeck.backend.model.hosts import Phase
from lockdeck.backend.model.words import times
from lockdeck.tui.view.names import RowKey, file_name, row_key, session_name, session_row
from lockdeck.tui.view.printed.incidents import incident_change_text
from lockdeck.tui.view.severity import verdict_severity

Sentences = Iterator[tuple[Severity, str]]


class EventLine(Struct, frozen=True):
    """One line of the events: when (epoch seconds), how urgent, about whom, on which host, and the sentence."""

    at: float
    severity: Severity
    subject: str
    sentence: str
    row: RowKey | None = None
    host: str = ""


def event_lines(changes: Iterable[Change | HostChange], at: float) -> tuple[EventLine, ...]:
    """Return the lines that changes deserve, most urgent first, those about roots and hosts last among equals."""
    lines = [
        (isinstance(change, RootChange | HostChange), line)
        for change in changes
        for line in _lines(change, at)
    ]
    return tuple(line for _, line in sorted(lines, key=lambda pair: (-pair[1].severity, pair[0])))


def _lines(change: Change | HostChange, at: float) -> Iterator[EventLine]:
    match change:
        case SessionChange():
            view = change.view
            session_key = row_key(view)
            for severity, sentence in _session(change):
                yield EventLine(at, severity, session_name(view), sentence, session_key, view.host)
        case LockChange():
            record = change.view.record
            # A lock that is gone has no row to go to.
            lock_key = None if change.new is None else row_key(change.new)
            for severity, sentence in _lock(change):
                yield EventLine(at, severity, file_name(record.path), sentence, lock_key, change.view.host)
        case RootChange():
            for severity, sentence in _root(change):
                yield EventLine(at, severity, change.view.path, sentence, host=change.view.host)
        case HostChange():
            for severity, sentence in _host(change):
                yield EventLine(at, severity, change.view.name, sentence, host=change.view.name)
        case IncidentChange():
            severity = Severity.NOTICE if change.new is None else Severity.CRITICAL
            first = next(map(session_row, change.view.members), None)
            words, hosts = incident_change_text(change, at), ", ".join(change.view.hosts)
            yield EventLine(at, severity, change.view.subject, words, first, hosts)
        case _:
            assert_never(change)


def _host(change: HostChange) -> Sentences:
    old, new = change.old, change.new
    if new is None:
        yield Severity.NOTICE, "is not followed any more"
        return
    if old is None or HostAspect.PHASE in change.aspects:
        if new.phase is Phase.LIVE:
            yield Severity.NOTICE, "is seen" if old is None or not old.told else "is seen again"
        elif new.phase is not Phase.CALLED:
            yield Severity.WARNING, f"is not seen: {new.problem or 'it was lost'}"
    if old is None:
        return
    if HostAspect.LOCKDECK in change.aspects and old.lockdeck and new.lockdeck:
        yield Severity.NOTICE, f"has lockdeck {new.lockdeck} now, no more {old.lockdeck}"
    if HostAspect.WITHHELD in change.aspects and new.withheld:
        yield Severity.WARNING, f"can't send {times(new.withheld, 'row')}: they are too long"


def _session(change: SessionChange) -> Sentences:
    old, new = change.old, change.new
    if new is None:
        yield Severity.NOTICE, "left the fleet"
    elif old is None:
        yield new.severity, f"appeared, {new.state}{_because(new)}"
    else:
        for aspect in SessionAspect:
            if aspect in change.aspects:
                yield from _session_aspect(aspect, old, new)


def _session_aspect(aspect: SessionAspect, old: SessionView, new: SessionView) -> Sentences:
    match aspect:
        case SessionAspect.STATE:
            yield new.severity, f"{old.state} became {new.state}{_because(new)}"
        case SessionAspect.SEVERITY:
            if old.state is new.state:
                words = f"{new.state} went from {old.severity.word} to {new.severity.word}"
                yield new.severity, f"{words}{_because(new)}"
        case SessionAspect.SESSION_ID:
            yield from _session_id(old, new)
        case SessionAspect.ATTEMPT:
            yield from _attempt(old, new)
        case SessionAspect.BLOCKED:
            more = new.blocked.count - old.blocked.count
            if more > 0:
                yield max(new.severity, Severity.WARNING), times(more, "more blocked caller")
        case SessionAspect.CANCELLED:
            yield from _cancelled(old, new)
        case SessionAspect.ROTATION | SessionAspect.OCCUPATION | SessionAspect.HOLDER | SessionAspect.LOCK:
            return  # the daily work of a session; its lock has lines of its own
        case _:
            assert_never(aspect)


def _session_id(old: SessionView, new: SessionView) -> Sentences:
    if old.session_id is not None and new.session_id is not None:
        yield Severity.OK, f"its session id is {new.session_id}, was {old.session_id}"


def _cancelled(old: SessionView, new: SessionView) -> Sentences:
    """Say who cancelled its run, where the change of its state has not said so."""
    if new.cancelled is not None and old.state is new.state:
        yield Severity.OK, new.cancelled.sentence()


def _because(view: SessionView) -> str:
    return f": {view.reasons[0]}" if view.reasons else ""


def _attempt(old: SessionView, new: SessionView) -> Sentences:
    if new.attempt is not None and (old.attempt is None or old.attempt.index != new.attempt.index):
        model = f" on {new.attempt.model}" if new.attempt.model else ""
        yield new.severity, f"attempt {new.attempt.index} began{model}"


def _lock(change: LockChange) -> Sentences:
    old, new = change.old, change.new
    if new is None:
        if old is not None and verdict_severity(old) is not Severity.OK:
            yield Severity.OK, f"{old.judgement.verdict} lock is gone"
    elif old is None:
        # A healthy lock coming and going is the daily work of a session.
        if verdict_severity(new) is not Severity.OK:
            yield verdict_severity(new), f"lock found {new.judgement.verdict}"
    elif LockAspect.VERDICT in change.aspects:
        yield verdict_severity(new), f"lock was {old.judgement.verdict}, is {new.judgement.verdict}"
    elif verdict_severity(new) is not Severity.OK:
        yield from _same_verdict(change.aspects, new)


def _same_verdict(aspects: frozenset[LockAspect], new: LockView) -> Sentences:
    """Say what changed of a lock that needs somebody as before."""
    verdict, releasable = new.judgement.verdict, new.judgement.releasable
    if LockAspect.HOLD in aspects:
        yield verdict_severity(new), f"another lock stands there, {verdict} too"
    if LockAspect.RELEASABLE in aspects:
        yield verdict_severity(new), f"{verdict} lock can{'' if releasable else ' no longer'} be released"


def _root(change: RootChange) -> Sentences:
    old, new = change.old, change.new
    if new is None:
        yield Severity.WARNING, "root is no longer watched"
    elif old is None:
        yield Severity.OK, "root is watched"
    else:
        for aspect in RootAspect:
            if aspect in change.aspects:
                yield from _root_aspect(aspect, old, new)


def _root_aspect(aspect: RootAspect, old: RootView, new: RootView) -> Sentences:
    match aspect:
        case RootAspect.PROBLEMS:
            yield from _problems(old, new)
        case RootAspect.WATCH:
            yield Severity.OK if new.watch == "live" else Severity.NOTICE, f"watching is {new.watch}"
        case RootAspect.GATEWAY:
            yield from _gateway(old.gateway, new.gateway)
        case RootAspect.VERSION:
            if old.version is not None and new.version is not None:
                yield Severity.NOTICE, f"OpenClaw is {new.version}, was {old.version}"
        case RootAspect.ERA:
            yield (
                Severity.NOTICE,
                f"its sessions are kept in {'SQLite' if new.era == 'sqlite' else 'files'} now",
            )
        case (
            RootAspect.REFUSED_START
            | RootAspect.UNSEEN
            | RootAspect.VOUCH
            | RootAspect.OWNERSHIP
            | RootAspect.SOURCES
        ):
            return  # what there is to say of it is among the problems
        case _:
            assert_never(aspect)


def _problems(old: RootView, new: RootView) -> Sentences:
    arisen = [problem for problem in new.problems if problem not in old.problems]
    for problem in arisen:
        yield Severity.WARNING, problem
    if not arisen:  # else the new sentence is the old one with another figure
        for problem in old.problems:
            if problem not in new.problems:
                yield Severity.OK, f"no longer a problem: {problem}"


def _gateway(old: GatewayView | None, new: GatewayView | None) -> Sentences:
    if (old and old.pid, old and old.alive) == (new and new.pid, new and new.alive):
        return
    if new is None or new.alive is False:
        yield Severity.WARNING, "gateway is gone"
    elif new.alive is None:
        yield Severity.NOTICE, f"gateway pid {new.pid} can't be seen from here"
    else:
        yield Severity.NOTICE, f"gateway is pid {new.pid}"
