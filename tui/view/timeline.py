"""A rotation drawn against the time its session was occupied. All pure."""

from __future__ import annotations

from msgspec import Struct

from lockdeck.backend.model.fleet import SessionView
from lockdeck.backend.model.runs.records import Attempt, Occupation
from lockdeck.backend.model.words import duration, plain_word, time_of_day, time_taken, times
from lockdeck.tui.view.lines import EMPTY, Line, Span, fit, line, merged, sides, span
from lockdeck.tui.view.symbols import Symbols

_NAME_WIDE = 34
_NAME_NARROW = 20
_TIME = 8
_OUTCOME = 26
_WIDE = 100


class Axis(Struct, frozen=True):
    """The time from `start` to `end` (epoch seconds) on `width` cells; `now` lies between."""

    start: float
    end: float
    now: float
    width: int

    def cell(self, moment: float) -> int:
        """Return the cell a moment falls in."""
        length = max(self.end - self.start, 1e-9)
        return min(max(int((moment - self.start) / length * self.width), 0), self.width)


def timeline(view: SessionView, now: float, symbols: Symbols, width: int) -> list[Line]:
    """Return the occupation with its gaps, then each attempt below it on the same time axis."""
    attempts = view.rotation.attempts if view.rotation else ()
    to_come = view.rotation.to_come if view.rotation else ()
    axis = _axis(view, now, max(width - _name_width(width) - _TIME - 6 - _outcome_width(width), 8))
    if axis is None:
        return []
    rows = [_ends(axis, width)]
    if view.occupation is not None:
        rows.append(_occupation_row(view.occupation, axis, symbols, width))
    rows += [_attempt_row(attempt, view, axis, symbols, width) for attempt in attempts]
    rows += [_coming_row(attempt, axis, symbols, width) for attempt in to_come]
    return rows


def _axis(view: SessionView, now: float, width: int) -> Axis | None:
    starts = [attempt.started_at for attempt in view.rotation.attempts] if view.rotation else []
    moments = [moment for moment in starts if moment is not None]
    if view.occupation is not None:
        moments.append(view.occupation.since)
    if not moments:
        return None
    free_by = view.rotation.free_by if view.rotation else None
    return Axis(min(moments), max(now, free_by or now, min(moments) + 1), now, width)


def _name_width(width: int) -> int:
    return _NAME_WIDE if width >= _WIDE else _NAME_NARROW


def _outcome_width(width: int) -> int:
    return _OUTCOME if width >= _WIDE else 0


def _ends(axis: Axis, width: int) -> Line:
    start = span(time_of_day(axis.start, axis.now), "dim")
    end = span(time_of_day(axis.end, axis.now), "dim")
    return line(span(" " * (_name_width(width) + 4)), *sides((start,), (end,), axis.width))


def _row(
    glyph: Span, name: Line, drawn: Line, time: str, outcome: Line, width: int, symbols: Symbols
) -> Line:
    mark = symbols.ellipsis
    result = fit(outcome, _outcome_width(width), ellipsis=mark) if _outcome_width(width) else EMPTY
    head = (span(" "), glyph, span(" "), *fit(name, _name_width(width), ellipsis=mark), span(" "))
    return (*head, *drawn, *fit(line(span(time)), _TIME, right=True), span("  "), *result)


def _occupation_row(occupation: Occupation, axis: Axis, symbols: Symbols, width: int) -> Line:
    until = occupation.last_seen or axis.now
    marks = {axis.cell(hold.started_at) for hold in occupation.recent[1:]}
    first, last = axis.cell(occupation.since), max(axis.cell(until), axis.cell(occupation.since) + 1)
    cells = []
    for at in range(axis.width):
        if not first <= at < last:
            cells.append(span(symbols.cells[0] if at >= last else " ", "track"))
        elif at in marks:
            cells.append(span(symbols.cut, "text"))
        else:
            cells.append(span(symbols.cells[-1], "bar"))
    gaps = occupation.holds - 1
    note = line(span(f"{times(occupation.holds, 'hold')}, {times(gaps, 'gap')}", "dim"))
    name = line(span("lock occupied"))
    return _row(
        span(" "), name, merged(tuple(cells)), duration(until - occupation.since), note, width, symbols
    )


def _attempt_row(attempt: Attempt, view: SessionView, axis: Axis, symbols: Symbols, width: int) -> Line:
    rotation = view.rotation
    running = attempt.ended_at is None and rotation is not None and not rotation.finished
    glyph = span(symbols.trying, "accent") if running else span(symbols.tried, "warning")
    until = attempt.ended_at if attempt.ended_at is not None else axis.now
    drawn: Line = (span(" " * axis.width),)
    time = ""
    if attempt.started_at is not None and (running or attempt.ended_at is not None):
        first = min(axis.cell(attempt.started_at), axis.width - 1)
        size = max(axis.cell(until) - first, 1)
        # A start that no line tells is drawn faint: the bar begins somewhere there.
        faint = min(size - 1, 1) if attempt.start_assumed else 0
        ink = span(symbols.cells[-1] * (size - faint), "accent" if running else "warning")
        begin = span(symbols.cells[0] * faint, "track")
        drawn = (span(" " * first), begin, ink, span(" " * (axis.width - first - size)))
        time = time_taken(attempt.duration_s(axis.now), assumed=attempt.start_assumed)
    return _row(
        glyph, attempt_name(attempt), drawn, time, _outcome(attempt, symbols, running), width, symbols
    )


def _coming_row(attempt: Attempt, axis: Axis, symbols: Symbols, width: int) -> Line:
    future = axis.cell(axis.now)
    drawn = (span(" " * future), span(symbols.cells[0] * (axis.width - future), "track"))
    glyph = span(symbols.to_come, "dim")
    name = tuple(Span(part.text, "dim") for part in attempt_name(attempt))
    return _row(glyph, name, drawn, "", line(span("to come", "dim")), width, symbols)


def attempt_name(attempt: Attempt) -> Line:
    """Return number, profile and model of an attempt."""
    provider = None if attempt.profile else attempt.provider  # a profile id begins with its provider
    model = "/".join(word for word in (provider, attempt.model) if word) or "model not known"
    profile = (span(f"  {attempt.profile}", "dim"),) if attempt.profile else ()
    return line(span(f"{attempt.index} {model}"), *profile)


def _outcome(attempt: Attempt, symbols: Symbols, running: bool) -> Line:
    if running:
        return line(span("now", "accent"))
    reason = attempt.reason or ("timeout" if attempt.timed_out else "ended")
    words = plain_word(attempt.decision or "")
    decision = (span(f" {symbols.arrow} {words}", "dim"),) if words else ()
    return line(span(plain_word(reason), "warning"), *decision)
