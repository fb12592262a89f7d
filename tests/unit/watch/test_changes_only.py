"""A look at what changed gives the fleet that a look at everything gives: whatever happens, in whatever order."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, SessionView, State
from lockdeck.backend.model.urgency import urgency
from lockdeck.backend.simulate.cast import CHAIN, Session
from lockdeck.backend.simulate.log import Log
from lockdeck.backend.simulate.narration import Narrator
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.collector import Collector
from tests.unit.fleetdelta import applied
from tests.unit.fleetdir import Actor, FleetDir, dead_pid, payload

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")
KEYS = ("agent:main:main", "agent:main:cron", "agent:silas:main", "agent:silas:telegram", "agent:ezra:main")
VERSIONS = ("2026.4.5", "2026.7.1", "2026.2.9")


class World:
    """One root in files, a clock, and two collectors: one that looks at what changed, one that looks at everything anew."""

    def __init__(self, home: Path, version: str) -> None:
        self.fleet, self.now, self.dead = FleetDir(home), time.time(), dead_pid()
        self.fleet.config(meta={"lastTouchedVersion": version})
        self.locks = {key: self.fleet.session(key) for key in KEYS}
        self.holder = Actor()
        self.held: set[Path] = set()
        self.dirty: set[str] = set()
        self.log = Log(self.fleet.log)
        self.thrifty, self.thorough = self.collector(), self.collector()
        self.told = self.thrifty.look()
        assert face(self.told) == face(self.everything())

    def collector(self) -> Collector:
        logs = [str(self.fleet.log)]
        given = [str(self.fleet.root)]
        return Collector.discover(
            given, self.fleet.settings(), logs=logs, env=self.fleet.env, clock=lambda: self.now
        )

    def close(self) -> None:
        self.thrifty.close()
        self.thorough.close()
        self.holder.end()

    def everything(self) -> FleetSnapshot:
        """Look at everything, with nothing of what was built before but the memory of what was seen."""
        self.thorough._sessions.keep(())
        return self.thorough.look()

    def take(self, key: str) -> None:
        path = self.locks[key]
        if not path.exists():
            self.holder.take(path)
            self.held.add(path)
        self._touch(path)

    def release(self, key: str) -> None:
        path = self.locks[key]
        if path in self.held:
            self.holder.release(path)
            self.held.discard(path)
        else:
            path.unlink(missing_ok=True)
        self._touch(path)

    def leave(self, key: str) -> None:
        """A lock of a process that is gone."""
        path = self.locks[key]
        if not path.exists():
            path.write_text(payload(self.dead, starttime=4711))
        self._touch(path)

    def stranger(self, key: str) -> None:
        """A lock that no session of the store explains."""
        path = self.locks[key].with_name("unknown.jsonl.lock")
        if path.exists():
            path.unlink()
        else:
            path.write_text(payload(self.dead, starttime=4711))
        self._touch(path)

    def store(self, key: str) -> None:
        """Another session, or the old one with another row."""
        path = self.locks[key]
        self.locks[key] = self.fleet.session(key, status="running")
        if path.exists():
            self.locks[key] = path

        self._touch(path)

    def forget(self, key: str) -> None:
        """The store names the session no longer."""
        store = self.locks[key].with_name("sessions.json")
        entries = json.loads(store.read_text())
        entries.pop(key, None)
        store.write_text(json.dumps(entries))
        self._touch(store)

    def answer(self, key: str) -> None:
        """An answer of a model in the transcript."""
        self._say(key, {"role": "assistant", "content": [], "stopReason": "stop"})

    def ask(self, key: str) -> None:
        """A message of a user in the transcript: nothing else may tell that a run prepares."""
        self._say(key, {"role": "user", "content": "are you there?"})

    def _say(self, key: str, message: dict[str, object]) -> None:
        path = self.locks[key].with_suffix("")
        message["timestamp"] = int(self.now * 1000)
        with path.open("a") as file:
            file.write(json.dumps({"type": "message", "id": "m", "message": message}) + "\n")
        self._touch(path)

    def timeout(self, key: str) -> None:
        self._narrator(key).run_timeout(20.0)

    def rotate(self, key: str) -> None:
        self._narrator(key).failover(CHAIN[0].profiles[0], "rotate_profile", CHAIN[0], first=True)

    def surface(self, key: str) -> None:
        self._narrator(key).failover(CHAIN[0].profiles[1], "surface_error", CHAIN[0], first=False)

    def wait(self, key: str) -> None:
        self._narrator(key).waited(12.0)

    def later(self, key: str) -> None:
        """Time goes on, by more for a later key."""
        self.now += (0.4, 3.0, 31.0, 400.0, 4000.0)[KEYS.index(key)]

    def fully(self, _key: str) -> None:
        self.check(None)

    def _narrator(self, key: str) -> Narrator:
        path = self.locks[key]
        session_id = path.name.removesuffix(".jsonl.lock")
        return Narrator(self.log, Session(key, session_id, ""), f"run-{KEYS.index(key)}")

    def _touch(self, path: Path) -> None:
        self.dirty.add(str(path.parent))

    def check(self, dirty: set[str] | None) -> None:
        """Look at what changed; it is what a look at everything shows, and what the difference makes of the last picture."""
        dirty = None if dirty is None else dirty | self.thrifty._locks.due
        before, self.told = self.told, self.thrifty._numbered(self.thrifty._look(dirty))
        assert face(self.told) == face(self.everything())
        assert self.told.sequence == before.sequence + 1
        delta = self.told.delta
        assert delta is not None
        assert applied(delta.sessions, before.sessions, urgency) == self.told.sessions
        assert {
            id(view) for view in before.sessions if view not in [change.old for change in delta.sessions]
        } <= set(map(id, self.told.sessions))


DEEDS: tuple[Callable[[World, str], None], ...] = (
    World.take,
    World.release,
    World.leave,
    World.stranger,
    World.store,
    World.forget,
    World.answer,
    World.ask,
    World.timeout,
    World.rotate,
    World.surface,
    World.wait,
    World.later,
    World.fully,
)


def face(snapshot: FleetSnapshot) -> object:
    """All that a snapshot shows but when each lock was looked at, and how many processes there were then."""
    locks = [lock_face(view) for view in snapshot.locks]
    return [session_face(view) for view in snapshot.sessions], locks, snapshot.incidents, snapshot.notes


def session_face(view: SessionView) -> object:
    lock = None if view.lock is None else lock_face(view.lock)
    reasons = uncounted(view.reasons)
    return lock, reasons, replace(view, lock=None, reasons=())


def lock_face(view: LockView) -> object:
    return view.record, replace(view.judgement, reasons=()), uncounted(view.judgement.reasons)


def uncounted(reasons: tuple[str, ...]) -> list[str]:
    return [re.sub(r"\d+ of \d+ inspected", "inspected", reason) for reason in reasons]


@contextmanager
def world(version: str) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        made = World(Path(home).resolve(), version)
        stack.callback(made.close)
        yield made


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(VERSIONS),
    st.lists(st.tuples(st.sampled_from(DEEDS), st.sampled_from(KEYS)), min_size=1, max_size=10),
)
def test_a_look_at_what_changed_shows_what_a_look_at_everything_shows(version, deeds):
    with world(version) as made:
        for deed, key in deeds:
            deed(made, key)
            if deed is World.later:
                # What time alone changes is judged at its own moment, by whatever look comes then.
                made.check(set())
            elif deed is not World.fully:
                dirty, made.dirty = made.dirty, set()
                made.check(dirty)


def test_a_message_of_which_only_the_transcript_tells_is_seen_without_a_look_at_everything():
    with world("2026.7.1") as made:
        made.ask(KEYS[0])
        made.check(made.dirty)
        (asked,) = (view for view in made.told.sessions if view.state is not State.IDLE)
        assert asked.key == KEYS[0]
        assert asked.reasons[0].startswith("its transcript ends with a message that has waited")
