"""Whatever a person and the fleet do in any order: an action only reaches what it was confirmed for.

A dashboard runs headless; the machine moves, sorts, filters, marks, removes, replaces, asks and confirms, and
knows for itself what was under the cursor or marked when a key was pressed.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from textual.widgets import Button, Input

from backend.actions.plan import Outcome, Refusal, ReleasePlan, Status
from backend.actions.release import Place
from backend.model.fleet import FleetSnapshot, LockView, RootView, SessionView, Severity, State
from backend.model.locks import (
    Evidence,
    Judgement,
    LockIdentity,
    LockKind,
    LockPayload,
    LockRecord,
    Presence,
    Verdict,
)
from tests.tui.samples import NOW, ROOT
from tests.tui.stage import dashboard, show, wait_for
from tui.actions import Hands
from tui.dialogs.release import ReleaseDialog
from tui.dialogs.result import ResultDialog
from tui.screens.fleet import FleetScreen

NAMES = ("ada", "bea", "cy", "dot", "eve")
Hold = tuple[str, str]
"""Path and release id."""


@dataclass
class World:
    """The locks there are: by name, how often each was replaced; and what was released."""

    holds: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    urgent: tuple[str, ...] = NAMES
    reached: list[Hold] = field(default_factory=list)

    def hold(self, name: str) -> Hold:
        view = self.lock(name)
        assert view.release_id is not None
        return (view.record.path, view.release_id)

    def lock(self, name: str) -> LockView:
        raw = f"{name} {self.holds[name]}".encode()
        identity = LockIdentity(1, 2, 3, hashlib.sha256(raw).digest())
        record = LockRecord(
            f"{ROOT}/agents/main/sessions/{name}.jsonl.lock",
            *(ROOT, "main", LockKind.SESSION, Presence.FILE),
            identity,
            LockPayload(4194305, NOW - 60),
        )
        return LockView(record, Evidence(record, NOW), Judgement(Verdict.DEAD, ("gone",), True))

    def snapshot(self) -> FleetSnapshot:
        sessions = tuple(
            SessionView(
                ROOT,
                "main",
                f"agent:main:{name}",
                name,
                State.STUCK,
                Severity.CRITICAL,
                NOW - 100 + self.urgent.index(name),
                lock=self.lock(name),
            )
            for name in self.holds
        )
        return FleetSnapshot(NOW, "deck", (RootView(ROOT, "files"),), sessions)

    # What stands in for backend.actions.release: the same contract, no disk.

    def plan(self, path: str, release_id: str | None, **_more: object) -> ReleasePlan:
        now = self.current(path)
        place = Place(path, ROOT, "main", LockKind.SESSION)
        refusal = None if now == release_id else Refusal(("this is another hold than the one named",))
        return ReleasePlan(path, now, NOW, place, refusal=refusal)

    def release(self, plan: ReleasePlan, **_more: object) -> Outcome:
        if self.current(plan.path) != plan.release_id or plan.release_id is None:
            return Outcome(Status.REFUSED, plan.path, plan.release_id, ("it changed",))
        self.reached.append((plan.path, plan.release_id))
        return Outcome(Status.RELEASED, plan.path, plan.release_id, ("released",))

    def current(self, path: str) -> str | None:
        name = path.rpartition("/")[2].removesuffix(".jsonl.lock")
        return self.hold(name)[1] if name in self.holds else None


class Stagehand:
    """Runs one dashboard in one task, and what is asked of it inside that task."""

    def __init__(self, hands: Hands) -> None:
        self.loop = asyncio.new_event_loop()
        self.orders: asyncio.Queue[tuple[Callable[..., Awaitable[object]] | None, asyncio.Future[object]]]
        self.orders = asyncio.Queue()
        self.app = dashboard(hands=hands, read_only=False)
        self.task = self.loop.create_task(self._live())

    def do(self, order: Callable[..., Awaitable[object]] | None) -> object:
        done: asyncio.Future[object] = self.loop.create_future()
        self.orders.put_nowait((order, done))
        return self.loop.run_until_complete(done)

    def close(self) -> None:
        self.do(None)
        self.loop.run_until_complete(self.task)
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    async def _live(self) -> None:
        async with self.app.run_test(size=(100, 30)) as pilot:
            while True:
                order, done = await self.orders.get()
                if order is None:
                    break
                try:
                    done.set_result(await order(pilot))
                except BaseException as error:  # the machine must hear of it, not the task
                    done.set_exception(error)
        done.set_result(None)


class Deck(RuleBasedStateMachine):
    """Only what stood under the cursor, or was marked, when R was pressed and then confirmed, may be reached."""

    world: World
    stage: Stagehand

    @initialize()
    def open(self) -> None:
        self.world = World()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("tui.actions.plan_release", lambda *a, **k: self.world.plan(*a, **k))
        self.patch.setattr("tui.actions.release", lambda *a, **k: self.world.release(*a, **k))
        self.patch.setattr("tui.actions.trace", lambda _path: None)
        journal = SimpleNamespace(folder="/nowhere", read=lambda: SimpleNamespace(entries=()))
        self.stage = Stagehand(Hands(journal=journal, env={}, watch_s=0.0))  # type: ignore[arg-type]
        self.aimed: set[Hold] = set()
        self.generation = 0
        self.confirmed: set[Hold] = set()
        self._show()

    def teardown(self) -> None:
        if hasattr(self, "stage"):
            self.stage.close()
            self.patch.undo()

    @property
    def app(self):
        return self.stage.app

    @property
    def at_home(self) -> bool:
        return isinstance(self.app.screen, FleetScreen)

    @property
    def asking(self) -> bool:
        return isinstance(self.app.screen, ReleaseDialog)

    def _press(self, *keys: str) -> None:
        self.stage.do(lambda pilot: pilot.press(*keys))

    def _show(self) -> None:
        snapshot = self.world.snapshot()
        self.stage.do(lambda pilot: show(pilot, snapshot))

    # -- the fleet goes on, whatever is open ----------------------------------------------------------

    @rule(
        what=st.sampled_from(["sort", "vanish", "replace", "come"]),
        order=st.permutations(NAMES),
        told=st.booleans(),
    )
    def goes_on(self, what: str, order: list[str], told: bool) -> None:
        holds, name = self.world.holds, order[0]
        if what == "sort":
            self.world.urgent = tuple(order)
        elif what == "vanish":
            holds.pop(name, None)
        elif what == "come" or name in holds:
            self.generation += 1
            holds[name] = self.generation
        if told:
            self._show()

    # -- the person -----------------------------------------------------------------------------------

    @precondition(lambda self: self.at_home)
    @rule(
        keys=st.lists(st.sampled_from(["down", "up", "end", "space", "f", "p", "u"]), min_size=1, max_size=3)
    )
    def moves(self, keys: list[str]) -> None:
        self._press(*keys)

    @precondition(lambda self: self.at_home)
    @rule(word=st.sampled_from(["e", "ada", "zzz"]), keep=st.booleans())
    def filters(self, word: str, keep: bool) -> None:
        self._press("slash", *word, "enter" if keep else "escape")

    @precondition(lambda self: self.at_home)
    @rule()
    def asks(self) -> None:
        shown = {view.key: view.lock for view in self.app.deck.shown.sessions}
        aimed = [shown[key[2]] for key in self.app.screen.targets]
        self.aimed = {(lock.record.path, lock.release_id) for lock in aimed}
        self._press("R")
        if self.aimed:
            self.stage.do(lambda pilot: wait_for(pilot, self._asked))

    def _asked(self) -> bool:
        screen = self.app.screen
        if not isinstance(screen, ReleaseDialog) or not screen.query("#ask-no"):
            return False
        closes = "Close" in str(screen.query_one("#ask-no", Button).label)
        return closes or bool(screen.query_one("#ask-yes").display)

    @precondition(lambda self: self.asking)
    @rule(how=st.sampled_from(["right", "right", "wrong", "nothing", "escape"]))
    def answers(self, how: str) -> None:
        screen = self.app.screen
        question = screen._question
        if how == "escape" or question is None:
            self._press("escape")
            return
        screen.query_one(Input).value = ""
        if how == "right":
            self.confirmed |= self.aimed
            self._press(*question.words[-1], "enter")
            self.stage.do(lambda pilot: wait_for(pilot, self._ended))
            self._press("escape")
        else:
            self._press(*("0f0f0f" if how == "wrong" else ""), "enter")

    def _ended(self) -> bool:
        screen = self.app.screen
        return isinstance(screen, ResultDialog) and not self.app.jobs.job(screen.number).running

    # -- what must hold -------------------------------------------------------------------------------

    @invariant()
    def nothing_is_reached_that_was_not_confirmed(self) -> None:
        if hasattr(self, "confirmed"):
            assert set(self.world.reached) <= self.confirmed


Deck.TestCase.settings = settings(
    max_examples=10, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
TestDeck = Deck.TestCase
