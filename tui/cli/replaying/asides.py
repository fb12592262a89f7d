"""What is to be known of a replay beside what it tells: narration for stderr."""

from __future__ import annotations

from collections.abc import Iterator

from lockdeck.backend.model.moments import is_dated, iso
from lockdeck.backend.model.runs.joins import session_keys
from lockdeck.backend.model.runs.selection import Selection, coverage
from lockdeck.backend.model.runs.sources import events_of
from lockdeck.backend.model.words import times
from lockdeck.backend.watch.logs.replay import Replay

MOST_NAMED = 8
"""So many sessions are named where a selection left nothing."""


def asides(history: Replay) -> Iterator[str]:
    """Yield what is to be known of the reading itself: problems, files left out, logs kept apart."""
    yield from history.problems
    if history.left_out and history.lines:
        verb = "is no log" if history.left_out == 1 else "are no logs"
        yield f"{times(history.left_out, 'file')} in these folders {verb}: left out"
    if len(history.sources) > 1:
        names = ", ".join(source.name for source in history.sources)
        yield f"{len(history.sources)} sources that share no run and no session are kept apart: {names}"


def selection_asides(history: Replay, selection: Selection) -> Iterator[str]:
    """Yield what a selection could not leave out, and what there is where it left nothing."""
    undated = sum(bool(past.run.facts) and not is_dated(past.run.facts[0].at) for past in history.runs)
    if selection.span and undated:
        verb, them = ("has", "it") if undated == 1 else ("have", "them")
        yield f"{times(undated, 'run')} {verb} no date: --since and --until can't leave {them} out"
    if not selection or history.runs or history.occupations or history.refused_starts or not history.lines:
        return
    covered = coverage(event for source in history.sources for event in events_of(source.book))
    if covered is None:
        yield "nothing of that is in the logs: they tell no event with a date"
        return
    keys = sorted({key for source in history.sources for key in session_keys(source.book, {}).values()})
    sessions = f", of {', '.join(keys[:MOST_NAMED])}" if keys else ""
    more = f" and {len(keys) - MOST_NAMED} more sessions" if len(keys) > MOST_NAMED else ""
    yield f"nothing of that is in the logs: their events are from {iso(covered[0])} to {iso(covered[1])}{sessions}{more}"
