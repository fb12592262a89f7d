"""What all runs of one simulated gateway share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from backend.simulate.home import Home
from backend.simulate.log import Log
from backend.simulate.tempo import Tempo


class Provider:
    """The model provider behind every candidate: it answers, or it hangs. A hung request never recovers."""

    def __init__(self) -> None:
        self.hanging = False

    async def reply(self, seconds: float) -> None:
        """Return after `seconds` when the reply is there; never, where the provider hangs."""
        if self.hanging:
            await asyncio.Event().wait()
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class World:
    """Places, clock and provider."""

    home: Home
    tempo: Tempo
    log: Log
    provider: Provider = field(default_factory=Provider)
