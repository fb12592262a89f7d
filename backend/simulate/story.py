"""The incident in fast motion, again and again: calm, outage, recovery.

Times in comments are in attempts.  During the outage each agent needs about 5.4 of them: five attempts and
the gaps between.  The provider recovers when all are on their last attempt, so that each of them fails on
all candidates and the next message is answered.
"""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process

from lockdeck.backend.simulate import lockfile, store
from lockdeck.backend.simulate.cast import AGENTS, CRASHED, LEAKED, LOCAL, Session, main_key
from lockdeck.backend.simulate.clock import epoch_ms
from lockdeck.backend.simulate.helpers import AT_WORK, Act, Helpers
from lockdeck.backend.simulate.runs import Runs
from lockdeck.backend.simulate.world import World

_CALM_RUNS = {"main": 3, "silas": 1, "ezra": 1, "juno": 2}
_STARTS = {"silas": 0.0, "ezra": 0.02, "juno": 0.05, "main": 0.3}
_CHAT_AGENT = "juno"
_PROBE_AT = 1.2
_QUEUED_AT = 4.2
_RECOVERY_AT = 5.05
_LOCAL_REST = 7.5


class Story:
    """Plays the rounds on a gateway's runs and children."""

    def __init__(self, world: World, runs: Runs, helpers: Helpers) -> None:
        self._world = world
        self._runs = runs
        self._helpers = helpers
        self._sessions = {session.key: session for session in store.load_sessions(world.home)}
        self._leaker: Process | None = None

    async def play(self) -> None:
        """Play rounds until cancelled, and local runs beside them."""
        async with asyncio.TaskGroup() as beside:
            beside.create_task(self._local_runs())
            while True:
                self._world.log.trim()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._leave_a_crash())
                    tasks.create_task(self._leave_a_leak())
                    tasks.create_task(self._round())

    async def _round(self) -> None:
        await self._calm()
        await self._outage()
        await self._calm()

    async def _calm(self) -> None:
        """Let every agent answer a few messages: short holds with pauses."""
        self._world.provider.hanging = False
        async with asyncio.TaskGroup() as tasks:
            for agent in AGENTS:
                tasks.create_task(self._short_runs(agent))

    async def _short_runs(self, agent: str) -> None:
        for _ in range(_CALM_RUNS[agent]):
            await self._pause(0.15)
            await self._runs.run(self._main(agent), chat=agent == _CHAT_AGENT)

    async def _outage(self) -> None:
        """Hang the provider: all four agents rotate; callers are blocked meanwhile."""
        self._world.provider.hanging = True
        async with asyncio.TaskGroup() as tasks:
            for agent, start in _STARTS.items():
                tasks.create_task(self._message(agent, start))
            tasks.create_task(self._probe())
            tasks.create_task(self._message("main", _QUEUED_AT))
            tasks.create_task(self._recover())

    async def _message(self, agent: str, start: float) -> None:
        await self._pause(start)
        await self._runs.run(self._main(agent), chat=agent == _CHAT_AGENT)

    async def _probe(self) -> None:
        await self._pause(_PROBE_AT)
        process = await self._helpers.start(Act.PROBE, self._main("silas"))
        await process.wait()

    async def _recover(self) -> None:
        await self._pause(_RECOVERY_AT)
        self._world.provider.hanging = False

    async def _leave_a_crash(self) -> None:
        """Leave the lock of a process that was killed, unless the last one still stands."""
        session = self._sessions[CRASHED]
        if lockfile.stands(session.lock):
            return
        process = await self._helpers.start(Act.CRASH, session)
        self._mark(session, "running")
        if process.returncode is None:
            process.kill()
        await process.wait()

    async def _leave_a_leak(self) -> None:
        """Leave the lock of a living process that has closed it, unless the last one still stands."""
        session = self._sessions[LEAKED]
        if lockfile.stands(session.lock):
            return
        if self._leaker is not None and self._leaker.returncode is None:
            self._leaker.kill()
            await self._leaker.wait()
        self._leaker = await self._helpers.start(Act.LEAK, session)

    async def _local_runs(self) -> None:
        """Let one process at the command line after another make its runs, each under the lock of its own session."""
        session = self._sessions[LOCAL]
        while True:
            process = await self._helpers.start(Act.HOLD, session)
            self._mark(session, "running")
            while process.stdout is not None and (moment := await process.stdout.readline()):
                self._mark(session, "running" if moment.decode().strip() == AT_WORK else "done")
            await process.wait()
            self._mark(session, "done")
            await self._pause(_LOCAL_REST)

    def _mark(self, session: Session, status: str) -> None:
        moment = "startedAt" if status == "running" else "endedAt"
        store.update(self._world.home, session, {"status": status, moment: epoch_ms()})

    def _main(self, agent: str) -> Session:
        return self._sessions[main_key(agent)]

    async def _pause(self, attempts: float) -> None:
        await asyncio.sleep(attempts * self._world.tempo.attempt)
