"""What changed between two snapshots, in sentences."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.changes import changes
from lockdeck.backend.model.fleet import FleetSnapshot, GatewayView, Severity, State
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.runs.records import Blocked
from lockdeck.tui.deck import Deck
from lockdeck.tui.view.events import EventLine, event_lines
from tests.tui.samples import NOW, ROOT, incident, large, lock, quiet, session


def fleet(*sessions: object, **fields: object) -> FleetSnapshot:
    return replace(quiet(), sessions=sessions, **fields)  # type: ignore[arg-type]


def lines(before: FleetSnapshot, after: FleetSnapshot) -> tuple[EventLine, ...]:
    return event_lines(changes(before, after), after.generated_at)


def sentences(before: FleetSnapshot, after: FleetSnapshot) -> list[str]:
    return [line.sentence for line in lines(before, after)]


def test_the_first_snapshot_is_no_event_and_the_same_again_is_none() -> None:
    deck = Deck()
    for _ in range(2):
        deck.receive(incident())
    assert not deck.log


def test_a_state_that_changes_is_told_with_its_reason() -> None:
    was = session("silas", "main", state=State.ROTATING)
    now = session("silas", "main", state=State.STUCK, severity=Severity.CRITICAL, reasons=("two timeouts",))
    (line,) = lines(fleet(was), fleet(now))
    assert (line.subject, line.sentence) == ("silas main", "rotating became stuck: two timeouts")
    assert line.severity is Severity.CRITICAL
    assert line.row == ("session", "", ROOT, "agent:silas:main")


def test_sessions_coming_and_going_are_told() -> None:
    one = session("silas", "main")
    assert sentences(fleet(), fleet(one)) == ["appeared, idle"]
    assert sentences(fleet(one), fleet()) == ["left the fleet"]


def test_more_blocked_callers_are_at_least_a_warning() -> None:
    was, now = session("a", "b"), session("a", "b", blocked=Blocked(2, NOW))
    (line,) = lines(fleet(was), fleet(now))
    assert (line.sentence, line.severity) == ("2 more blocked callers", Severity.WARNING)


def test_a_lock_is_told_when_its_verdict_changes_not_when_it_is_daily_work() -> None:
    path = f"{ROOT}/agents/main/sessions/a.jsonl.lock"
    held, dead = lock(path, Verdict.HELD), lock(path, Verdict.DEAD)
    assert sentences(fleet(), fleet(locks=(held,))) == []
    assert sentences(fleet(locks=(held,)), fleet(locks=(dead,))) == ["lock was held, is dead"]
    assert sentences(fleet(locks=(dead,)), fleet()) == ["dead lock is gone"]


def test_another_stale_lock_and_one_that_may_be_released_by_now_are_told() -> None:
    path = f"{ROOT}/agents/main/sessions/a.jsonl.lock"
    dead, younger = lock(path, Verdict.DEAD), lock(path, Verdict.DEAD, age=1.0)
    assert sentences(fleet(locks=(dead,)), fleet(locks=(younger,))) == ["another lock stands there, dead too"]
    opened = replace(dead, judgement=replace(dead.judgement, releasable=False))
    assert sentences(fleet(locks=(opened,)), fleet(locks=(dead,))) == ["dead lock can be released"]
    assert sentences(fleet(locks=(dead,)), fleet(locks=(opened,))) == ["dead lock can no longer be released"]


def test_a_session_that_was_reset_is_told_by_its_ids() -> None:
    was = session("silas", "main")
    assert sentences(fleet(was), fleet(replace(was, session_id="new"))) == [
        f"its session id is new, was {was.session_id}"
    ]


def test_a_roots_problems_version_and_era_are_told() -> None:
    root = replace(incident().roots[0], version="2026.7.35", problems=("a", "b"))
    for changed, told in (
        ({"problems": ("a", "b", "c")}, ["c"]),
        ({"problems": ("a", "d")}, ["d"]),
        ({"problems": ("a",)}, ["no longer a problem: b"]),
        ({"version": "2026.9.6"}, ["OpenClaw is 2026.9.6, was 2026.7.35"]),
        ({"era": "sqlite"}, ["its sessions are kept in SQLite now"]),
    ):
        assert sentences(fleet(roots=(root,)), fleet(roots=(replace(root, **changed),))) == told


def test_the_same_state_that_grew_more_urgent_is_told_as_that() -> None:
    view = replace(incident().sessions[0], state=State.IDLE, severity=Severity.OK, reasons=())
    worse = replace(view, severity=Severity.WARNING, reasons=("a dead holder's lock stands",))
    told = "idle went from ok to warning: a dead holder's lock stands"
    assert sentences(fleet(view), fleet(worse)) == [told]


def test_a_gateway_that_goes_and_comes_is_told() -> None:
    root = incident().roots[0]
    gone = replace(root, gateway=None)
    other = replace(root, gateway=GatewayView(999, None, None, True))
    assert sentences(fleet(roots=(root,)), fleet(roots=(gone,))) == ["gateway is gone"]
    assert sentences(fleet(roots=(gone,)), fleet(roots=(other,))) == ["gateway is pid 999"]
    assert sentences(fleet(roots=(root,)), fleet(roots=())) == ["root is no longer watched"]


@given(
    st.sampled_from([quiet, incident, lambda: large(5)]), st.sampled_from([quiet, incident, lambda: large(5)])
)
def test_the_most_urgent_change_comes_first(before: object, after: object) -> None:
    found = [line.severity for line in lines(before(), after())]  # type: ignore[operator]
    assert found == sorted(found, reverse=True)


def test_a_paused_deck_keeps_its_picture_and_counts() -> None:
    deck = Deck()
    deck.receive(quiet())
    deck.pause(NOW)
    deck.receive(incident())
    assert deck.displayed == quiet()
    assert deck.hidden_changes == len(deck.log) > 0
    deck.resume()
    assert deck.displayed == incident()
    assert deck.hidden_changes == 0
