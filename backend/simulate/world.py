"""What all runs of one simulated gateway share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct, field

from lockdeck.backend.simulate.home import Home
from lockdeck.backend.simulate.log import Log
from lockdeck.backend.simulate.tempo import Tempo


class Provider:
    """The model provider behind every candidate: it answers, or it hangs. A hung request never recovers."""

    def __init__(self) -> None:
        self.hanging = False

    async def reply(self, seconds: float) -> None:
        """Return after `seconds` when the reply is there; never, where the provider hangs."""
        if self.hanging:
            await asyncio.Event().wait()
        await asyncio.sleep(seconds)


class World(Struct, frozen=True):
    """Places, clock, provider, and who listens to the events of runs."""

    home: Home
    tempo: Tempo
    log: Log
    provider: Provider = field(default_factory=Provider)
    listeners: list[Callable[[dict[str, object]], None]] = field(default_factory=list)

    def tell(self, run_id: str, session_key: str, phase: str) -> None:
        """Tell the listeners that an attempt started (`start`) or a run ended (`end`, `error`)."""
        payload = {
            "runId": run_id,
            "stream": "lifecycle",
            "data": {"phase": phase},
            "sessionKey": session_key,
        }
        for hear in tuple(self.listeners):
            hear({"type": "event", "event": "agent", "payload": payload})
