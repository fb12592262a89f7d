"""The timeline of `lockdeck replay`: one line a happening, below the day that it was; and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lockdeck.backend.model.incidents.past import INCIDENT
from lockdeck.backend.model.moments import day_and_clock, iso
from lockdeck.backend.model.runs.past.timeline import Happening
from lockdeck.backend.model.wire import moment_json, times_json
from lockdeck.backend.system.text import SafeText, safe

MOST_NAME = 32
"""Names of sessions are padded to at most so many characters."""


def timeline_lines(timeline: Sequence[Happening], whole_since: float | None) -> Iterator[SafeText]:
    """Render the happenings, oldest first, each day below its heading; nothing where nothing happened."""
    if not timeline:
        return
    yield SafeText("timeline" if whole_since is None else f"timeline, whole since {iso(whole_since)}")
    width = min(MOST_NAME, max(len(_name(happening)) for happening in timeline))
    several = any(happening.source for happening in timeline)
    today = None
    for happening in timeline:
        day, clock = day_and_clock(happening.at)
        if day != today:
            yield safe(day)
            today = day
        source = f"  in {happening.source}" if several else ""
        yield safe(f"  {clock:8}  {_name(happening):{width}}  {_words(happening)}{source}")


def timeline_json(happening: Happening) -> dict[str, Any]:
    """Render one happening."""
    subject = happening.subject
    return {
        **moment_json("at", happening.at),
        **moment_json("until", happening.until),
        "times": times_json(happening.at),
        "kind": happening.kind,
        "sessionKey": subject.session_key,
        "sessionId": subject.session_id,
        "lock": subject.lock_path,
        "runId": happening.run_id,
        "beforeRunId": happening.before_run,
        "source": happening.source,
        "count": happening.count,
        "bad": happening.bad,
        "sentence": happening.sentence,
    }


def _name(happening: Happening) -> str:
    subject = happening.subject
    if subject.session_key is None and subject.session_id is not None:
        agent = f"agent {subject.agent}, " if subject.agent else ""
        return f"{agent}session {subject.session_id}"
    return subject.name or ("cause" if happening.kind == INCIDENT else "-")


def _words(happening: Happening) -> str:
    before = f"; run {happening.before_run} had the session" if happening.before_run else ""
    if happening.count == 1:
        return f"{happening.sentence}{before}"
    day, clock = day_and_clock(happening.until)
    until = clock if day == day_and_clock(happening.at)[0] else f"{day.removesuffix(' UTC')} {clock}"
    return f"{happening.sentence}{before}  x{happening.count}{f' to {until}' if clock else ''}"
