"""The gateway's own lock in the dashboard and as text."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lockdeck.backend.model.changes import changes
from lockdeck.backend.model.fleet import FleetSnapshot, GatewayView, RootView
from lockdeck.backend.model.locks import Verdict
from lockdeck.tui.table.rows import lock_rows, locks_without_session
from lockdeck.tui.view.advice import advice
from lockdeck.tui.view.counts import FleetCounts
from lockdeck.tui.view.events import event_lines
from lockdeck.tui.view.header import HeaderState, header
from lockdeck.tui.view.printed.plain import snapshot_lines
from lockdeck.tui.view.symbols import UNICODE
from tests.tui.samples import NOW
from tests.unit.model.test_gateways import CASES, DEAD, HELD, view


def fleet(*locks, alive=True):
    root = RootView("/r", "files", GatewayView(4711, "2026.4.5", 18789, alive))
    return FleetSnapshot(NOW, "h", (root,), locks=locks)


@pytest.mark.parametrize("name", CASES)
def test_what_may_be_done_about_a_gateway_lock_is_never_a_release(name):
    told = advice(view(CASES[name][0]))
    assert told
    assert not told.startswith("Release")
    assert "session" not in told or "releases session locks only" in told


def test_two_gateways_on_one_root_are_more_urgent_than_the_verdict():
    two = replace(HELD.evidence, deleted_openers=(HELD.judgement.holder,))
    assert advice(replace(HELD, evidence=two)).startswith("Stop one of the two gateways")


def test_a_gateway_at_work_is_among_the_locks_and_no_row_of_the_fleet():
    assert locks_without_session(fleet(HELD)) == ()
    assert locks_without_session(fleet(DEAD)) == (DEAD,)
    assert list(lock_rows(fleet(HELD)).values()) == [HELD]


def test_the_text_has_the_gateway_locks_by_themselves():
    lines = list(snapshot_lines(fleet(HELD)))
    assert "gateway locks:" in lines
    assert "locks without a known session:" not in lines
    assert any("has the lock file open" in line for line in lines)


@pytest.mark.parametrize(
    ("alive", "plain", "words"),
    [
        (True, "pid 4711 alive", "pid 4711 port 18789"),
        (False, "pid 4711 gone", "pid 4711 port 18789 is gone"),
        (None, "pid 4711 (its life can't be seen from here)", "pid 4711 port 18789 can't be seen from here"),
    ],
)
def test_whether_a_gateway_lives_is_said_and_also_when_nobody_can_tell(alive, plain, words):
    snapshot = fleet(alive=alive)
    assert any(plain in line for line in snapshot_lines(snapshot))
    shown = [
        "".join(part.text for part in row)
        for row in header(snapshot, FleetCounts(), HeaderState(NOW), UNICODE, 120)
    ]
    assert any(words in row for row in shown), shown


def test_a_gateway_that_can_no_longer_be_seen_is_no_gateway_that_is_gone():
    def sentences(alive):
        return [line.sentence for line in event_lines(changes(fleet(), fleet(alive=alive)), NOW)]

    assert sentences(None) == ["gateway pid 4711 can't be seen from here"]
    assert sentences(False) == ["gateway is gone"]


def test_every_verdict_on_a_gateway_lock_is_among_the_cases():
    other = {Verdict.LITTER, Verdict.CREATING, Verdict.RELEASING}
    assert {verdict for _, verdict, _ in CASES.values()} >= set(Verdict) - other
