"""A host in words: as a line, and as JSON."""

from __future__ import annotations

from typing import Any

from lockdeck.backend.hosts.state import HostState
from lockdeck.backend.model.hosts import CLOCKS_APART_S, Phase
from lockdeck.backend.model.moments import iso
from lockdeck.backend.model.words import duration, times, zoned_time
from lockdeck.backend.system.text import SafeText, safe


def host_line(state: HostState, now: float) -> SafeText:
    """Say how fresh a host is, what can't be seen of it, and what runs there (`now`: epoch seconds)."""
    parts = [f"host {state.name}", state.phase.value]
    if state.problem is not None:
        parts.append(f"{state.problem}: what runs there can't be seen")
    if state.phase is not Phase.LIVE and state.snapshot is not None and state.heard_at is not None:
        parts.append(f"not seen since {zoned_time(state.heard_at, now)}")
    if state.hello is not None:
        parts.append(f"lockdeck {state.hello.lockdeck} on {state.hello.host}, as {state.hello.role}")
    if state.withheld:
        parts.append(
            f"{times(len(state.withheld), 'row')} too long to be sent, the first: {state.withheld[0]}"
        )
    if state.ahead_s is not None and abs(state.ahead_s) > CLOCKS_APART_S:
        way = "ahead of" if state.ahead_s > 0 else "behind"
        parts.append(f"its clock is {duration(abs(state.ahead_s))} {way} ours")
    return safe("  ".join(parts), 4096)


def host_json(state: HostState) -> dict[str, Any]:
    """Render a host: whether it is seen, as of when, and what runs there."""
    hello = state.hello
    ahead = None if state.ahead_s is None else round(state.ahead_s * 1000)
    return {
        "name": state.name,
        "phase": state.phase.value,
        "problem": state.problem,
        "heardAt": iso(state.heard_at),
        "clockAheadMs": ahead,
        "withheld": list(state.withheld),
        "lockdeck": None if hello is None else hello.lockdeck,
        "knownThereAs": None if hello is None else hello.host,
        "role": None if hello is None else hello.role,
    }
