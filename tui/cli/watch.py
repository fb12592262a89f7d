"""`lockdeck watch`: one line per change, for people with a pipe and for programs."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, assert_never

import click

from lockdeck.backend.model.changes import Change, LockChange, RootChange, SessionChange, changes
from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RootView, SessionView
from lockdeck.backend.model.knowledge import Knowledge
from lockdeck.backend.model.moments import iso
from lockdeck.backend.model.needs import needs_person
from lockdeck.backend.model.wire import SCHEMA, dumps, lock_json, root_json, session_json, sources_json
from lockdeck.backend.model.words import duration, time_of_day, times
from lockdeck.backend.system.text import SafeText, safe
from lockdeck.tui.cli.options import Common, common_options, for_option, json_option, roots_argument
from lockdeck.tui.cli.output import emit, output_trouble
from lockdeck.tui.cli.startup import collector_for
from lockdeck.tui.exits import Exit
from lockdeck.tui.view.plain import attempt_text

if TYPE_CHECKING:
    from lockdeck.backend.watch.collector import Collector


@click.command("watch")
@roots_argument
@json_option
@for_option
@common_options
def command(common: Common, roots: tuple[str, ...], as_json: bool, seconds: float | None) -> int:
    """Print one line per change until interrupted."""
    return watch_fleet(collector_for(roots, common), seconds, as_json)


def watch_fleet(collector: Collector, seconds: float | None, as_json: bool) -> Exit:
    """Print changes until interrupted or for `seconds`; exit code as `status` at the end, 130 on ctrl+c."""
    stop = threading.Event()
    last: list[FleetSnapshot] = []

    def publish(snapshot: FleetSnapshot) -> None:
        previous = last[0] if last else None
        for change in changes(previous, snapshot):
            emit(dumps(change_json(change, snapshot)) if as_json else change_line(change, snapshot))
        last[:] = [snapshot]
        if output_trouble() is not None:
            stop.set()  # nobody reads any more

    timer = threading.Timer(seconds, stop.set) if seconds is not None else None
    with _stopped_by_signals(stop) as interrupted:
        if timer:
            timer.daemon = True
            timer.start()
        collector.run(publish, stop)
    if timer:
        timer.cancel()
    if interrupted:
        return Exit.INTERRUPTED
    return Exit.ATTENTION if last and needs_person(last[0]) else Exit.OK


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[Sequence[int]]:
    """Let SIGINT, SIGTERM and the going of who reads stdout set `stop`; yields the signals that came.

    The handler runs in the thread that waits for `stop`, maybe while that has its lock, so it must take none.
    """
    came: list[int] = []
    reader, writer = os.pipe()

    def interrupt(number: int, _frame: object) -> None:
        came.append(number)
        os.write(writer, b".")

    def pass_on() -> None:
        if _signal_or_no_reader(reader):
            stop.set()

    listener = threading.Thread(target=pass_on, daemon=True)
    listener.start()
    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        os.close(writer)
        listener.join()
        os.close(reader)  # not before: a signal that comes after the reader went would write into nothing


def _signal_or_no_reader(signals: int) -> bool:
    """Wait until a signal came or stdout has lost its reader; False when the wait itself is over.

    The kernel tells both; without asking it a quiet fleet would be watched for nobody until its next change.
    """
    poll = select.poll()
    poll.register(signals, select.POLLIN)
    with suppress(OSError, ValueError):  # a stdout that is no file has no reader to lose
        poll.register(sys.stdout.fileno(), 0)
    while True:
        for descriptor, happened in poll.poll():
            if descriptor == signals:
                return bool(os.read(signals, 1))
            if happened & (select.POLLERR | select.POLLHUP):
                return True
            poll.unregister(descriptor)  # closed: nothing more is told about it


def change_json(change: Change, snapshot: FleetSnapshot) -> dict[str, Any]:
    """One change as JSON: what it is about, how it changed, and the whole new picture of that thing."""
    now = snapshot.generated_at
    line: dict[str, Any] = {"schema": SCHEMA, "at": iso(now)}
    match change:
        case SessionChange():
            return line | {
                "subject": "session",
                "change": change.kind,
                "session": session_json(change.view, now, snapshot.host, _sources(change.view, snapshot)),
            }
        case LockChange():
            return line | {
                "subject": "lock",
                "change": change.kind,
                "lock": lock_json(change.view, snapshot.host, now),
            }
        case RootChange():
            root = root_json(change.view, snapshot.host)
            return line | {"subject": "root", "change": change.kind, "root": root}
        case _:
            assert_never(change)


def _sources(session: SessionView, snapshot: FleetSnapshot) -> list[dict[str, Any]]:
    root = next((root for root in snapshot.roots if root.path == session.root), None)
    return [] if root is None else sources_json(Knowledge(root).of(session))


def change_line(change: Change, snapshot: FleetSnapshot) -> SafeText:
    """One change as text."""
    subject, words = _words(change, snapshot.generated_at)
    parts = (time_of_day(snapshot.generated_at), subject.ljust(7), change.kind.ljust(8), *words)
    return safe("  ".join(part for part in parts if part), 4096)


def _words(change: Change, now: float) -> tuple[str, Iterator[str]]:
    match change:
        case SessionChange():
            return "session", _session_words(change.view, now)
        case LockChange():
            return "lock", _lock_words(change.view)
        case RootChange():
            return "root", _root_words(change.view)
        case _:
            assert_never(change)


def _root_words(root: RootView) -> Iterator[str]:
    yield root.path
    yield f"watch {root.watch}"
    yield "; ".join(root.problems)


def _session_words(session: SessionView, now: float) -> Iterator[str]:
    yield f"{session.agent} {session.key}"
    yield f"{session.severity.word}: {session.state.value}"
    if session.attempt:
        yield f"attempt {attempt_text(session)}"
    if session.occupation:
        holds = times(session.occupation.holds, "hold")
        yield f"occupied {duration(now - session.occupation.since)} in {holds}"
    if session.blocked.count:
        yield times(session.blocked.count, "blocked caller")
    if session.reasons:
        yield session.reasons[0]


def _lock_words(view: LockView) -> Iterator[str]:
    yield view.judgement.verdict.value
    yield view.record.path
    yield view.judgement.reasons[0] if view.judgement.reasons else ""
