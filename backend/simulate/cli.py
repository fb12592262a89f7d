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
from lockdeck.backend.simulate.cast import CHAIN, ON_THIS_MACHINE, Session
from lockdeck.backend.simulate.helpers import AT_REST, AT_WORK, Act
from lockdeck.backend.simulate.home import Home
from lockdeck.backend.simulate.lifeline import Lifeline, die_with_parent
from lockdeck.backend.simulate.log import Log
from lockdeck.backend.simulate.narration import Failure, Narrator
from lockdeck.backend.simulate.tempo import LOCK_TIMEOUT_MS, Tempo
from lockdeck.backend.simulate.transcript import Transcript

HOLD_S, REST_S = 240.0, 220.0
"""Real seconds that a local run holds its own session's lock, and those until the next one of the same process."""
TURNS = 10
"""So many runs a process makes. One that began anew in every round would be young all the time, and a release waits for
whoever is young."""
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
        if act is Act.HOLD:
            return self.hold()
        descriptor = lockfile.create(self.session.lock)
        if descriptor is None:
            return 1
        lockfile.write_payload(descriptor)
        if act is Act.LEAK:
            os.close(descriptor)
        _tell(AT_WORK)
        self.lifeline.sleep(None)
        return 0

    def hold(self) -> int:
        """Make one long healthy run after the other: hold the lock, answer, release, rest."""
        for _turn in range(TURNS):
            descriptor = lockfile.create(self.session.lock)
            if descriptor is None:
                return 1
            lockfile.write_payload(descriptor)
            self._run(descriptor)
            _tell(AT_REST)
            self.lifeline.sleep(self.tempo.scaled(REST_S))
        return 0

    def _run(self, descriptor: int) -> None:
        transcript = Transcript(self.session)
        try:
            transcript.ask("Write the release notes.")
            _tell(AT_WORK)
            self.lifeline.sleep(self.tempo.scaled(HOLD_S))
            transcript.answer(ON_THIS_MACHINE, "The release notes are written.")
        finally:
            lockfile.release(self.session.lock, descriptor)
        self.log.console("INFO", "The release notes are written.")

    def probe(self) -> int:
        """Want a session that another process occupies: every candidate dies waiting for the lock.

        The run id is the session id, as seen on 2026.4.5 for runs at the command line.
        """
        narrator = Narrator(self.log, self.session, self.session.session_id)
        failures: list[Failure] = []
        _tell(AT_WORK)
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


def _tell(moment: str) -> None:
    """Tell the gateway that the lock is now as the act wants it, or given back."""
    sys.stdout.write(f"{moment}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
