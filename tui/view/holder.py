"""The process that holds a lock, in lines: what it runs, what it costs, what else it holds. All pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, every_lock
from lockdeck.backend.model.locks import Holder
from lockdeck.backend.model.words import times
from lockdeck.backend.system.processes import ProcessDetails
from lockdeck.tui.view.lines import Line, line, span
from lockdeck.tui.view.names import file_name

_PRIVATE = re.compile(r"token|passw|secret|api-?key|message|prompt", re.IGNORECASE)
MOST_LOCKS = 5
"""So many of the holder's other locks are named; the rest are counted."""


def process_lines(details: ProcessDetails, rest: tuple[LockView, ...]) -> Iterator[Line]:
    """Yield the lines of a process and of the other locks it holds."""
    command = " ".join(shown_argv(details.argv)) or "its arguments can't be read"
    yield line(span(command, "text", 1000))
    costs = [
        f"{details.cpu_percent:.1f} % of a core since its start" if details.cpu_percent is not None else "",
        f"{memory(details.rss)} memory" if details.rss is not None else "",
        times(details.threads, "thread") if details.threads is not None else "",
        times(details.children, "child", "children"),
    ]
    yield line(span(", ".join(cost for cost in costs if cost), "dim"))
    if details.cwd is not None:
        yield line(span(f"in {details.cwd}", "dim"))
    yield from _other_locks(rest)


def shown_argv(argv: Sequence[str]) -> Iterator[str]:
    """Yield the arguments; what follows an option for a secret or for a message to the agent is left out."""
    hide = False
    for word in argv:
        name, equals, _value = word.partition("=")
        private = _PRIVATE.search(name) is not None if name.startswith("--") else False
        yield "***" if hide else f"{name}=***" if private and equals else word
        hide = private and not equals


def other_locks(holder: Holder, own: LockView, snapshot: FleetSnapshot) -> tuple[LockView, ...]:
    """Return the locks that the same process, on the same host, holds besides its `own`."""
    return tuple(
        lock
        for lock in every_lock(snapshot)
        if lock.host == own.host
        and lock.record.path != own.record.path
        and _is_process(lock.judgement.holder, holder)
    )


def memory(size: int) -> str:
    """Write a number of bytes: `812 kB`, `41 MB`, `1.3 GB`."""
    if size >= 10**9:
        return f"{size / 10**9:.1f} GB"
    return f"{size // 10**6} MB" if size >= 10**6 else f"{size // 1000} kB"


def _is_process(candidate: Holder | None, holder: Holder) -> bool:
    return candidate is not None and (candidate.pid, candidate.start_ticks) == (
        holder.pid,
        holder.start_ticks,
    )


def _other_locks(rest: tuple[LockView, ...]) -> Iterator[Line]:
    if not rest:
        yield line(span("holds no other lock", "dim"))
        return
    yield line(span(f"holds {times(len(rest), 'other lock')}:"))
    for lock in rest[:MOST_LOCKS]:
        yield line(span(f"  {lock.record.agent or ''} {file_name(lock.record.path)}", "dim"))
    if len(rest) > MOST_LOCKS:
        yield line(span(f"  {len(rest) - MOST_LOCKS} more", "dim"))
