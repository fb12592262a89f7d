"""Alarms: what turned critical, or is no longer, and when a person is told. Pure: time comes in as an argument."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from lockdeck.backend.model.fleet import SessionView, Severity, State
from lockdeck.backend.model.hosts import HostView
from lockdeck.backend.model.words import duration
from lockdeck.tui.table.rowchanges import RowChange
from lockdeck.tui.table.rows import Row
from lockdeck.tui.view.names import HOST, RowKey, file_name, session_name
from lockdeck.tui.view.severity import verdict_severity

MOST_LINES = 3
"""So many notices are told line by line; the rest are counted."""
_UNSETTLED = frozenset({State.ROTATING, State.STUCK, State.CANCELLING, State.COMPACTING})


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


class Criticals:
    """What needs a person now: critical sessions, and critical locks that belong to none. Counted on by what changes."""

    def __init__(self) -> None:
        self.subjects: dict[RowKey, Subject] = {}
        self.unsettled: set[RowKey] = set()
        """The sessions in the middle of something: what was critical there is not over between two attempts."""

    def take(self, changes: Iterable[RowChange]) -> None:
        """Look at the rows that changed."""
        for change in changes:
            if change.new is not None and change.new.last_seen is not None:
                continue  # its host is lost: what was critical there is not over
            subject = None if change.new is None else _subject(change.new)
            if subject is None:
                self.subjects.pop(change.key, None)
            else:
                self.subjects[change.key] = subject
            if isinstance(change.new, SessionView) and change.new.state in _UNSETTLED:
                self.unsettled.add(change.key)
            else:
                self.unsettled.discard(change.key)

    def take_hosts(self, hosts: Iterable[HostView]) -> None:
        """Look at the hosts: one that was seen and is not any more needs a person."""
        for key in [key for key in self.subjects if key.kind == HOST]:
            del self.subjects[key]
        for host in hosts:
            if host.lost_since is not None:
                reason = f"is not seen: {host.problem or 'it was lost'}"
                self.subjects[RowKey(HOST, host.name, "", host.name)] = Subject(host.name, reason)


def _subject(row: Row) -> Subject | None:
    """Return name and reason of a row that is critical."""
    if isinstance(row, SessionView):
        reason = row.reasons[0] if row.reasons else str(row.state)
        return Subject(session_name(row), reason) if row.severity is Severity.CRITICAL else None
    if verdict_severity(row) is not Severity.CRITICAL:
        return None
    return Subject(file_name(row.record.path), f"its lock is {row.judgement.verdict}")


def advance(
    watch: Watch,
    critical: Mapping[RowKey, Subject],
    now: float,
    rule: Rule,
    *,
    unsettled: Container[RowKey] = frozenset(),
    listening: bool = True,
) -> WatchStep:
    """Take in what is critical at `now`; what is so in the first picture is taken as seen.

    An alarm of what is `unsettled` does not clear. Nothing is told while nobody is `listening`.
    """
    alarms: dict[RowKey, Alarm] = {}
    due: list[Notice] = []
    for key in {**watch.alarms, **critical}:
        if key in watch.alarms and key not in critical and key in unsettled:
            alarms[key] = replace(watch.alarms[key], cleared_at=None)
            continue
        alarm, notice = _alarm_of(key, watch, critical.get(key), now, rule)
        if alarm is not None:
            alarms[key] = alarm
        if notice is not None:
            due.append(notice)
    waiting = _as_it_is_now((*watch.waiting, *due), alarms)
    rested = watch.notified_at is None or now - watch.notified_at >= rule.every_s
    if waiting and rested and listening:
        return WatchStep(Watch(alarms, (), now, begun=True), tuple(due), waiting)
    return WatchStep(Watch(alarms, waiting, watch.notified_at, begun=True), tuple(due))


def _as_it_is_now(waiting: Sequence[Notice], alarms: Mapping[RowKey, Alarm]) -> tuple[Notice, ...]:
    """Return of notices that waited those that are still so, in the words of now."""
    by_row: dict[RowKey, list[Notice]] = {}
    for notice in waiting:
        by_row.setdefault(notice.row, []).append(notice)
    return tuple(
        _worded_anew(notices[-1], alarms.get(row))
        for row, notices in by_row.items()
        if not (notices[0].severity is Severity.CRITICAL and notices[-1].severity is Severity.OK)
    )


def _worded_anew(notice: Notice, alarm: Alarm | None) -> Notice:
    if alarm is None or notice.severity is not Severity.CRITICAL:
        return notice
    return replace(notice, sentence=f"critical: {alarm.subject.reason}")


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
    if alarm.subject is not subject or alarm.cleared_at is not None:
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
