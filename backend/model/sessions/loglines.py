"""A session's log as sentences: made from typed events, so that no raw log text, prompt or secret is shown."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from lockdeck.backend.model.runs.events import About, Event

MAX_LINES = 50
"""So many of a session's newest lines are kept."""
SAME_LINE_S = 0.5
"""OpenClaw tells some things twice, once per lane; a sentence again within this many seconds is the same one."""


class LogLine(Struct, frozen=True):
    """One thing the log tells of a session: when (epoch seconds), the sentence, whether it is bad news, and the run that it names."""

    at: float
    sentence: str
    bad: bool = False
    run_id: str | None = None


def log_of(events: Iterable[Event]) -> tuple[LogLine, ...]:
    """Return the newest 50 lines of the events of one session, oldest first; what is told twice, once."""
    lines: list[LogLine] = []
    visible = (event for event in events if event.handling.about is not About.TRACE)
    for event in sorted(visible, key=lambda event: event.at)[-2 * MAX_LINES :]:
        line = LogLine(event.at, event.sentence(), event.handling.bad, event.run_id)
        if not any(
            earlier.sentence == line.sentence and line.at - earlier.at <= SAME_LINE_S
            for earlier in lines[-4:]
        ):
            lines.append(line)
    return tuple(lines[-MAX_LINES:])
