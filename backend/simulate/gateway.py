"""The simulated gateway process: `openclaw-gateway … -m lockdeck.backend.simulate.gateway HOME ATTEMPT LIFELINE SOCKET`.

HOME is the fleet's private directory, ATTEMPT the seconds of one attempt, LIFELINE the reading end of the
owner's pipe, SOCKET a socket bound to the configured port of 127.0.0.1, on which the protocol is served.

It prints one line when it is up.  SIGTERM and SIGINT end it as they end the real one: its locks vanish, its
children too, the files stay.  When the owner is gone it removes HOME as well.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

from lockdeck.backend.simulate import lockfile, rpc
from lockdeck.backend.simulate.cast import TOKEN, VERSION
from lockdeck.backend.simulate.clock import iso_utc
from lockdeck.backend.simulate.helpers import Helpers
from lockdeck.backend.simulate.home import Home
from lockdeck.backend.simulate.lifeline import remove_tree
from lockdeck.backend.simulate.log import Log
from lockdeck.backend.simulate.rpc_methods import SessionMethods
from lockdeck.backend.simulate.runs import Runs
from lockdeck.backend.simulate.story import Story
from lockdeck.backend.simulate.tempo import Tempo
from lockdeck.backend.simulate.world import World


class SimulatedGateway:
    """One gateway: its runs, its children and the story they play."""

    def __init__(self, home: Home, tempo: Tempo, lifeline: int, server: socket.socket) -> None:
        self.world = World(home, tempo, Log(home.log()))
        self.runs = Runs(self.world)
        self.server = server
        self._lifeline = lifeline
        self._helpers = Helpers(home, tempo, lifeline)
        self._stop = asyncio.Event()
        self._orphaned = False

    async def serve(self) -> None:
        """Play until stopped; remove the fleet's directory when its owner is gone."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._lifeline, self._owner_gone)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        lock = _take_gateway_lock(self.world.home)
        story = asyncio.create_task(Story(self.world, self.runs, self._helpers).play())
        stopped = asyncio.create_task(self._stop.wait())
        calls = asyncio.create_task(self._serve_calls())
        sys.stdout.write("up\n")
        sys.stdout.flush()
        try:
            done, _ = await asyncio.wait({story, stopped, calls}, return_when=asyncio.FIRST_COMPLETED)
            for ended in done - {stopped}:
                ended.result()
        finally:
            await self._end(story, calls)
            lockfile.release(str(self.world.home.gateway_lock), lock)
            if self._orphaned:
                remove_tree(self.world.home.path)

    def _owner_gone(self) -> None:
        asyncio.get_running_loop().remove_reader(self._lifeline)
        self._orphaned = True
        self._stop.set()

    async def _serve_calls(self) -> None:
        manners = rpc.Manners(TOKEN, VERSION, state_dir=str(self.world.home.root))
        await rpc.serve(self.server, manners, SessionMethods(self.world, self.runs, VERSION))

    async def _end(self, *tasks: asyncio.Task[None]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await self._helpers.end()


def _take_gateway_lock(home: Home) -> int:
    """Create the single-instance lock and keep it open; compact JSON as in 2026.4.5."""
    descriptor = lockfile.create(str(home.gateway_lock))
    if descriptor is None:
        raise SystemExit(f"gateway already running: {home.gateway_lock} stands")
    payload: dict[str, object] = {"pid": os.getpid(), "createdAt": iso_utc(), "configPath": str(home.config)}
    ticks = lockfile.start_ticks()
    if ticks is not None:
        payload["startTime"] = ticks
    os.write(descriptor, json.dumps(payload, separators=(",", ":")).encode())
    return descriptor


async def main(home: str, attempt: str, lifeline: str, server: str) -> None:
    """Run one gateway; the arguments are those of the command line."""
    with socket.socket(fileno=int(server)) as bound:
        await SimulatedGateway(Home(Path(home)), Tempo(float(attempt)), int(lifeline), bound).serve()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
