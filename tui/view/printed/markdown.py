"""A fleet as markdown, to be pasted into the channel of an incident: the cause, then each stuck session in five lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lockdeck.backend.model.fleet import FleetSnapshot, SessionView
from lockdeck.backend.model.words import date_and_time, zone
from lockdeck.backend.system.text import SafeText, safe
from lockdeck.tui.view.answer import Option, answer
from lockdeck.tui.view.printed.commands import cancel_command, command_of
from lockdeck.tui.view.printed.incidents import incident_text
from lockdeck.tui.view.printed.plain import summary_line
from lockdeck.tui.view.printed.table import needs_words

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&@])")
_TICKS = re.compile(r"`+")


def markdown_lines(snapshot: FleetSnapshot, host_options: Sequence[str] = ()) -> Iterator[SafeText]:
    """Render what one pastes: host and time, causes with their evidence, sessions that need a person, counts.

    `host_options`: words that name another host in a command.
    """
    now = snapshot.generated_at
    yield _line(f"**lockdeck** on {plain(snapshot.host)}, {date_and_time(now)} {zone(now)}")
    for incident in snapshot.incidents:
        yield _line("")
        yield _line(f"**{plain(incident_text(incident, now))}**")
        yield _line("")
        yield from (_line(f"- {plain(sentence)}") for sentence in incident.evidence)
        yield _line(f"- all of it: {code(cancel_command(incident, host_options))}")
    for session in filter(needs_words, snapshot.sessions):
        yield from _session(session, now, host_options)
    for root in snapshot.roots:
        if root.problems:
            yield _line("")
            yield _line(f"{code(root.path)}")
            yield _line("")
        yield from (_line(f"- {plain(problem)}") for problem in root.problems)
    yield _line("")
    yield _line(plain(summary_line(snapshot)))


def _session(session: SessionView, now: float, host_options: Sequence[str]) -> Iterator[SafeText]:

    def how(option: Option) -> str:
        command = command_of(option, session, host_options=host_options)
        return plain(option.words) if command is None else f"{plain(option.words)}: {code(command)}"

    told = answer(session, now)
    yield _line("")
    yield _line(f"{code(session.key)} {plain(told.headline)}")
    yield _line("")
    for label, text in told.rows(how):
        yield _line(f"- **{label}** {text if label == 'now' else plain(text)}")
    if session.lock is not None:
        name = f", release id {code(session.lock.release_id)}" if session.lock.release_id else ""
        yield _line(f"- **lock** {code(session.lock.record.path)}{name}")


def plain(text: str) -> str:
    """Return text that markdown shows as it is, on one line: nothing of it is markup, a mention or a link."""
    return _SPECIAL.sub(r"\\\1", safe(text, 4096))


def code(text: str) -> str:
    """Return text as code, within more backticks than any it has."""
    shown = safe(text, 4096)
    ticks = "`" * (1 + max((len(run) for run in _TICKS.findall(shown)), default=0))
    blank = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{blank}{shown}{blank}{ticks}"


def _line(text: str) -> SafeText:
    return safe(text, 16_384)
