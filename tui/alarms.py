"""Alarms: what turned critical, or is no longer, and when a person is told. Pure: time comes in as an argument."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from lockdeck.backend.model.fleet import FleetSnapshot, Severity
from lockdeck.backend.model.words import duration
from lockdeck.tui.table.rows import RowKey, locks_without_session
from lockdeck.tui.view.names import file_name, session_name
from lockdeck.tui.view.severity import verdict_severity

MOST_LINES = 3
"""So many notices are told line by line; the rest are counted."""


class Rule(Struct, frozen=True):
    """The ways a person is told (toast, bell, osc9, osc777), after how long, and how often at most (seconds)."""

    ways: tuple[str, ...] = ("toast",)
    after_s: float = 5.0
    every_s: float = 30.0


class Subject(Struct, frozen=True):
    """Something critical: its name and the reason."""

    name: str
    reason: str


class Notice(Struct, frozen=True):
    """One thing to tell, and the moment it was due (epoch seconds)."""

    at: float
    row: RowKey
    name: str
    sentence: str
    severity: Severity


class Alarm(Struct, frozen=True):
    """Something critical: since when, whether a person was notified, and since when it is no longer so."""

    subject: Subject
    since: float
    notified: bool = False
    cleared_at: float | None = None


class Watch(Struct, frozen=True):
    """All that is critical, the notices that wait, and when the last were given; `begun` once a picture was seen."""

    alarms: Mapping[RowKey, Alarm] = field(default_factory=dict)
    waiting: tuple[Notice, ...] = ()
    notified_at: float | None = None
    begun: bool = False


class WatchStep(Struct, frozen=True):
    """The watch from now on, the notices that became due, and those to tell at once (with any that waited)."""

    watch: Watch
    due: tuple[Notice, ...] = ()
    tell: tuple[Notice, ...] = ()


def criticals(snapshot: FleetSnapshot) -> dict[RowKey, Subject]:
    """Return what needs a person now: critical sessions, and critical locks that belong to none."""
    subjects: dict[RowKey, Subject] = {}
    for view in snapshot.sessions:
        if view.severity is Severity.CRITICAL:
            reason = view.reasons[0] if view.reasons else str(view.state)
            subjects["session", view.root, view.key] = Subject(session_name(view), reason)
    for lock in locks_without_session(snapshot):
        if verdict_severity(lock) is Severity.CRITICAL:
            name = file_name(lock.record.path)
            subject = Subject(name, f"its lock is {lock.judgement.verdict}")
            subjects["lock", lock.record.root, lock.record.path] = subject
    return subjects


def advance(watch: Watch, critical: Mapping[RowKey, Subject], now: float, rule: Rule) -> WatchStep:
    """Take in what is critical at `now`; what is so in the first picture is taken as seen."""
    alarms: dict[RowKey, Alarm] = {}
    due: list[Notice] = []
    for key in {**watch.alarms, **critical}:
        alarm, notice = _alarm_of(key, watch, critical.get(key), now, rule)
        if alarm is not None:
            alarms[key] = alarm
        if notice is not None:
            due.append(notice)
    waiting = (*watch.waiting, *due)
    rested = watch.notified_at is None or now - watch.notified_at >= rule.every_s
    if waiting and rested:
        return WatchStep(Watch(alarms, (), now, begun=True), tuple(due), waiting)
    return WatchStep(Watch(alarms, waiting, watch.notified_at, begun=True), tuple(due))


def words(notices: Sequence[Notice]) -> list[str]:
    """Return the notices in a few lines, the most urgent first."""
    ordered = sorted(notices, key=lambda notice: -notice.severity)
    rows = [f"{notice.name}: {notice.sentence}" for notice in ordered[:MOST_LINES]]
    more = len(ordered) - MOST_LINES
    return [*rows, f"and {more} more: see Events"] if more > 0 else rows


def _alarm_of(
    key: RowKey, watch: Watch, subject: Subject | None, now: float, rule: Rule
) -> tuple[Alarm | None, Notice | None]:
    alarm = watch.alarms.get(key)
    if alarm is None:
        alarm = Alarm(subject or Subject("", ""), now, notified=not watch.begun)
    if subject is None:
        return _cleared(key, alarm, now, rule)
    alarm = replace(alarm, subject=subject, cleared_at=None)
    if alarm.notified or now - alarm.since < rule.after_s:
        return alarm, None
    sentence = f"critical: {subject.reason}"
    return replace(alarm, notified=True), Notice(now, key, subject.name, sentence, Severity.CRITICAL)


def _cleared(key: RowKey, alarm: Alarm, now: float, rule: Rule) -> tuple[Alarm | None, Notice | None]:
    if not alarm.notified:
        return None, None
    cleared_at = now if alarm.cleared_at is None else alarm.cleared_at
    if now - cleared_at < rule.after_s:
        return replace(alarm, cleared_at=cleared_at), None
    sentence = f"no longer critical, after {duration(cleared_at - alarm.since)}"
    return None, Notice(now, key, alarm.subject.name, sentence, Severity.OK)
