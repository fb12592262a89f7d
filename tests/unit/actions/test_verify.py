"""Whether a run is over is read off lock, log and gateway; an answer never counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lockdeck.backend.actions.cancel.access import has_active_run
from lockdeck.backend.actions.cancel.context import CancelLimits, RunTarget
from lockdeck.backend.actions.cancel.verify_files import FilesVerification, verify_files
from lockdeck.backend.model.locks import LockKind, LockPayload, LockRecord, PayloadState, Presence
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.chain import Candidate, FailoverChain
from lockdeck.backend.model.runs.events import AttemptStarted, Event, FailoverDecision, RunEnded
from lockdeck.backend.model.runs.profiles import profile_hash
from lockdeck.backend.openclaw.gateway.frames import Frame, Hello
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble

KEY, PID, START = "agent:main:main", 4711, 1000.0
CHAIN = FailoverChain((Candidate("atlas", "large", ("atlas:alpha", "atlas:beta")),))
LIMITS = CancelLimits(poll=0.1)


def lock(created_at: float | None, state: PayloadState = PayloadState.VALID, pid: int = PID) -> LockRecord:
    payload = LockPayload(pid, created_at) if state is PayloadState.VALID else None
    return LockRecord("/l", "/r", None, LockKind.SESSION, Presence.FILE, None, payload, state)


FREE = LockRecord("/l", "/r", None, LockKind.SESSION, Presence.ABSENT)
HELD = lock(START - 5)


class World:
    """Time that passes by waiting; locks by time; a log and a gateway that tell at set times."""

    transport, url, hello = "WebSocket", "ws://x", Hello(None, None, None, frozenset(), None)

    silences = 0

    def __init__(
        self,
        looks: Sequence[tuple[float, LockRecord]],
        log: Sequence[tuple[float, Event]] = (),
        told: Sequence[AttemptStarted | RunEnded] = (),
        active: bool | None = None,
        readable: bool = True,
    ) -> None:
        self.now = START
        self.looks, self.log, self.events, self.active = looks, list(log), told, active
        self.readable = readable

    def look(self) -> LockRecord:
        return [record for at, record in self.looks if START + at <= self.now + 1e-6][-1]

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def news(self) -> list[Event]:
        due = [event for at, event in self.log if START + at <= self.now]
        self.log = [(at, event) for at, event in self.log if START + at > self.now]
        return due

    def run_events(self) -> tuple[AttemptStarted | RunEnded, ...]:
        return tuple(event for event in self.events if event.at <= self.now)

    def call(self, method: str, params: object = None, seconds: float = 5) -> Frame:
        row = {"key": KEY} if self.active is None else {"key": KEY, "hasActiveRun": self.active}
        return {"sessions": [{"key": "other"}, row]}

    def close(self) -> None: ...

    def watched(
        self, run_id: str | None = "r1", answered: Callable[[], bool] = lambda: True
    ) -> FilesVerification:
        target = RunTarget(KEY, "/l", PID, run_id, CHAIN)
        seen = FilesVerification(target, START, START - 5, self.run_events())
        tools = {"read_lock": self.look, "log": self, "line": self, "steady": self.clock, "wait": self.wait}
        return verify_files(seen, LIMITS, answered=answered, **tools)

    def went_on(self, seen: FilesVerification) -> bool:
        return seen.free_at is None or seen.went_on(self.now, LIMITS.brief)


def rotate(run_id: str = "r1", at: float = START) -> FailoverDecision:
    hashed = profile_hash("atlas:alpha")
    return FailoverDecision(at, run_id, "assistant", "rotate_profile", profile_hash=hashed)


def test_a_lock_that_goes_and_stays_away_is_a_run_that_stopped() -> None:
    world = World([(0, HELD), (0.3, FREE)])
    seen = world.watched()
    assert not world.went_on(seen)
    assert round((seen.free_at or 0) - START, 1) == 0.3
    assert world.now - (seen.free_at or 0) >= LIMITS.quiet


def test_a_lock_that_never_goes_is_no_success() -> None:
    world = World([(0, HELD)])
    assert world.went_on(world.watched())
    assert LIMITS.free <= world.now - START < LIMITS.free + 1


def test_a_lock_taken_again_is_a_rotation_that_went_on_and_its_profile_is_named() -> None:
    world = World([(0, HELD), (0.1, FREE), (0.8, lock(START + 0.8))], [(0.2, rotate())])
    seen = world.watched()
    assert world.went_on(seen)
    assert round((seen.retaken_at or 0) - (seen.free_at or 0), 1) == 0.7
    assert seen.next_profile() == "atlas:beta"


def test_a_lock_replaced_between_two_looks_counts_as_taken_again() -> None:
    world = World([(0, HELD), (0.1, lock(START + 0.1))])
    assert world.went_on(world.watched())


def test_a_last_short_write_is_no_next_attempt() -> None:
    world = World([(0, HELD), (0.1, FREE), (0.2, lock(START + 0.2)), (0.5, FREE)])
    seen = world.watched()
    assert not world.went_on(seen)
    assert round((seen.free_at or 0) - START, 1) == 0.5


def test_an_empty_lock_file_decides_nothing() -> None:
    world = World([(0, HELD), (0.1, FREE), (1.0, lock(None, PayloadState.EMPTY)), (1.2, FREE)])
    assert not world.went_on(world.watched())


def test_a_decision_in_the_log_makes_the_watch_longer() -> None:
    late = World([(0, HELD), (0.1, FREE), (8.0, lock(START + 8))], [(0.2, rotate())])
    assert late.went_on(late.watched()), "a busy machine takes the lock again only after seconds"
    other = World([(0, HELD), (0.1, FREE)], [(0.2, rotate("another-run"))])
    assert not other.went_on(other.watched())
    assert other.now - START < LIMITS.quiet_blind


def test_a_decision_that_led_to_the_aborted_hold_does_not_continue_the_run_however_late_it_is_read() -> None:
    """Seen on 2026.6.35: the clean-up took the lock once more, and a line of before the abort came after it."""
    looks = [(0, HELD), (0.1, FREE), (0.8, lock(START + 0.8)), (3.0, FREE)]
    world = World(looks, [(0.2, rotate(at=START - 6))], active=False)
    assert not world.went_on(world.watched())


def test_without_a_log_the_watch_is_longer() -> None:
    world = World([(0, HELD), (0.1, FREE), (8.0, lock(START + 8))], readable=False)
    assert world.went_on(world.watched())


def test_the_gateways_own_word_that_nothing_runs_ends_the_watch() -> None:
    world = World([(0, HELD), (0.1, FREE)], readable=False, active=False)
    assert not world.went_on(world.watched())
    assert world.now - START < LIMITS.quiet_blind


def test_an_active_run_without_a_lock_is_no_success() -> None:
    world = World([(0, HELD), (0.1, FREE)], active=True)
    assert world.went_on(world.watched())


def test_a_queued_message_that_is_answered_next_is_another_run() -> None:
    told = (
        RunEnded(START + 0.1, "r1", True, session_key=KEY),
        AttemptStarted(START + 0.4, "r2", session_key=KEY),
    )
    for known in ("r1", None):
        world = World([(0, HELD), (0.1, FREE), (0.5, lock(START + 0.5))], told=told)
        seen = world.watched(known)
        assert (world.went_on(seen), seen.other_run) == (False, "r2")


def test_a_start_without_an_end_before_it_is_the_same_run() -> None:
    told = (AttemptStarted(START + 0.4, "r2", session_key=KEY),)
    for known in ("stale-id", None):
        world = World([(0, HELD), (0.1, FREE), (0.5, lock(START + 0.5))], told=told)
        assert world.went_on(world.watched(known))


def test_a_lock_kept_for_a_moment_by_the_clean_up_of_an_ended_run_is_no_next_attempt() -> None:
    world = World([(0, HELD), (0.1, FREE), (0.2, lock(START + 0.2)), (2.3, FREE)], active=False)
    seen = world.watched()
    assert not world.went_on(seen)
    assert round((seen.free_at or 0) - START, 1) == 2.3


def test_a_lock_that_an_ended_run_does_not_give_back_is_neither_freed_nor_a_rotation() -> None:
    for looks in ([(0, HELD)], [(0, HELD), (0.1, FREE), (0.2, lock(START + 0.2))]):
        world = World(looks, active=False)
        seen = world.watched()
        assert world.went_on(seen)
        assert seen.winds_up()
        assert LIMITS.wind_up <= world.now - START < LIMITS.wind_up + 1


def test_a_gateway_that_shows_no_run_is_not_waited_for_when_an_attempt_was_told() -> None:
    told = (AttemptStarted(START + 0.2, "r1", session_key=KEY),)
    for log, events in (((), told), ([(0.2, rotate())], ())):
        world = World([(0, HELD), (0.1, FREE), (0.2, lock(START + 0.2))], log, events, active=False)
        seen = world.watched()
        assert world.went_on(seen)
        assert not seen.winds_up()
        assert world.now - START < LIMITS.brief + 0.5


def test_what_happened_before_the_call_or_elsewhere_does_not_count() -> None:
    told = (
        RunEnded(START - 1, "r1", True, session_key=KEY),
        RunEnded(START + 0.1, "r1", True, session_key="agent:other:main"),
        AttemptStarted(START + 0.4, "r2", session_key=KEY),
    )
    world = World([(0, HELD), (0.1, FREE), (0.5, lock(START + 0.5))], told=told)
    assert world.went_on(world.watched())


def test_before_the_answer_nothing_has_failed() -> None:
    world = World([(0, HELD), (6, FREE), (6.5, lock(START + 6.5)), (20, FREE)])
    seen = world.watched(answered=lambda: world.now > START + 19)
    assert not world.went_on(seen)


def test_a_gateway_that_could_tell_and_does_not_answer_has_confirmed_nothing() -> None:
    class Silent(World):
        hello = Hello(Version(2026, 7, 35), None, None, frozenset(), None)
        asked = 0

        def call(self, method: str, params: object = None, seconds: float = 5) -> Frame:
            self.asked += 1
            if self.asked <= self.silences:
                raise GatewayError(Trouble.SILENT, "no")
            return super().call(method, params, seconds)

    for silences, unasked in ((99, True), (1, False)):
        world = Silent([(0, HELD), (0.1, FREE)], active=False)
        world.silences = silences
        seen = world.watched()
        assert seen.unasked is unasked
        assert world.now - START >= LIMITS.quiet_blind, "it is asked once more at the end of the longer watch"


def test_a_gateway_that_does_not_tell_is_not_believed_either_way() -> None:
    class Broken(World):
        def call(self, method: str, params: object = None, seconds: float = 5) -> Frame:
            raise GatewayError(Trouble.SILENT, "no")

    assert has_active_run(Broken([(0, FREE)]), KEY) is None
    assert has_active_run(World([(0, FREE)]), KEY) is None
