"""How an agent's locks fared in the last minutes: blocked callers and holds, counted from what changed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from backend.model.fleet import FleetSnapshot, SessionView
from tui.lines import Line, line, span
from tui.symbols import Symbols

BUCKET_S = 10.0
"""What is counted together, in seconds."""
BUCKETS = 30
"""So many of them are kept: five minutes."""

Agent = tuple[str, str]
"""Root and agent id."""


@dataclass(frozen=True, slots=True)
class Beat:
    """What began within one bucket: new holds of the agent's locks, newly blocked callers."""

    holds: int = 0
    callers: int = 0


@dataclass(frozen=True, slots=True)
class Pulse:
    """Beats by agent and number of the bucket (epoch seconds / 10); buckets in which nothing began are left out."""

    beats: Mapping[Agent, Mapping[int, Beat]] = field(default_factory=dict)


def advance(pulse: Pulse, before: FleetSnapshot | None, after: FleetSnapshot) -> Pulse:
    """Count what is new in a snapshot; the first one is no news."""
    if before is None:
        return pulse
    now = int(after.generated_at // BUCKET_S)
    beats = dict(pulse.beats)
    for agent, beat in _news(before, after):
        kept = {at: known for at, known in beats.get(agent, {}).items() if at > now - BUCKETS}
        known = kept.get(now, Beat())
        beats[agent] = {**kept, now: Beat(known.holds + beat.holds, known.callers + beat.callers)}
    return pulse if beats == pulse.beats else Pulse(beats)


def recent(pulse: Pulse, agent: Agent, now: float) -> tuple[Beat, ...]:
    """Return the beats of the last five minutes, oldest first, one for each bucket."""
    known, last = pulse.beats.get(agent, {}), int(now // BUCKET_S)
    return tuple(known.get(at, Beat()) for at in range(last - BUCKETS + 1, last + 1))


def spark(values: Sequence[int], symbols: Symbols) -> str:
    """Draw the values as one cell each, from nothing to the greatest of them."""
    most, steps = max(values, default=0), len(symbols.spark) - 1
    return "".join(symbols.spark[-(-value * steps // most) if most else 0] for value in values)


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


def _news(before: FleetSnapshot, after: FleetSnapshot) -> Iterator[tuple[Agent, Beat]]:
    old = {view.identity: view for view in before.sessions}
    for view in after.sessions:
        was = old.get(view.identity)
        if was is not None and was is not view:
            beat = Beat(_new_holds(was, view), max(view.blocked.count - was.blocked.count, 0))
            if beat.holds or beat.callers:
                yield (view.root, view.agent), beat


def _new_holds(was: SessionView, view: SessionView) -> int:
    one, other = was.occupation, view.occupation
    if other is None:
        return 0
    if one is None or one.recent[-1].started_at < other.since:
        return other.holds
    return max(other.holds - one.holds, 0)
