"""The last minutes of sessions and agents: blocked callers and holds, counted from what changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from lockdeck.backend.model.changes import Change, SessionChange
from lockdeck.backend.model.fleet import SessionView
from lockdeck.tui.view.lines import EMPTY, Line, line, span
from lockdeck.tui.view.symbols import Symbols

BUCKET_S = 10.0
"""Seconds that are counted together."""
BUCKETS = 30
"""So many of them are kept: five minutes."""
MINUTES = 5
"""A row of the fleet shows so many: the current one is not over yet."""
_A_MINUTE = 6
"""Buckets."""
_FEW = 4
"""The least that fills a cell of a row, so that one hold a minute does not look like many."""

Session = tuple[str, str, str, str]
"""Host, root, agent id and session key."""


class Beat(Struct, frozen=True):
    """The beginnings within some time: new holds of locks, newly blocked callers."""

    holds: int = 0
    callers: int = 0

    def __add__(self, beat: Beat) -> Beat:
        return Beat(self.holds + beat.holds, self.callers + beat.callers)


NOTHING = Beat()
Beats = Mapping[int, Beat]
"""By number of the bucket (epoch seconds / 10); buckets in which nothing began are left out."""


class Pulse(Struct, frozen=True):
    """Beats of the sessions in which anything began in the last five minutes, up to the bucket `at`."""

    beats: Mapping[Session, Beats] = field(default_factory=dict)
    at: int = 0


def advance(pulse: Pulse, changes: Iterable[Change], at: float) -> Pulse:
    """Count what began by the changes that a snapshot of the moment `at` (epoch seconds) brought."""
    now = int(at // BUCKET_S)
    news = dict(_news(changes))
    if not news and now == pulse.at:
        return pulse
    beats = dict(pulse.beats) if now == pulse.at else _recent_beats(pulse, now)
    for session, beat in news.items():
        buckets = beats.get(session, {})
        beats[session] = {**buckets, now: buckets.get(now, NOTHING) + beat}
    return Pulse(beats, now)


def recent(pulse: Pulse, view: SessionView, now: float) -> tuple[Beat, ...]:
    """Return the beats of the agent of a session in the last five minutes, oldest first, one for each bucket."""
    last = int(now // BUCKET_S)
    *agent, _ = pulse_name(view)
    of_agent = [beats for (*of, _), beats in pulse.beats.items() if of == agent]
    return tuple(
        _sum(beats.get(at, NOTHING) for beats in of_agent) for at in range(last - BUCKETS + 1, last + 1)
    )


def trend(pulse: Pulse, session: Session, now: float) -> tuple[Beat, ...]:
    """Return the beats of a session, oldest first, one for each full minute and the current one; none at all as ().

    Minutes are those of the clock, so that a row changes once a minute, or when something begins.
    """
    buckets = pulse.beats.get(session)
    if buckets is None:
        return ()
    last = int(now // BUCKET_S) // _A_MINUTE
    minutes = range(last - MINUTES + 1, last + 1)
    beats = tuple(
        _sum(beat for at, beat in buckets.items() if at // _A_MINUTE == minute) for minute in minutes
    )
    return beats if any(beat != NOTHING for beat in beats) else ()


def callers_line(beats: Sequence[Beat], symbols: Symbols) -> Line:
    """Draw the callers blocked in each minute."""
    return _row_spark([beat.callers for beat in beats], "warning", symbols)


def holds_line(beats: Sequence[Beat], symbols: Symbols) -> Line:
    """Draw the holds begun in each minute."""
    return _row_spark([beat.holds for beat in beats], "bar", symbols)


def _row_spark(values: Sequence[int], style: str, symbols: Symbols) -> Line:
    return line(span(spark(values, symbols, _FEW), style)) if any(values) else EMPTY


def spark(values: Sequence[int], symbols: Symbols, scale: int = 1) -> str:
    """Draw the values as one cell each, from nothing to the greatest of them, or to `scale` where that is more."""
    peak, steps = max(*values, scale), len(symbols.spark) - 1
    return "".join(symbols.spark[-(-value * steps // peak)] for value in values)


def pulse_lines(beats: Sequence[Beat], symbols: Symbols) -> Iterator[Line]:
    """Yield a line for blocked callers and one for holds; none for what did not happen."""
    callers, holds = [beat.callers for beat in beats], [beat.holds for beat in beats]
    minutes = len(beats) * BUCKET_S / 60
    if any(callers):
        yield _row("blocked callers", callers, "warning", f"{sum(callers)}", symbols)
    if any(holds):
        yield _row("holds", holds, "bar", f"{sum(holds) / minutes:.1f} a minute", symbols)


def _row(title: str, values: Sequence[int], style: str, words: str, symbols: Symbols) -> Line:
    return line(span(title.ljust(17)), span(spark(values, symbols), style), span(f"  {words}", "dim"))


def _news(changes: Iterable[Change]) -> Iterator[tuple[Session, Beat]]:
    """Yield what began in the sessions that were there before and still are."""
    for change in changes:
        if not isinstance(change, SessionChange) or change.old is None or change.new is None:
            continue
        old, new = change.old, change.new
        beat = Beat(_new_holds(old, new), max(new.blocked.count - old.blocked.count, 0))
        if beat != NOTHING:
            yield pulse_name(new), beat


def pulse_name(view: SessionView) -> Session:
    """Return the name by which the beats of a session are kept."""
    return (view.host, view.root, view.agent, view.key)


def _recent_beats(pulse: Pulse, now: int) -> dict[Session, Beats]:
    """Return the beats without those older than five minutes, and without sessions that had no others."""
    recent_beats = {
        session: {at: beat for at, beat in beats.items() if at > now - BUCKETS}
        for session, beats in pulse.beats.items()
    }
    return {session: beats for session, beats in recent_beats.items() if beats}


def _sum(beats: Iterable[Beat]) -> Beat:
    return sum(beats, NOTHING)


def _new_holds(old: SessionView, new: SessionView) -> int:
    earlier, now = old.occupation, new.occupation
    if now is None:
        return 0
    if earlier is None or earlier.recent[-1].started_at < now.since:
        return now.holds
    return max(now.holds - earlier.holds, 0)
