"""The runs of a gateway: one at a time per session, others queue in the session's lane."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict

from lockdeck.backend.simulate.attempt import Abort, Result
from lockdeck.backend.simulate.cast import Session
from lockdeck.backend.simulate.narration import Narrator
from lockdeck.backend.simulate.run import SimulatedRun
from lockdeck.backend.simulate.world import World

_LANE_WAIT_S = 2.0
"""Real seconds from which on a queued message is logged as having waited."""


class Runs:
    """Starts and aborts runs; used by the story and, from other tasks, by the gateway's protocol."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._live: dict[str, SimulatedRun] = {}
        self._lanes: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def live(self) -> tuple[SimulatedRun, ...]:
        """Return the runs that are going on."""
        return tuple(self._live.values())

    async def run(self, session: Session, chat: bool = False) -> Result:
        """Serve one message: wait for the session's lane, then run to the end."""
        asked = time.monotonic()
        async with self._lanes[session.key]:
            run = SimulatedRun(self._world, session, chat)
            waited = time.monotonic() - asked
            if waited >= self._world.tempo.scaled(_LANE_WAIT_S):
                Narrator(self._world.log, session, run.run_id).waited(waited)
            self._live[session.key] = run
            try:
                return await run.live()
            finally:
                del self._live[session.key]

    def abort(self, session_key: str, how: Abort) -> bool:
        """Abort the run of a session.

        False when nothing was aborted: no run, a run between two attempts (it goes on), or a way of
        aborting that does not reach this kind of run.
        """
        run = self._live.get(session_key)
        return run is not None and run.abort(how)
