"""What is said where no row is shown: why, what that is known from, and what to do next. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lockdeck.backend.model.fleet import FleetSnapshot, RootView
from lockdeck.backend.model.words import times
from lockdeck.tui.view.lines import EMPTY, Line, line, span
from lockdeck.tui.view.symbols import Symbols


def no_rows(snapshot: FleetSnapshot, subject: str) -> Iterator[Line]:
    """Yield what to do where there is neither session nor lock; `subject` is what is missing."""
    yield EMPTY
    if not snapshot.roots:
        yield line(span("No OpenClaw is found here.", "warning"))
        yield EMPTY
        yield line(span("It may belong to another user or be in another folder or container. Next:"))
        yield _step("lockdeck locate", "where was looked, and where lockdeck keeps its own files")
        yield _step("lockdeck PATH", "watch a state folder that you name")
        yield _step("sudo -u USER lockdeck", "watch the OpenClaw of another user")
        yield _step("lockdeck demo", "see it at work on a fleet that is simulated")
        return
    yield line(span(f"No {subject} yet. Looked at:"))
    yield from map(_root, snapshot.roots)
    yield EMPTY
    yield line(
        span("Rows come by themselves as soon as OpenClaw writes them. If some should be here already:")
    )
    yield _step("!", "what could not be read, and why")
    yield _step(
        "lockdeck PATH", "watch another state folder (OPENCLAW_STATE_DIR, --profile, a container's mount)"
    )


def all_quiet(snapshot: FleetSnapshot, symbols: Symbols) -> Iterator[Line]:
    """Yield what is known of a fleet in which nothing happens, and what may be looked at."""
    idle = times(len(snapshot.sessions), "session")
    yield EMPTY
    if any(root.unseen for root in snapshot.roots):
        yield line(
            span(
                f"{symbols.problem} Nothing that can be seen from here needs you, but not all can be seen.",
                "warning",
            )
        )
        yield _step("!", "what is missing, and what can't be known without it")
    else:
        yield line(
            span(f"{symbols.mark} Nothing needs you.", "ok"),
            span(f"  {idle} idle, nobody waits, no lock stands in the way."),
        )
    yield EMPTY
    yield line(span("Watching:", "dim"))
    yield from map(_root, snapshot.roots)
    yield EMPTY
    yield line(span("What happens appears here by itself. Until then:", "dim"))
    yield _step("i", "show the idle sessions")
    yield _step("l  e  J", "all locks, what changed, what lockdeck did")
    yield _step("?", "every key, column, symbol and word")


def _root(root: RootView) -> Line:
    gateway = root.gateway
    word = (
        f"gateway {gateway.version or root.version or ''} pid {gateway.pid}" if gateway else "no gateway seen"
    )
    return line(span(f"  {root.path}", "text", 1000), span(f"  {root.era}, {word}", "dim"))


def _step(command: str, words: str) -> Line:
    return line(span(f"  {command:<22}", "accent"), span(words, "dim"))
