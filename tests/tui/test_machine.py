"""Whatever a person and the fleet do in any order: an action only reaches what it was confirmed for.

A dashboard runs headless; the machine moves, sorts, filters, marks, freezes, pauses, removes, replaces, goes to other
screens, asks to release and to cancel, one or many, confirms, and follows up from a result. It knows for itself
what was under the cursor or marked when a key was pressed.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from textual.widgets import Button, Input

from lockdeck.backend.actions.cancel.ladder import rung
from lockdeck.backend.actions.cancel.records import (
    CANCELLED,
    NOTHING,
    STILL_ROTATING,
    CancelOutcome,
    CancelPlan,
    GatewayRoute,
)
from lockdeck.backend.actions.release.records import Refusal, ReleaseOutcome, ReleasePlan, Status
from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RootView, SessionView, Severity, State
from lockdeck.backend.model.locks import (
    Evidence,
    Judgement,
    LockIdentity,
    LockKind,
    LockPayload,
    LockRecord,
    Presence,
    Verdict,
)
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.openclaw.roots.place import RootPlaces
from lockdeck.tui.dialogs.ask import AskDialog
from lockdeck.tui.dialogs.cancel import CancelDialog
from lockdeck.tui.dialogs.release import ReleaseDialog
from lockdeck.tui.dialogs.result import ResultDialog
from lockdeck.tui.operations import ActionContext
from lockdeck.tui.screens.base import DeckScreen
from lockdeck.tui.screens.fleet import FleetScreen
from lockdeck.tui.screens.rowscreen import RowScreen
from tests.tui.samples import NOW, ROOT
from tests.tui.stage import dashboard, show, wait_for

PLACES = RootPlaces(ROOT, "files", own_namespace=False)

MOVES = [
    *("down", "up", "end", "home", "space", "space", "u", "f", "p", "w"),
    *("greater_than_sign", "less_than_sign", "o"),
]
NAMES = ("ada", "bea", "cy", "dot", "eve")
Hold = tuple[str, str]
"""Path and release id."""
End = tuple[str, frozenset[str]]
"""Session key and the rungs by which its run may be ended."""
GENTLE, RESET = rung("stop"), rung("reset")


@dataclass
class World:
    """The locks there are: by name, how often each was replaced; what was released and what cancelled."""

    holds: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    urgent: tuple[str, ...] = NAMES
    reached: list[Hold] = field(default_factory=list)
    cancelled: list[End] = field(default_factory=list)

    def hold(self, name: str) -> Hold:
        view = self.lock(name)
        assert view.release_id is not None
        return (view.record.path, view.release_id)

    def lock(self, name: str) -> LockView:
        raw = f"{name} {self.holds[name]}".encode()
        identity = LockIdentity.of(1, 2, 3, hashlib.sha256(raw).digest())
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

    # What stands in for lockdeck.backend.actions.release.release: the same contract, no disk.

    def plan(self, path: str, release_id: str | None, **_more: object) -> ReleasePlan:
        now = self.current(path)
        place = PLACES.lock(path, "main", LockKind.SESSION)
        right = now is not None and release_id in (now, None)
        refusal = None if right else Refusal(("this is another hold than the one named",))
        view = self.lock(name_of(path)) if now is not None else None
        return ReleasePlan(path, now, NOW, place, view, refusal)

    def release(self, plan: ReleasePlan, **_more: object) -> ReleaseOutcome:
        if self.current(plan.path) != plan.release_id or plan.release_id is None:
            return ReleaseOutcome(Status.REFUSED, plan.path, plan.release_id, ("it changed",))
        self.reached.append((plan.path, plan.release_id))
        return ReleaseOutcome(Status.RELEASED, plan.path, plan.release_id, ("released",))

    def current(self, path: str) -> str | None:
        name = name_of(path)
        return self.hold(name)[1] if name in self.holds else None

    # What stands in for lockdeck.backend.actions.cancel.cancel: a stop is never enough, a reset leaves the lock behind.

    def plan_cancel(self, session: SessionView, _root: object, **_more: object) -> CancelPlan:
        route = GatewayRoute(PLACES, Config("/nowhere/openclaw.json"), {}, "/nowhere")
        path = f"{ROOT}/agents/main/sessions/{session.session_id}.jsonl.lock"
        place = PLACES.lock(path, "main", LockKind.SESSION)
        return CancelPlan(session.key, ROOT, NOW, route, (GENTLE, RESET), place=place)

    def cancel_many(
        self,
        plans: Sequence[CancelPlan],
        *,
        allow: frozenset[str],
        progress: Callable[[CancelPlan, CancelOutcome | None], None],
        **_more: object,
    ) -> None:
        for plan in plans:
            progress(plan, None)
            if plan.key.rpartition(":")[2] not in self.holds:
                progress(plan, CancelOutcome(NOTHING, plan.key, sentences=("nobody runs",)))
                continue
            self.cancelled.append((plan.key, allow))
            stopped = "reset" in allow
            word, following = (CANCELLED, None) if stopped else (STILL_ROTATING, "reset")
            progress(plan, CancelOutcome(word, plan.key, sentences=("told",), next_rung=following))


def name_of(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".jsonl.lock")


class Stagehand:
    """Runs one dashboard in one task, and what is asked of it inside that task."""

    def __init__(self, action_context: ActionContext) -> None:
        self.loop = asyncio.new_event_loop()
        self.orders: asyncio.Queue[tuple[Callable[..., Awaitable[object]] | None, asyncio.Future[object]]]
        self.orders = asyncio.Queue()
        self.app = dashboard(action_context=action_context, read_only=False)
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
    """Only what stood under the cursor, or was marked, when the key was pressed, and was then confirmed, is reached."""

    world: World
    stage: Stagehand

    @initialize()
    def open(self) -> None:
        self.world = World()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("lockdeck.tui.operations.plan_release", lambda *a, **k: self.world.plan(*a, **k))
        self.patch.setattr("lockdeck.tui.operations.release", lambda *a, **k: self.world.release(*a, **k))
        self.patch.setattr("lockdeck.tui.operations.transcript_state", lambda _path: None)
        self.patch.setattr(
            "lockdeck.backend.actions.cancel.plan.plan_cancel",
            lambda *a, **k: self.world.plan_cancel(*a, **k),
        )
        self.patch.setattr(
            "lockdeck.backend.actions.cancel.cancel.cancel_many",
            lambda *a, **k: self.world.cancel_many(*a, **k),
        )
        journal = SimpleNamespace(folder="/nowhere", read=lambda: SimpleNamespace(entries=()))
        self.stage = Stagehand(ActionContext(journal=journal, env={}, watch_s=0.0))  # type: ignore[arg-type]
        self.generation = 0
        self.aimed: set[Hold] = set()
        self.aimed_at: set[str] = set()
        self.confirmed: set[Hold] = set()
        self.ends: set[End] = set()
        self._show()

    def teardown(self) -> None:
        if hasattr(self, "stage"):
            self.stage.close()
            self.patch.undo()

    @property
    def app(self):
        return self.stage.app

    @property
    def on_a_table(self) -> bool:
        return isinstance(self.app.screen, RowScreen)

    @property
    def elsewhere(self) -> bool:
        return isinstance(self.app.screen, DeckScreen) and not isinstance(self.app.screen, FleetScreen)

    @property
    def asking(self) -> bool:
        return isinstance(self.app.screen, AskDialog)

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
        aimed=st.booleans(),
    )
    def goes_on(self, what: str, order: list[str], told: bool, aimed: bool) -> None:
        holds, name = self.world.holds, order[0]
        if aimed and self.asking and self.aimed:
            name = name_of(min(self.aimed)[0])  # the very lock that is asked about
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

    @precondition(lambda self: self.on_a_table)
    @rule(keys=st.lists(st.sampled_from(MOVES), min_size=1, max_size=4))
    def moves(self, keys: list[str]) -> None:
        self._press(*keys)

    @precondition(lambda self: self.on_a_table)
    @rule(word=st.sampled_from(["e", "ada", "zzz"]), keep=st.booleans())
    def filters(self, word: str, keep: bool) -> None:
        self._press("slash", *word, "enter" if keep else "escape")

    @precondition(lambda self: isinstance(self.app.screen, FleetScreen))
    @rule(where=st.sampled_from(["l", "enter"]))
    def goes(self, where: str) -> None:
        self._press(where)

    @precondition(lambda self: self.elsewhere)
    @rule()
    def comes_back(self) -> None:
        self._press("escape")

    @precondition(lambda self: isinstance(self.app.screen, DeckScreen))
    @rule(key=st.sampled_from(["R", "c"]), marks=st.sampled_from([0, 0, 2, 3]))
    def asks(self, key: str, marks: int) -> None:
        if self.on_a_table and marks:
            self._press("home", *["space"] * marks)
        seen = [view for view in self.app.deck.displayed.sessions if self._is_aimed_at(view)]
        self.aimed = {(view.lock.record.path, view.lock.release_id) for view in seen}
        self.aimed_at = {view.key for view in seen}
        self._press(key)
        if seen:
            self._wait_for_the_question()

    def _is_aimed_at(self, view: SessionView) -> bool:
        names = {key[2] for key in self.app.screen.target_keys}
        return view.key in names or view.lock.record.path in names

    def _wait_for_the_question(self) -> None:
        self.stage.do(lambda pilot: wait_for(pilot, self._asked))

    def _asked(self) -> bool:
        screen = self.app.screen
        if not isinstance(screen, AskDialog) or not screen.query("#ask-no"):
            return False
        closes = "Close" in str(screen.query_one("#ask-no", Button).label)
        return closes or bool(screen.query_one("#ask-yes").display)

    @precondition(lambda self: self.asking)
    @rule(
        how=st.sampled_from(["right"] * 6 + ["wrong", "nothing", "escape"]),
        keys=st.lists(st.sampled_from(["up", "down"]), max_size=2),
    )
    def answers(self, how: str, keys: list[str]) -> None:
        self._press(*keys)
        screen = self.app.screen
        question = screen._question
        if how == "escape" or question is None:
            self._press("escape")
            return
        screen.query_one(Input).value = ""
        if how == "right":
            self._expect(screen)
            self._press(*(question.words[-1] if question.words else ["right"]), "enter")
            self.stage.do(lambda pilot: wait_for(pilot, self._ended))
        else:
            self._press(*("0f0f0f" if how == "wrong" else ""), "enter")

    def _expect(self, screen: AskDialog) -> None:
        """Note what is confirmed, as the machine itself knows it."""
        if isinstance(screen, ReleaseDialog):
            self.confirmed |= self.aimed
        else:
            assert isinstance(screen, CancelDialog)
            reset = "Reset" in str(screen.query_one("#ask-yes", Button).label)
            self.ends |= {(key, frozenset({"reset" if reset else "stop"})) for key in self.aimed_at}

    def _ended(self) -> bool:
        screen = self.app.screen
        return isinstance(screen, ResultDialog) and not self.app.jobs.job(screen.number).running

    @precondition(lambda self: isinstance(self.app.screen, ResultDialog))
    @rule(how=st.sampled_from(["close", "next", "release"]))
    def follows_up(self, how: str) -> None:
        screen = self.app.screen
        button = screen.query_one(f"#result-{how}", Button)
        if how == "close" or not button.display:
            self._press("escape")
            return
        if how == "release":
            left = screen.remaining_lock()
            assert left is not None
            assert {left.target.session.key} == self.aimed_at
            self.aimed = {(left.target.lock.record.path, left.target.lock.release_id)}
        button.focus()
        self._press("enter")
        self._wait_for_the_question()

    # -- what must hold -------------------------------------------------------------------------------

    @invariant()
    def nothing_is_reached_that_was_not_confirmed(self) -> None:
        if hasattr(self, "ends"):
            assert set(self.world.reached) <= self.confirmed
            assert set(self.world.cancelled) <= self.ends


Deck.TestCase.settings = settings(
    max_examples=settings.default.max_examples // 10,
    stateful_step_count=14,
    suppress_health_check=list(HealthCheck),
)
TestDeck = Deck.TestCase
