"""What is said where no row is shown: why, what that is known from, and what to do next. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lockdeck.backend.model.fleet import FleetSnapshot, RootView
from lockdeck.backend.model.hosts import HostView, Phase
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


def no_host_rows(snapshot: FleetSnapshot, subject: str) -> Iterator[Line]:
    """Yield what to do where hosts are watched and no row is shown: none has answered, none can be reached, or there is none."""
    hosts = snapshot.hosts
    if any(host.told for host in hosts):
        yield from no_rows(snapshot, subject)
        return
    yield EMPTY
    if not hosts:
        yield line(span("No host has told this fleet anything yet.", "warning"))
        yield EMPTY
        yield _step("lockdeck serve --nats URL", "on every host of it, with the same --fleet")
    elif any(host.phase is Phase.CALLED for host in hosts):
        yield line(span("No host has answered yet; those that are slow delay no other."))
        yield EMPTY
        yield from map(_host, hosts)
    else:
        yield line(span("No host can be reached.", "warning"))
        yield EMPTY
        yield from map(_host, hosts)
        yield EMPTY
        yield line(span("Each is called again by itself, after 30 s at the latest. Meanwhile:"))
        yield _step("ssh HOST lockdeck serve", "run what leads there by hand, and see what it says")
        yield _step("pip install lockdeck", "on the host: it judges its own files")


def no_hosts(*, on_hosts: bool) -> Iterator[Line]:
    """Yield how hosts come into the deck, where there are none."""
    yield EMPTY
    words = "No host has told this fleet anything yet." if on_hosts else "This machine alone is watched."
    yield line(span(words))
    yield EMPTY
    yield _step(
        "lockdeck ssh://HOST", "watch it, by the lockdeck that is there (several: one after the other)"
    )
    yield _step(
        "lockdeck --hosts FILE", "watch those that [[hosts]] tables name: containers, accounts, groups"
    )
    yield _step("lockdeck --nats URL", "watch a fleet whose hosts tell a NATS server")


def _host(host: HostView) -> Line:
    problem = span(f"  {host.problem}", "warning", 1000) if host.problem else span("")
    return line(span(f"  {host.name}", "text"), span(f"  {host.phase.value}", "dim"), problem)


def all_quiet(snapshot: FleetSnapshot, symbols: Symbols) -> Iterator[Line]:
    """Yield what is known of a fleet in which nothing happens, and what may be looked at."""
    idle = times(len(snapshot.sessions), "session")
    yield EMPTY
    if any(root.unseen for root in snapshot.roots) or not all(host.seen for host in snapshot.hosts):
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
    host = f"{root.host} " if root.host else ""
    return line(span(f"  {host}{root.path}", "text", 1000), span(f"  {root.era}, {word}", "dim"))


def _step(command: str, words: str) -> Line:
    return line(span(f"  {command:<22}", "accent"), span(words, "dim"))
