"""The gateway's children: OpenClaw command-line processes that crash, leak, hold or wait for locks."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE, Process
from enum import StrEnum

from lockdeck.backend.simulate.cast import Session
from lockdeck.backend.simulate.home import Home
from lockdeck.backend.simulate.tempo import Tempo

AT_WORK, AT_REST = "at work", "at rest"
"""The lines by which a child tells that its lock is as its act wants it, or given back."""


class Act(StrEnum):
    """What a command-line process does with its session's lock."""

    CRASH = "crash"
    LEAK = "leak"
    HOLD = "hold"
    PROBE = "probe"


class Helpers:
    """Starts the children and ends them. `lifeline` is the reading end of the owner's pipe."""

    def __init__(self, home: Home, tempo: Tempo, lifeline: int) -> None:
        self._home = home
        self._tempo = tempo
        self._lifeline = lifeline
        self._running: list[Process] = []

    async def start(self, act: Act, session: Session) -> Process:
        """Start a child and return once it is at work: it holds or has leaked its lock, or begins to wait."""
        self._running = [process for process in self._running if process.returncode is None]
        process = await asyncio.create_subprocess_exec(
            "openclaw",
            *(
                "-S",
                "-P",
                "-m",
                "lockdeck.backend.simulate.cli",
                "agent",
                "--local",
                "--agent",
                session.agent,
            ),
            *("--session-key", session.key, "--session-id", session.session_id),
            *("--transcript", session.transcript, "--home", str(self._home.path), "--act", act),
            *("--attempt", str(self._tempo.attempt), "--lifeline", str(self._lifeline)),
            *("--parent", str(os.getpid())),
            stdin=DEVNULL,
            stdout=PIPE,
            pass_fds=(self._lifeline,),
        )
        self._running.append(process)
        if process.stdout is not None:
            await process.stdout.readline()
        return process

    async def end(self) -> None:
        """Kill the children and wait until they are gone."""
        for process in self._running:
            if process.returncode is None:
                process.kill()
        for process in self._running:
            await process.wait()
