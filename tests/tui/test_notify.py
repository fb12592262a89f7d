"""Notifications: told once it lasts, not more often than asked, and kept in the events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.changes import compared
from lockdeck.backend.model.fleet import FleetSnapshot, Severity, State
from lockdeck.tui.alarms import Criticals, Rule, Subject, Watch, WatchStep, advance, words
from lockdeck.tui.preferences.records import Preferences
from lockdeck.tui.table.rowchanges import RowFinder
from lockdeck.tui.terminal.notifications import notification
from lockdeck.tui.view.names import RowKey
from tests.tui.samples import NOW, PAYLOADS, incident, quiet
from tests.tui.stage import dashboard, frame, show

A, B = RowKey("session", "", "/r", "a"), RowKey("session", "", "/r", "b")
RULE = Rule(after_s=5, every_s=30)
SIZE = (140, 45)


def subjects(*keys: tuple[str, str, str]) -> dict[tuple[str, str, str], Subject]:
    return {key: Subject(key[3], "four attempts") for key in keys}


def lived(*moments: tuple[float, dict[tuple[str, str, str], Subject]], rule: Rule = RULE) -> list[str]:
    """Return what is told, with the moment, when the fleet looks like this at these moments."""
    watch, told = advance(Watch(), {}, 0.0, rule).watch, []
    for now, critical in moments:
        step: WatchStep = advance(watch, critical, now, rule)
        watch = step.watch
        told += [f"{now:g} {row}" for row in words(step.tell)]
    return told


def test_it_is_told_once_it_has_lasted() -> None:
    assert lived((1, subjects(A)), (5.9, subjects(A)), (6, subjects(A)), (60, subjects(A))) == [
        "6 a: critical: four attempts"
    ]


def test_what_passes_at_once_is_never_told() -> None:
    assert lived((1, subjects(A)), (3, {}), (60, {})) == []


def test_it_is_told_when_it_clears_and_for_how_long_it_was() -> None:
    assert lived((1, subjects(A)), (6, subjects(A)), (40, {}), (45, {}))[1:] == [
        "45 a: no longer critical, after 39 s"
    ]


def test_a_short_break_is_no_end() -> None:
    assert len(lived((1, subjects(A)), (6, subjects(A)), (40, {}), (42, subjects(A)), (90, subjects(A)))) == 1


def test_two_notifications_have_the_interval_between_them_and_nothing_is_lost() -> None:
    told = lived(
        (1, subjects(A)), (6, subjects(A)), (7, subjects(A, B)), (12, subjects(A, B)), (36, subjects(A, B))
    )
    assert told == ["6 a: critical: four attempts", "36 b: critical: four attempts"]


def test_what_is_critical_in_the_first_picture_is_not_told_but_its_end_is() -> None:
    first = advance(Watch(), subjects(A), 0.0, RULE)
    assert advance(first.watch, subjects(A), 50.0, RULE).tell == ()
    gone = advance(first.watch, {}, 100.0, RULE)
    assert words(advance(gone.watch, {}, 105.0, RULE).tell) == ["a: no longer critical, after 1m 40s"]


def test_many_are_told_in_a_few_lines() -> None:
    keys = [RowKey("session", "", "/r", str(number)) for number in range(7)]
    told = lived((1, subjects(*keys)), (6, subjects(*keys)))
    assert len(told) == 4
    assert told[-1] == "6 and 4 more: see Events"


@given(st.lists(st.tuples(st.floats(0.1, 20), st.sets(st.sampled_from([A, B]))), max_size=40))
def test_whatever_happens_turning_and_clearing_alternate_and_keep_the_interval(
    life: list[tuple[float, set[tuple[str, str, str]]]],
) -> None:
    watch, now, told_at = advance(Watch(), {}, 0.0, RULE).watch, 0.0, -1000.0
    last: dict[object, Severity] = {}
    for pause, keys in life:
        now += pause
        step = advance(watch, subjects(*keys), now, RULE)
        watch = step.watch
        for notice in step.due:
            assert last.get(notice.row, Severity.OK) is not notice.severity
            last[notice.row] = notice.severity
        if step.tell:
            assert now - told_at >= RULE.every_s
            told_at = now


def test_stuck_sessions_and_leaked_locks_of_their_own_are_critical() -> None:
    criticals = Criticals()
    criticals.take(RowFinder().take(compared(None, incident())).fleet)
    names = {subject.name for subject in criticals.subjects.values()}
    assert names == {"silas discord:channel:119834421", "ezra discord:channel:119834907"}


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("how", ["osc9", "osc777"])
def test_no_payload_ends_or_begins_an_escape_sequence(how: str, payload: str) -> None:
    sequence = notification(how, payload, {})
    assert sequence.count("\x1b") == 1
    assert sequence.endswith("\x07")
    assert all(character.isprintable() for character in sequence[1:-1])


def test_tmux_is_asked_to_pass_it_on() -> None:
    assert notification("osc9", "x", {"TMUX": "/tmp/t"}) == "\x1bPtmux;\x1b\x1b]9;lockdeck: x\x07\x1b\\"


def calm(snapshot: FleetSnapshot) -> FleetSnapshot:
    views = tuple(replace(view, severity=Severity.OK, state=State.RUNNING) for view in snapshot.sessions)
    return replace(snapshot, sessions=views)


async def test_the_dashboard_tells_by_toast_bell_and_desktop_and_keeps_it_in_the_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, sent, bells = [NOW], [], []
    rule = Rule(("toast", "bell", "osc9", "osc777"), after_s=5, every_s=30)
    app = dashboard(clock=lambda: now[0], preferences=Preferences(notify=rule))
    monkeypatch.setattr(app, "send_to_terminal", sent.append)
    monkeypatch.setattr(app, "bell", lambda: bells.append(1))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(pilot, calm(incident()))
        await show(pilot, incident())
        assert not bells
        now[0] += 5
        app._tick()
        await pilot.pause()
        assert "silas discord:channel:119834421: critical: 4 attempts" in frame(app).replace("\n", " ")
        assert len(bells) == 1
        assert [sequence[:6] for sequence in sent] == ["\x1b]9;lo", "\x1b]777;"]
        await pilot.press("e")
        assert "critical: 4 attempts in one occupation" in frame(app)


async def test_without_a_wish_for_it_there_is_no_bell_and_no_sequence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, sent = [NOW], []
    app = dashboard(clock=lambda: now[0])
    monkeypatch.setattr(app, "send_to_terminal", sent.append)
    monkeypatch.setattr(app, "bell", lambda: sent.append("bell"))
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, quiet())
        await show(pilot, incident())
        now[0] += 6
        app._tick()
        await pilot.pause()
        assert len(app._notifications) == 1
        assert sent == []


def test_what_waited_is_told_in_the_words_of_now_and_not_if_it_is_over() -> None:
    busy = subjects(A)
    worse = {B: Subject("b", "nine attempts")}
    told = lived(
        *((1, busy), (6, busy), (7, busy | subjects(B)), (12, busy | subjects(B))),  # b waits from here on
        *((20, busy | worse), (36, busy | worse)),
    )
    assert told == ["6 a: critical: four attempts", "36 b: critical: nine attempts"]
    over = lived(
        *((1, busy), (6, busy), (7, busy | subjects(B)), (12, busy | subjects(B))),
        *((15, busy), (21, busy), (36, busy), (66, busy)),
    )
    assert over == ["6 a: critical: four attempts"]


def test_an_alarm_does_not_clear_between_two_attempts() -> None:
    watch = advance(Watch(begun=True), subjects(A), 0.0, RULE).watch
    watch = advance(watch, subjects(A), 5.0, RULE).watch
    for now in (40.0, 50.0):
        step = advance(watch, {}, now, RULE, unsettled={A})
        watch = step.watch
        assert step.tell == ()
    watch = advance(watch, {}, 60.0, RULE).watch
    assert words(advance(watch, {}, 65.0, RULE).tell) == ["a: no longer critical, after 1m 00s"]


def test_nothing_is_told_while_nobody_listens_and_what_is_so_afterwards_is() -> None:
    watch = advance(Watch(begun=True), subjects(A), 0.0, RULE).watch
    step = advance(watch, subjects(A), 6.0, RULE, listening=False)
    assert step.tell == ()
    assert words(advance(step.watch, subjects(A), 7.0, RULE).tell) == ["a: critical: four attempts"]


async def test_toasts_wait_for_the_end_of_a_dialog_and_come_in_one() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(pilot, incident())
        await pilot.press("question_mark")
        app.tell("one")
        app.tell("two", severity="warning")
        await pilot.pause()
        assert not app._notifications
        await pilot.press("escape")
        await pilot.pause()
        (toast,) = app._notifications
        assert (toast.message, toast.severity) == ("one\ntwo", "warning")
        app.tell("three")
        await pilot.pause()
        assert [toast.message for toast in app._notifications] == ["three"]
