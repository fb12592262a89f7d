"""The selection as plain text: every name and every sentence in a row of its own, never cut. All pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from lockdeck.backend.model.fleet import LockView, RootView, SessionView
from lockdeck.backend.model.words import date_and_time, time_of_day
from lockdeck.backend.system.text import safe
from lockdeck.tui.table.hostrow import HostRow
from lockdeck.tui.table.journalentry import Entry, entry_lines
from lockdeck.tui.targets import Target
from lockdeck.tui.view.advice import advice
from lockdeck.tui.view.events import EventLine
from lockdeck.tui.view.lines import Span, plain, span

LONGEST = 100_000
"""Greatest length of one value, in characters."""
BLANK = span("")
_COMMANDS = "commands, to be typed here"


def rows_of_targets(targets: Sequence[Target], commands_of: Callable[[Target], Iterable[str]]) -> list[Span]:
    """Return what names the selected or marked rows, their verdicts and reasons, and the commands about them."""
    rows: list[Span] = []
    for target in targets:
        if rows:
            rows += [BLANK, BLANK]
        if target.session is not None:
            rows += _session(target.session)
        else:
            rows += _labelled("root", [target.row.host, target.row.root])
        if target.lock is not None:
            rows += _lock(target.lock)
        rows += _labelled(_COMMANDS, commands_of(target))
    return rows


def story_rows(
    session: SessionView | None, lock: LockView | None, root: RootView | None, commands: Iterable[str]
) -> list[Span]:
    """Return every sentence about one session, or about a lock that belongs to none, and the commands about it."""
    rows: list[Span] = []
    if session is not None:
        rows += _session(session)
        rows += _labelled("forecast", _forecast(session))
        rows += _labelled("blocked callers", session.blocked.sentences)
    if lock is not None:
        rows += _lock(lock)
        rows += _labelled("what lockdeck would do", [advice(lock)])
    rows += _labelled(_COMMANDS, commands)
    if root is not None:
        rows += _labelled("root", [root.path, *root.problems])
    if session is not None:
        rows += _labelled("log", [f"{time_of_day(entry.at)} {entry.sentence}" for entry in session.log])
    return rows


def change_rows(change: EventLine) -> list[Span]:
    """Return one line of the events."""
    return [
        *_labelled("at", [date_and_time(change.at)]),
        *_labelled("severity", [change.severity.word]),
        *_labelled("about", [change.subject, *([change.row.root, change.row.name] if change.row else [])]),
        *_labelled("what", [change.sentence]),
    ]


def entry_rows(entry: Entry) -> list[Span]:
    """Return one entry of the journal, with all its facts."""
    return [span(plain(row), "text", LONGEST) for row in entry_lines(entry)]


def host_text(row: HostRow) -> list[Span]:
    """Return one host, or the hosts of a group, with all that is known of each."""
    rows: list[Span] = []
    for view in row.views:
        rows += _labelled("host", [view.name, view.group, view.phase.value, view.problem])
        rows += _labelled("heard of last", [None if view.heard_at is None else date_and_time(view.heard_at)])
        rows += _labelled("lockdeck there", [view.lockdeck, view.role])
    return [*rows, *_labelled("OpenClaw there", row.openclaw)]


def _session(session: SessionView) -> Iterator[Span]:
    yield from _labelled("host", [session.host])
    yield from _labelled("session key", [session.key])
    yield from _labelled("session id", [session.session_id])
    yield from _labelled("root", [session.root])
    yield from _labelled("transcript", [session.transcript])
    yield from _labelled("state", [f"{session.state}, {session.severity.word}", *session.reasons])
    if session.holder is not None:
        yield from _labelled("run id", [session.holder.run_id])
        yield from _labelled("pid", [session.holder.pid])
        yield from _labelled("model", [session.holder.model])


def _lock(lock: LockView) -> Iterator[Span]:
    payload, holder = lock.record.payload, lock.judgement.holder
    yield from _labelled("lock", [lock.record.path])
    yield from _labelled("release id", [lock.release_id])
    yield from _labelled("pid named by the lock", [payload.pid if payload else None])
    if holder is not None:
        yield from _labelled("holder", [f"pid {holder.pid} {holder.name}"])
    yield from _labelled("verdict", [lock.judgement.verdict, *lock.judgement.reasons])


def _forecast(session: SessionView) -> Iterator[str]:
    rotation = session.rotation
    if rotation is None:
        return
    if rotation.free_by is not None and not rotation.finished:
        yield f"free by {time_of_day(rotation.free_by)}"
    if rotation.free_by_how:
        yield rotation.free_by_how
    if rotation.policy is not None:
        yield rotation.policy.sentence


def _labelled(name: str, values: Iterable[object]) -> Iterator[Span]:
    """Yield a name and its values in rows of their own; nothing where there is no value."""
    present = [value for value in values if value is not None and value != ""]
    texts = [safe(value, LONGEST) for value in present]
    if not texts:
        return
    exact = all(text == str(value) for text, value in zip(texts, present, strict=True))
    yield BLANK
    yield span(name if exact else f"{name} (control characters were replaced)", "dim")
    for text in texts:
        yield span(text)
