"""In the SQLite era sessions stand until their moment: whatever happens, in whatever order, the fleet is that of a look anew."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.fleet import FleetSnapshot, State
from lockdeck.backend.model.runs.events import AttemptStarted, Event, RunEnded
from lockdeck.backend.model.urgency import urgency
from lockdeck.backend.openclaw.gateway.rows import SessionRow, Sign
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.collector import Collector
from lockdeck.backend.watch.gateway_feed.news import FeedNews
from lockdeck.backend.watch.sessions.builder import SessionBuilder
from tests.unit.fleetdelta import applied
from tests.unit.fleetdir import Actor, FleetDir
from tests.unit.watch.test_changes_only import face
from tests.unit.watch.test_sqlite_era import Clock, collector, log_line, log_retry, migrate

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")
AGENTS = ("main", "silas", "ezra", "juno", "atlas")
STEPS_S = (0.4, 3.0, 31.0, 400.0, 4000.0)
REFUSED = 'Embedded agent failed before reply: Session "agent:{}:main" changed while starting work. Retry.'


class World:
    """One root without lock files, its gateway as it was heard, a clock, and two collectors: a thrifty and a thorough one."""

    def __init__(self, home: Path) -> None:
        self.fleet, self.clock, self.news = FleetDir(home), Clock(), FeedNews()
        migrate(self.fleet, AGENTS[0])
        self.fleet.config()
        self.gateway = Actor()
        self.lock = self.gateway.take(self.fleet.gateway_lock(), created=self.clock.now)
        self.stopped = False
        self.rows: dict[str, SessionRow] = {}
        self.untold: dict[Collector, list[Event]] = {}
        self.thrifty, self.thorough = self._collector(), self._collector()
        self.told = self.thrifty.look()

    def _collector(self) -> Collector:
        made = collector(self.fleet, self.clock)
        self.untold[made] = []

        def take() -> dict[str, FeedNews]:
            events, self.untold[made] = tuple(self.untold[made]), []
            return {str(self.fleet.root): replace(self.news, events=events)}

        made._sources.feeds.take = take
        made._sources.feeds.keep = lambda _roots: None
        return made

    def close(self) -> None:
        self.thrifty.close()
        self.thorough.close()
        self.gateway.end()

    def everything(self) -> FleetSnapshot:
        self.thorough._sessions.keep(())
        return self.thorough.look()

    def tell(self, **changes: object) -> None:
        """The gateway is heard."""
        now, connected_at = self.clock.now, self.news.connected_at or self.clock.now
        heard = replace(self.news, sessions=tuple(self.rows.values()), told_at=now, connected=True)
        self.news = replace(heard, connected_at=connected_at, **changes)

    def event(self, event: Event) -> None:
        for events in self.untold.values():
            events.append(event)

    def run(self, agent: str) -> None:
        row = SessionRow(key(agent), agent, "s1", "running", active=True, started_at=self.clock.now - 1.0)
        self.rows[row.key] = row
        self.tell()

    def end(self, agent: str) -> None:
        row = SessionRow(key(agent), agent, "s1", "done", active=False, ended_at=self.clock.now)
        self.rows[row.key] = row
        self.tell()

    def drop(self, agent: str) -> None:
        self.rows.pop(key(agent), None)
        self.tell()

    def queue(self, agent: str) -> None:
        self.tell(queued={key(agent): 2})

    def progress(self, agent: str) -> None:
        self.tell(progress={key(agent): Sign(self.clock.now)})

    def part(self, _agent: str) -> None:
        """The connection to the gateway is lost."""
        self.news = replace(self.news, connected=False)

    def begin(self, agent: str) -> None:
        self.event(AttemptStarted(self.clock.now, f"run-{agent}", session_key=key(agent)))

    def finish(self, agent: str) -> None:
        self.event(RunEnded(self.clock.now, f"run-{agent}", ok=True, session_key=key(agent)))

    def retry(self, agent: str) -> None:
        """A timeout of a run for which the log names no session."""
        log_retry(self.fleet, self.clock.now, 1 + AGENTS.index(agent), trace=f"trace-{agent}")

    def refuse(self, agent: str) -> None:
        log_line(self.fleet, self.clock.now, REFUSED.format(agent), trace=f"refused-{agent}")

    def folder(self, agent: str) -> None:
        """An agent is made: no one tells, a look at everything finds it."""
        self.fleet.sessions(agent)

    def stop(self, _agent: str) -> None:
        """The gateway's process is stopped."""
        if not self.stopped:
            self.gateway.stop()
            self.stopped = True

    def later(self, agent: str) -> None:
        """Time goes on, by more for a later agent."""
        self.clock.now += STEPS_S[AGENTS.index(agent)]

    def back(self, _agent: str) -> None:
        """The clock is set back."""
        self.clock.now -= 20.0

    def check(self, *, full: bool) -> None:
        before, self.told = self.told, self.thrifty._numbered(self.thrifty._look(None if full else set()))
        assert face(self.told) == face(self.everything())
        delta = self.told.delta
        assert delta is not None
        assert applied(delta.sessions, before.sessions, urgency) == self.told.sessions


HEARD: tuple[Callable[[World, str], None], ...] = (
    *(World.run, World.end, World.drop, World.queue, World.progress, World.part),
    *(World.begin, World.finish, World.retry, World.refuse, World.later, World.later, World.back),
)
"""What every look sees; the rest only a look at everything does."""
DEEDS = (*HEARD, World.folder, World.stop)


def key(agent: str) -> str:
    return f"agent:{agent}:main"


@contextmanager
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        made = World(Path(home).resolve())
        stack.callback(made.close)
        yield made


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(DEEDS), st.sampled_from(AGENTS)), min_size=1, max_size=16))
def test_sessions_that_stand_until_their_moment_are_those_of_a_look_anew(deeds):
    with world() as made:
        for deed, agent in deeds:
            deed(made, agent)
            made.check(full=deed not in HEARD)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(DEEDS), st.sampled_from(AGENTS)), min_size=1, max_size=16))
def test_looks_at_everything_show_what_looks_anew_show(deeds):
    with world() as made:
        for deed, agent in deeds:
            deed(made, agent)
            made.check(full=True)


def test_a_full_look_judges_no_session_anew_of_which_nothing_is_told_before_its_moment(monkeypatch):
    built: list[str] = []
    build = SessionBuilder.build

    def counted(self, observation, joins, now):
        built.append(observation.key)
        return build(self, observation, joins, now)

    with world() as made:
        for agent in AGENTS:
            made.run(agent)
        for _ in range(2):
            made.check(full=True)
        made.clock.now += 0.001
        monkeypatch.setattr(SessionBuilder, "build", counted)
        made.thrifty._look(None)
        assert built == []
        made.end(AGENTS[2])
        made.check(full=False)
        (ended,) = (view for view in made.told.sessions if view.state is State.IDLE)
        assert ended.key == key(AGENTS[2])
