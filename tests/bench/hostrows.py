"""Hosts that tell made-up rows: `python -m tests.bench.hostrows FOLDER HOSTS SESSIONS CHANGES SECONDS`, each into a named pipe.

When the seconds are over, the first host hangs in the middle of a frame, and the others go on.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from msgspec.structs import replace

from lockdeck.backend.hosts.frames import HostBeat, HostHello, Rows, encoded
from lockdeck.backend.model.fleet import SessionView, State

BEAT_S = 2.0
STEP_S = 0.01
_ROOT = "/home/claw/.openclaw"


def hello(name: str) -> bytes:
    """The first frame of a host."""
    return encoded(HostHello((1, 1), "bench", name, "viewer", at=time.time()))


def session(number: int) -> SessionView:
    """One session, as most are: with a transcript, and nothing to say."""
    return SessionView(
        _ROOT,
        "main",
        f"agent:main:telegram:group:{number:06}",
        f"{number:08x}-0000-4000-8000-000000000000",
        since=1_770_000_000.0 + number,
        transcript=f"{_ROOT}/agents/main/sessions/{number:08x}-0000-4000-8000-000000000000.jsonl",
        transcript_at=1_770_000_000.0 + number,
    )


def picture(sessions: int) -> bytes:
    """The frame of all that a host has."""
    return encoded(Rows(time.time(), (), (), (), sessions=tuple(map(session, range(sessions)))))


def change(number: int, at: float, *, busy: bool) -> bytes:
    """The frame of one session that changed at a time, which it carries."""
    state = State.RUNNING if busy else State.IDLE
    row = replace(session(number), state=state, since=at, transcript_at=at, reasons=("a run has begun",))
    return encoded(Rows(time.time(), sessions=(row,)))


def main() -> None:
    """Tell until killed."""
    folder, hosts, sessions, changes, seconds = Path(sys.argv[1]), *map(float, sys.argv[2:6])
    # For reading too: opening it waits for nobody then.
    pipes = [os.open(folder / str(number), os.O_RDWR) for number in range(int(hosts))]
    for number, pipe in enumerate(pipes):
        os.write(pipe, hello(str(number)) + picture(int(sessions)))
    began = beat = time.monotonic()
    told, hung = 0, False
    while True:
        now = time.monotonic()
        if not hung and now - began > seconds:
            os.write(pipes[0], change(0, now, busy=True)[:20])
            hung = True
        if now - beat > BEAT_S:
            beat = now
            for pipe in pipes[hung:]:
                os.write(pipe, encoded(HostBeat(time.time())))
        while told < (now - began) * changes:
            told += 1
            pipe = pipes[hung:][told % (len(pipes) - hung)]
            os.write(pipe, change(told % int(sessions), time.monotonic(), busy=bool(told % 2)))
        time.sleep(STEP_S)


if __name__ == "__main__":
    main()
