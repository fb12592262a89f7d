"""How long the collector rests between two looks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.watch.wakeup.wakeup import ALLOWANCE_S, LONGEST_PAUSE_S, PAUSE_S, SHARE, Load


def live(load: Load, works: list[float], now: float = 0.0) -> tuple[float, list[float]]:
    """Work so long each time and rest as told; return the time at the end and the rests."""
    rests = []
    for work in works:
        load.awake(now)
        now += work
        rests.append(load.pause(now))
        now += rests[-1]
    return now, rests


def test_now_and_then_a_look_is_followed_by_the_shortest_rest():
    assert live(Load(), [0.005] * 200)[1] == [PAUSE_S] * 200


def test_a_burst_after_quiet_times_is_not_held_up():
    assert live(Load(), [0.02] * 9)[1] == [PAUSE_S] * 9


@given(st.lists(st.floats(0.0, 0.03), min_size=50, max_size=400))
def test_a_storm_costs_no_more_than_its_share(works):
    end, rests = live(Load(), works)
    assert sum(works) <= SHARE * end + ALLOWANCE_S + LONGEST_PAUSE_S * SHARE + max(works)
    assert all(PAUSE_S <= rest <= LONGEST_PAUSE_S for rest in rests)
