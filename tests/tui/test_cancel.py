"""Cancel from the dashboard: the ladder before, the proof after. The holder is a real process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.widgets import Button, Input

from lockdeck.backend.actions.cancel.context import CancelLimits
from lockdeck.backend.actions.cancel.ladder import EndingCost, LeftOut, restart_rung, rung, terminate_rung
from lockdeck.backend.actions.cancel.records import CancelOutcome, CancelPlan, GatewayRoute
from lockdeck.backend.model.fleet import Severity
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.openclaw.roots.place import RootPlaces
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.dialogs.cancel import CancelDialog
from lockdeck.tui.dialogs.release import ReleaseDialog
from lockdeck.tui.dialogs.result import ResultDialog
from lockdeck.tui.screens.fleet import FleetScreen
from lockdeck.tui.targets import targets_of
from lockdeck.tui.view.names import RowKey
from tests.tui.acting import SIZE, Yard
from tests.tui.samples import incident
from tests.tui.stage import dashboard, frame, show, wait_for

HOLDER = """
import json, os, signal, sys, time
path, = sys.argv[1:]
fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
ticks = int(open('/proc/self/stat').read().rpartition(')')[2].split()[19])
now = time.strftime('%Y-%m-%dT%H:%M:%S.000Z', time.gmtime())
os.write(fd, json.dumps({'pid': os.getpid(), 'createdAt': now, 'starttime': ticks}).encode())
def end(number, frame):
    os.unlink(path)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
print('held', flush=True)
sys.stdin.read()
"""
QUICK = CancelLimits(
    ripe=0.1, gap=2.0, free=0.3, quiet=0.3, quiet_blind=0.3, brief=0.1, restart=10.0, poll=0.005
)
GENTLE, RESET = rung("stop"), rung("reset")
RESTART = restart_rung(
    "run `systemctl --user restart openclaw-gateway`", EndingCost(("agent:main:other",), ""), comes_back=True
)


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


@pytest.fixture
def holder(yard: Yard) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the session `one`, and lets go of it on SIGTERM."""
    yard.session("one")
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", HOLDER, str(yard.lock_of("one"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.communicate()


@pytest.fixture
def careless(yard: Yard) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the session `one`, and leaves its lock behind on SIGTERM."""
    yard.session("one")
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", HOLDER.replace("    os.unlink(path)\n", ""), str(yard.lock_of("one"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.communicate()


def ladder(*rungs: object, **fields: object) -> CancelPlan:
    """A plan as the gateway of the incident would give it."""
    key = incident().sessions[1].key
    places = RootPlaces("/home/ops/.openclaw", "files", own_namespace=False)
    route = GatewayRoute(places, Config("/nowhere/openclaw.json"), {}, "/nowhere")
    plan = CancelPlan(key, "/home/ops/.openclaw", 0.0, route, rungs=rungs)  # type: ignore[arg-type]
    told = {
        "pid": 396,
        "is_gateway": True,
        "argv": "openclaw-gateway",
        "version": "2026.4.5",
        "reached_by": "WebSocket",
        "queue_depth": 2,
    }
    return replace(plan, **{**told, "scopes": ("operator.read", "operator.write"), **fields})  # type: ignore[arg-type]


def asked(app: LockdeckApp) -> bool:
    if not isinstance(app.screen, CancelDialog) or app.screen.painted_at is None:
        return False
    closes = "Close" in str(app.screen.query_one("#ask-no", Button).label)
    return closes or bool(app.screen.query_one("#ask-yes").region.area)


def ended(app: LockdeckApp) -> bool:
    return isinstance(app.screen, ResultDialog) and not app.jobs.job(app.screen.number).running


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> dict[str, CancelPlan | None]:
    """Plans by session key; `*` for all others."""
    plans: dict[str, CancelPlan | None] = {}
    monkeypatch.setattr(
        "lockdeck.tui.acting.local.offer_cancel",
        lambda target, action_context: plans.get(target.session.key, plans.get("*")),
    )
    return plans


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], frozenset[str]]]:
    """What cancel_many was asked to do; each session ends as still rotating."""
    asked_for: list[tuple[list[str], frozenset[str]]] = []

    def fake(plans, *, allow, tools, progress):
        asked_for.append(([plan.key for plan in plans], allow))
        for plan in plans:
            progress(plan, None)
            tools.report("Stop command: aborted, but the rotation went on 0.6 s later")
            told = ("Stop command: aborted, but the rotation went on 0.6 s later",)
            progress(plan, CancelOutcome("still-rotating", plan.key, sentences=told, next_rung="reset"))
        return []

    monkeypatch.setattr("lockdeck.backend.actions.cancel.cancel.cancel_many", fake)
    return asked_for


async def test_a_run_is_cancelled_for_real_and_the_session_is_free(
    yard: Yard, holder: subprocess.Popen[str]
) -> None:
    app = yard.dashboard(action_context={"limits": QUICK, "wait": time.sleep})
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        await pilot.press("c")
        await wait_for(pilot, lambda: asked(app))
        shown = frame(app)
        assert "End the process" in shown
        assert f"send SIGTERM to pid {holder.pid}" in shown
        assert "costs: the reply" in shown
        assert app.focused is app.screen.query_one("#ask-no")
        await pilot.press(*app.screen._question.word, "enter")
        await wait_for(pilot, lambda: ended(app))
        shown = frame(app)
        assert "cancelled" in shown
        assert "End the process: pid" in shown
        assert "ms from key to free session" in shown
    assert not yard.lock_of("one").exists()
    assert yard.kinds() == ["cancel-begin", "cancel-end"]


async def test_a_lock_that_was_left_behind_can_be_released_from_the_result(
    yard: Yard, careless: subprocess.Popen[str]
) -> None:
    app = yard.dashboard(action_context={"limits": QUICK, "wait": time.sleep})
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        await pilot.press("c")
        await wait_for(pilot, lambda: asked(app))
        await pilot.press(*app.screen._question.word, "enter")
        await wait_for(pilot, lambda: ended(app))
        assert "its lock was left behind" in frame(app)
        (piece,) = app.jobs.job(app.screen.number).pieces
        assert (piece.word, piece.severity) == ("process ended", Severity.OK)  # as asked: no failure
        assert app.focused is app.screen.query_one("#result-close")
        button = app.screen.query_one("#result-release", Button)
        assert button.display
        yard.dead("two")  # behind the dialog another row comes to the top
        await yard.shown(pilot)
        button.focus()
        await pilot.press("enter")
        await wait_for(pilot, lambda: isinstance(app.screen, ReleaseDialog) and app.screen._question)
        (offer,) = app.screen._confirmed
        assert offer.plan.path == str(yard.lock_of("one"))
        await wait_for(pilot, lambda: app.screen.painted_at is not None)
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: ended(app))
        assert "released" in frame(app)
    assert not yard.lock_of("one").exists()
    assert yard.lock_of("two").exists()
    assert yard.kinds() == ["cancel-begin", "cancel-end", "release-begin", "released"]


async def test_a_hold_that_was_replaced_after_the_result_is_not_released(
    yard: Yard, careless: subprocess.Popen[str]
) -> None:
    app = yard.dashboard(action_context={"limits": QUICK, "wait": time.sleep})
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        await pilot.press("c")
        await wait_for(pilot, lambda: asked(app))
        await pilot.press(*app.screen._question.word, "enter")
        await wait_for(pilot, lambda: ended(app))
        raw = yard.replace_lock("one")
        app.screen.query_one("#result-release", Button).focus()
        await pilot.press("enter")
        await wait_for(pilot, lambda: "Not released: refused" in frame(app))
        assert not app.screen.query_one("#ask-yes").display
    assert yard.lock_of("one").read_bytes() == raw


async def test_enter_on_the_dialog_does_nothing(yard: Yard, holder: subprocess.Popen[str]) -> None:
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        await pilot.press("c")
        await wait_for(pilot, lambda: asked(app))
        await pilot.press("enter")
        assert isinstance(app.screen, FleetScreen)
    assert holder.poll() is None
    assert yard.lock_of("one").exists()
    assert yard.kinds() == []


async def test_where_nobody_runs_there_is_nothing_to_cancel(yard: Yard) -> None:
    yard.dead("one")
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await yard.shown(pilot)
        await pilot.press("c")
        await wait_for(pilot, lambda: asked(app))
        assert "release the lock instead" in frame(app)
        assert not app.screen.query_one("#ask-yes").display


async def test_the_dialog_shows_the_ladder_with_all_that_matters(
    planned: dict[str, CancelPlan | None],
) -> None:
    why = LeftOut("abort", "on 2026.4.5 an abort counts as a timeout")
    planned["*"] = ladder(
        GENTLE, replace(RESET, scopes_missing=("operator.admin",)), RESTART, left_out=(why,)
    )
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("c")
        await wait_for(pilot, lambda: asked(app))
        shown = frame(app)
        for words in ("Stop command", "Reset the session", "operator.admin is not granted", "type the name"):
            assert words in shown
        for words in ("2026.4.5", "WebSocket", "2 messages waiting", "operator.write", "counts as a timeout"):
            assert words in shown
        assert "costs: the reply" in shown


async def test_a_rung_without_its_scope_can_not_be_confirmed(
    planned: dict[str, CancelPlan | None], done: list[tuple[list[str], frozenset[str]]]
) -> None:
    planned["*"] = ladder(GENTLE, replace(RESET, scopes_missing=("operator.admin",)), RESTART)
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("c")
        await wait_for(pilot, lambda: asked(app))
        await pilot.press("down")
        assert not app.screen.query_one("#ask-yes").display
        await pilot.press("right", "enter")
        await pilot.pause()
        assert done == []


@pytest.mark.parametrize(
    ("steps", "word", "name"), [(1, "reset", "reset"), (2, "openclaw-gateway", "restart")]
)
async def test_a_harder_rung_asks_for_its_word(
    planned: dict[str, CancelPlan | None],
    done: list[tuple[list[str], frozenset[str]]],
    steps: int,
    word: str,
    name: str,
) -> None:
    planned["*"] = ladder(GENTLE, RESET, RESTART)
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("c")
        await wait_for(pilot, lambda: asked(app))
        await pilot.press(*["down"] * steps)
        await wait_for(pilot, lambda: asked(app))
        assert app.focused is app.screen.query_one("#ask-no")
        await pilot.press(*"wrong", "enter")
        assert done == []
        app.screen.query_one(Input).value = ""
        await pilot.press(*word, "enter")
        await wait_for(pilot, lambda: bool(done))
        assert done == [([incident().sessions[1].key], frozenset({name}))]


@pytest.mark.parametrize(("others", "more"), [((), ""), (("agent:ezra:main",), " and 1 other session")])
async def test_ending_a_process_counts_what_it_ends_and_is_typed_by_its_name(
    planned: dict[str, CancelPlan | None],
    done: list[tuple[list[str], frozenset[str]]],
    others: tuple[str, ...],
    more: str,
) -> None:
    cost = EndingCost(others, "no other session of this process holds a lock now")
    one = ladder(terminate_rung(4711, "openclaw agent --local", cost))
    planned["*"] = replace(one, pid=4711, argv="openclaw agent --local", held=others, is_gateway=False)
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("c")
        await wait_for(pilot, lambda: asked(app))
        shown = frame(app)
        assert "openclaw agent --local" in shown
        assert ("1 more: agent:ezra:main" in shown) == bool(others)
        question = f"Type openclaw to end pid 4711 with the run of {planned['*'].key}{more}:"
        assert question in " ".join(shown.replace("│", " ").split())
        assert app.screen.query_one("#ask-yes").disabled
        await pilot.press(*"openclaw", "enter")
        await wait_for(pilot, lambda: bool(done))
        consent = "restart" if others else "terminate"
        assert done == [([incident().sessions[1].key], frozenset({consent}))]


async def test_a_rotation_that_goes_on_offers_the_next_rung(
    planned: dict[str, CancelPlan | None], done: list[tuple[list[str], frozenset[str]]]
) -> None:
    planned["*"] = ladder(GENTLE, RESET, RESTART)
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("c")
        await wait_for(pilot, lambda: asked(app))
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: ended(app))
        assert "still-rotating" in frame(app)
        assert "the rotation went on" in frame(app)
        assert app.focused is app.screen.query_one("#result-close")
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: asked(app))
        assert "type reset" in frame(app)
        assert "Type the word reset" in frame(app)
        await pilot.press("escape")
    assert done == [([incident().sessions[1].key], frozenset({"stop"}))]


async def test_marked_sessions_are_cancelled_by_gentle_rungs_after_their_count_is_typed(
    planned: dict[str, CancelPlan | None], done: list[tuple[list[str], frozenset[str]]]
) -> None:
    first, second, third = (f"agent:{key}" for key in _urgent())
    planned[first] = ladder(GENTLE, RESET, key=first)
    planned[second] = ladder(GENTLE, RESET, RESTART, key=second)
    planned[third] = ladder(RESET, RESTART, key=third)
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("space", "space", "space", "c")
        await wait_for(pilot, lambda: asked(app))
        shown = frame(app)
        assert "Cancel 2 of 3 sessions" in shown
        assert "it has no gentle rung: cancel it by itself" in shown
        await pilot.press("3", "enter")
        assert done == []
        await pilot.press("backspace", "2", "enter")
        await wait_for(pilot, lambda: ended(app))
        assert done == [([first, second], frozenset({"stop"}))]
        assert frame(app).count("still-rotating") == 2
        assert not app.screen.query_one("#result-next").display


async def test_a_session_that_is_not_known_any_more_is_not_cancelled(
    planned: dict[str, CancelPlan | None],
) -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("c")
        await wait_for(pilot, lambda: asked(app))
        assert "not known any more" in frame(app)


def test_a_lock_row_leads_to_its_session_and_a_session_key_never_to_a_lock() -> None:
    snapshot = incident()
    session = snapshot.sessions[1]
    assert session.lock is not None
    path = session.lock.record.path
    assert targets_of([RowKey("lock", "", session.root, path)], snapshot)[0].session is session
    assert targets_of([RowKey("session", "", session.root, path)], snapshot) == ()


def _urgent() -> tuple[str, str, str]:
    return ("silas:discord:channel:119834421", "ezra:discord:channel:119834907", "juno:telegram:direct:4402")


async def test_the_cost_of_a_chosen_rung_is_in_sight_on_a_small_terminal(
    planned: dict[str, CancelPlan | None],
) -> None:
    planned["*"] = ladder(GENTLE, RESET, RESTART)
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, incident())
        await pilot.press("c")
        await wait_for(pilot, lambda: asked(app))
        await pilot.press("down", "down")
        await wait_for(pilot, lambda: "agent:main:other" in frame(app))
        shown = frame(app)
        assert "costs: the reply" in shown
        assert "Restart the gateway" in shown.splitlines()[-3]
        assert shown.count("agent:silas:discord:channel:119834421") == 1
        assert "Do nothing" in shown
