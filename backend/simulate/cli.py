"""One simulated `openclaw agent --local` process. Started by the gateway of the demo fleet only."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from msgspec import Struct

from lockdeck.backend.simulate import lockfile
from lockdeck.backend.simulate.cast import CHAIN, Session
from lockdeck.backend.simulate.helpers import Act
from lockdeck.backend.simulate.home import Home
from lockdeck.backend.simulate.lifeline import Lifeline, die_with_parent
from lockdeck.backend.simulate.log import Log
from lockdeck.backend.simulate.narration import Failure, Narrator
from lockdeck.backend.simulate.tempo import LOCK_TIMEOUT_MS, Tempo
from lockdeck.backend.simulate.transcript import Transcript

_HOLD_S = 240.0
"""Real seconds that the local run holds its own session's lock."""
_POLL_S = 0.05


class Caller(Struct, frozen=True):
    """A process at the command line, its session and its clock."""

    session: Session
    tempo: Tempo
    log: Log
    lifeline: Lifeline

    def play(self, act: Act) -> int:
        """Do the act and return the exit code."""
        if act is Act.PROBE:
            return self.probe()
        descriptor = lockfile.create(self.session.lock)
        if descriptor is None:
            return 1
        lockfile.write_payload(descriptor)
        if act is Act.HOLD:
            return self.hold(descriptor)
        if act is Act.LEAK:
            os.close(descriptor)
        _at_work()
        self.lifeline.sleep(None)
        return 0

    def hold(self, descriptor: int) -> int:
        """Hold the lock through one long healthy run, then answer and release."""
        transcript = Transcript(self.session)
        try:
            transcript.ask("Write the release notes.")
            _at_work()
            self.lifeline.sleep(self.tempo.scaled(_HOLD_S))
            transcript.answer(CHAIN[0], "The release notes are written.")
        finally:
            lockfile.release(self.session.lock, descriptor)
        self.log.console("INFO", "The release notes are written.")
        return 0

    def probe(self) -> int:
        """Want a session that another process occupies: every candidate dies waiting for the lock.

        The run id is the session id, as seen on 2026.4.5 for runs at the command line.
        """
        narrator = Narrator(self.log, self.session, self.session.session_id)
        failures: list[Failure] = []
        _at_work()
        for number in range(1, len(CHAIN) + 1):
            began = time.monotonic()
            if self._acquired():
                return 0
            failure = Failure("Error", lockfile.timeout_text(self.session.lock, LOCK_TIMEOUT_MS))
            narrator.candidate_failed(number, failure, time.monotonic() - began)
            failures.append(failure)
        narrator.all_failed(failures, chat=True)
        return 1

    def _acquired(self) -> bool:
        """Poll for the lock; when it comes free, it is given back at once: the question was only asked."""
        deadline = time.monotonic() + self.tempo.lock_wait
        while (descriptor := lockfile.create(self.session.lock)) is None:
            if time.monotonic() >= deadline:
                return False
            self.lifeline.sleep(min(_POLL_S, self.tempo.lock_wait))
        lockfile.write_payload(descriptor)
        lockfile.release(self.session.lock, descriptor)
        return True


def main() -> int:
    """Play the act that the arguments name."""
    asked = _arguments()
    die_with_parent(asked.parent)
    # As the real one: SIGTERM unwinds, so that a lock which is really held is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    caller = Caller(
        Session(asked.session_key, asked.session_id, asked.transcript),
        Tempo(asked.attempt),
        Log(Home(asked.home).log()),
        Lifeline(asked.lifeline),
    )
    return caller.play(asked.act)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="openclaw")
    parser.add_argument("command", choices=["agent"])
    parser.add_argument("--local", action="store_true")
    for name in ("agent", "session-key", "session-id", "transcript"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--act", type=Act, required=True)
    parser.add_argument("--attempt", type=float, required=True)
    for name in ("lifeline", "parent"):
        parser.add_argument(f"--{name}", type=int, required=True)
    return parser.parse_args()


def _at_work() -> None:
    """Tell the gateway that the lock is now as the act wants it."""
    sys.stdout.write("at work\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
