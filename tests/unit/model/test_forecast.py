"""Which timeout governs an attempt, and until when a rotation can last."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.budget import Budget, budget_of
from lockdeck.backend.model.runs.chain import Candidate, FailoverChain
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.forecast import Around, around, forecast
from lockdeck.backend.model.runs.life import RETRY
from lockdeck.backend.model.runs.records import Attempt, Compaction
from lockdeck.backend.model.runs.remaining import Remaining
from lockdeck.backend.model.runs.rotation import rotation_of
from lockdeck.backend.model.runs.run import run_of
from tests.folders import RECORDINGS
from tests.reading import read_events
from tests.unit.model.test_rotation import CHAIN, NAMES

UNKNOWN = traits_of(None)


@pytest.mark.parametrize(
    ("idle", "run", "seconds", "name"),
    [
        (None, None, 60.0, "idle timeout"),
        (None, 20.0, 20.0, "run timeout"),
        (90.0, 20.0, 20.0, "run timeout"),
        (15.0, 20.0, 15.0, "idle timeout"),
        (20.0, 20.0, 20.0, "idle timeout"),
        (0, 600.0, 600.0, "run timeout"),
        (0, None, 172_800.0, "run timeout"),
        (30.0, 0, 30.0, "idle timeout"),
        (0, 0, None, "no timeout is set"),
    ],
)
def test_the_smaller_timeout_governs_and_zero_turns_one_off(idle, run, seconds, name):
    assert budget_of(FailoverChain((), idle, run), None, UNKNOWN) == Budget(seconds, name)


def test_a_provider_has_its_own_idle_timeout():
    chain = FailoverChain((), 60.0)
    assert budget_of(chain, Candidate("a", "m", (), 8.0), UNKNOWN).seconds == 8.0
    assert budget_of(chain, Candidate("a", "m", (), 0), UNKNOWN).name == "run timeout"


IDLE, LONG, OFF = (
    Budget(60.0, "idle timeout"),
    Budget(300.0, "idle timeout"),
    Budget(None, "no timeout is set"),
)


def remaining(*budgets: Budget, known: bool = True) -> Remaining:
    return Remaining(tuple(Attempt(n + 1) for n in range(len(budgets))), budgets, known)


def test_the_worst_case_is_every_timeout_in_full_less_what_has_passed():
    current = Attempt(1, started_at=1000.0)
    ahead = forecast(remaining(IDLE, IDLE, LONG), current, 1050.0, UNKNOWN)
    assert (len(ahead.to_come), ahead.free_by) == (2, 1420.0)
    assert (
        ahead.basis
        == "the running attempt and 2 attempts to come, each at most 1m 00s (idle timeout) or 5m 00s (idle timeout)"
    )


def test_one_limit_is_not_told_as_that_of_each_of_several():
    last = forecast(remaining(IDLE), Attempt(1, started_at=1000.0), 1010.0, UNKNOWN)
    assert last.basis == "the running attempt, at most 1m 00s (idle timeout)"
    assert forecast(remaining(IDLE), None, 1010.0, UNKNOWN).basis.startswith("1 attempt to come, at most 1m")


def test_an_attempt_past_its_timeout_counts_as_about_to_end_while_others_are_to_come():
    ahead = forecast(remaining(IDLE, IDLE), Attempt(1, started_at=0.0), 1000.0, UNKNOWN)
    assert (ahead.free_by, ahead.passed) == (1060.0, False)
    assert "the running attempt has exceeded that by 15m 40s" in ahead.basis


def test_a_forecast_that_is_over_stays_and_says_so():
    running, beside = Attempt(2, started_at=100.0), Around(8.0)
    before = forecast(remaining(IDLE), running, 167.0, UNKNOWN, beside=beside)
    after = forecast(remaining(IDLE), running, 180.0, UNKNOWN, beside=beside)
    assert (before.free_by, before.passed) == (168.0, False)
    assert (after.free_by, after.passed) == (168.0, True)
    assert after.basis.endswith(" and about 8 s around it; passed 12 s ago")


def test_what_attempts_take_beside_their_model_call_is_learned_from_the_runs_own():
    chain = FailoverChain((Candidate("atlas", "large"),), idle_timeout_s=60.0)
    release = traits_of(None)
    ends = (100.0, 168.0, 240.0)
    done = [Attempt(n, ended_at=at, reason="timeout", timed_out=True) for n, at in enumerate(ends, 1)]
    assert around(done[:1], chain, release) == Around(release.around_attempt_s, False, 100.0)
    assert around(done, chain, release) == Around((release.around_attempt_s + 8.0 + 12.0) / 3, True, 240.0)
    answered = [done[0], replace(done[1], reason="rate_limit"), done[2]]
    assert around(answered, chain, release).seconds == (release.around_attempt_s + 12.0) / 2
    retried = [replace(done[0], decision=RETRY), replace(done[1], started_at=106.0)]
    assert around(retried, chain, release).seconds == (release.around_attempt_s + 2.0) / 2


HANGS = {"2026.4.5": ("2026.4.5-incident-hang", 20.0, 8.0), "2026.7.35": ("2026.7.35-hang", 5.0, 3.0)}


@pytest.mark.parametrize("release", HANGS)
def test_in_recorded_hangs_the_session_is_free_when_the_forecast_said(release):
    """Without what attempts take beside their model calls it was up to 30 s early (2026.4.5) and 8 s (2026.7.35)."""
    folder, idle_s, most_s = HANGS[release]
    version, chain = Version.parse(release), replace(CHAIN, idle_timeout_s=idle_s)
    book = fold_all(RunBook(), read_events(RECORDINGS / folder / "gateway.log"))
    off = []
    for run in book.runs.values():
        for attempt in run.attempts[:-1]:
            now = attempt.ended_at + 0.01
            so_far = run_of(run.run_id, tuple(fact for fact in run.facts if fact.at <= now))
            off.append(rotation_of(so_far, chain, None, now, NAMES, version).free_by - run.ended_at)
    assert len(off) == 16
    assert max(map(abs, off)) <= most_s
    assert sum(map(abs, off)) / len(off) <= most_s / 2


def test_attempts_that_have_not_begun_count_in_full():
    assert forecast(remaining(IDLE, IDLE), None, 1000.0, UNKNOWN).free_by == 1120.0


def test_an_attempt_without_a_timeout_is_bounded_by_nothing():
    ahead = forecast(remaining(IDLE, OFF), Attempt(1, started_at=0.0), 10.0, UNKNOWN)
    assert ahead.free_by is None
    assert "nothing bounds it" in ahead.basis


def test_with_no_attempt_left_there_is_nothing_to_wait_for():
    assert forecast(remaining(), None, 10.0, UNKNOWN) == forecast(
        Remaining((), (), False), None, 10.0, UNKNOWN
    )
    assert forecast(remaining(), None, 10.0, UNKNOWN).basis == "no attempt is left"


@pytest.mark.parametrize(
    ("compaction", "free_by", "how"),
    [
        (Compaction(1050.0, 1050.0, 900.0), 2010.0, "at most 15m 00s"),
        (Compaction(1050.0, 1050.0, 900.0, 1), 2070.0, "at most 15m 00s, and then tries again once"),
        (Compaction(1000.0, 1050.0, 900.0, 2), 3030.0, "at most 15m 00s, and then tries again 2 times"),
        (Compaction(1050.0, 1050.0, 5.0), 1120.0, "at most 5 s"),
        (Compaction(0.0, 1.0, 900.0, 1), 1120.0, "at most 15m 00s, and then tries again once"),
    ],
)
def test_a_compaction_puts_off_the_end_of_the_running_attempt(compaction, free_by, how):
    ahead = forecast(
        remaining(IDLE, IDLE), Attempt(1, started_at=1000.0), 1060.0, UNKNOWN, compaction=compaction
    )
    assert ahead.free_by == free_by
    assert ahead.basis.endswith(f"; it compacts the transcript first, {how}")


def test_a_compaction_puts_off_the_end_also_where_the_running_attempt_is_not_seen():
    compaction = Compaction(1050.0, 1050.0, 900.0, 2)
    seen = forecast(
        remaining(IDLE, IDLE), Attempt(1, started_at=1000.0), 1060.0, UNKNOWN, compaction=compaction
    )
    assert (
        forecast(remaining(IDLE, IDLE), None, 1060.0, UNKNOWN, compaction=compaction).free_by == seen.free_by
    )


def test_a_running_attempt_that_no_chain_explains_still_has_a_budget():
    assert forecast(remaining(), Attempt(4, started_at=990.0), 1000.0, UNKNOWN).free_by == 1050.0
