"""The log of a session in rows: what lockdeck tells of it, or its lines as OpenClaw wrote them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from lockdeck.backend.model.fleet import SessionView
from lockdeck.backend.model.runs.records import Attempt
from lockdeck.backend.model.sessions.loglines import LogLine
from lockdeck.backend.model.words import times, zoned_time
from lockdeck.backend.watch.records.loglines import RawLine
from lockdeck.tui.view.lines import EMPTY, Line, line, span

ALIKE_S = 1.0
"""A line and what is told of it lie no further apart than this (seconds)."""
RowId = tuple[float, str] | int


class LogRow(Struct, frozen=True):
    """One row: when (epoch seconds, None where nothing tells), and what it says. `raw` is the line, None of a sentence."""

    id: RowId
    at: float | None
    text: str
    bad: bool = False
    raw: RawLine | None = None

    @property
    def brief(self) -> str:
        """What it says in one row: of a record the message, without the fields around it."""
        return self.text if self.raw is None else self.raw.message or self.text


def told_rows(log: Iterable[LogLine]) -> dict[RowId, LogRow]:
    """Return the sentences."""
    rows = (LogRow((entry.at, entry.sentence), entry.at, entry.sentence, entry.bad) for entry in log)
    return {row.id: row for row in rows}


def raw_rows(lines: Iterable[RawLine]) -> dict[RowId, LogRow]:
    """Return the lines."""
    return {entry.number: LogRow(entry.number, entry.at, entry.text, entry.bad, entry) for entry in lines}


def row_of(rows: Mapping[RowId, LogRow], at: float, sentence: str | None = None) -> RowId | None:
    """Return the row of a moment (epoch seconds), one that tells a sentence before others; None where none is near."""

    def distance(row: LogRow) -> tuple[bool, bool, float]:
        told = row.text if row.raw is None else row.raw.sentence
        return (sentence is not None and told != sentence, told is None, abs((row.at or 0.0) - at))

    near = [row for row in rows.values() if row.at is not None and abs(row.at - at) <= ALIKE_S]
    return min(near, key=distance).id if near else None


def attempt_moments(session: SessionView | None) -> list[tuple[float, Attempt]]:
    """Return the attempts of a session with the moment (epoch seconds) at which the log tells of each."""
    attempts = session.rotation.attempts if session is not None and session.rotation is not None else ()
    moments = ((attempt.ended_at or attempt.started_at, attempt) for attempt in attempts)
    return [(at, attempt) for at, attempt in moments if at is not None]


def next_attempt(moments: Sequence[tuple[float, Attempt]], at: float | None, step: int) -> int | None:
    """Return the place of the attempt after a moment (1), or before it (-1); the last or first where there is none."""
    if not moments:
        return None
    if at is None:
        return 0 if step > 0 else len(moments) - 1
    later = [place for place, (moment, _) in enumerate(moments) if (moment - at) * step > 0]
    if not later:
        return len(moments) - 1 if step > 0 else 0
    return later[0] if step > 0 else later[-1]


def log_state(
    rows: int, raw: bool, matches: tuple[int, str] | None, notes: Sequence[str], key: str
) -> Iterator[Line]:
    """Yield what is shown, how to see the other, and what could not be read."""
    what = "lines as OpenClaw wrote them" if raw else "what lockdeck reads in them"
    other = "what lockdeck reads in them" if raw else "the lines themselves"
    found: Line = ()
    if matches is not None:
        found = (span(f"   {times(matches[0], 'match', 'matches')} of {matches[1]}", "accent"),)
    yield line(
        span(f" {times(rows, 'line')}: {what}", "text"), span(f"   {key} shows {other}", "dim"), *found
    )
    yield from (line(span(f" {note}", "warning")) for note in notes)


def whole_line(row: LogRow | None, now: float) -> Iterator[Line]:
    """Yield all of the selected row: when, where it stands, and its text."""
    if row is None:
        return
    when = "no time is told" if row.at is None else zoned_time(row.at, now)
    where = "" if row.raw is None else f"   {row.raw.where}{', rotated away' if row.raw.gone else ''}"
    yield line(span(f" {when}{where}", "dim"))
    if row.raw is not None and row.raw.sentence is not None:
        yield line(span(f" tells: {row.raw.sentence}", "notice"))
    yield line(span(" "), span(row.text, "warning" if row.bad else "text", len(row.text) + 1))


def nothing_written(raw: bool, known: bool, reason: str) -> list[Line]:
    """Return what is said where there is no line."""
    if not known and not reason:
        return [EMPTY, line(span("Reading the log …", "dim"))]
    words = (
        "No line of the logs that are read names this session." if raw else "The log tells nothing lately."
    )
    return [EMPTY, line(span(reason or words, "dim"))]
