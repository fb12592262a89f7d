"""The kinds of stuck, each with the evidence that shows it."""

from __future__ import annotations

from collections.abc import Callable

from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.runs.records import Hold
from lockdeck.backend.model.runs.rotation import passed_sentence, unbroken
from lockdeck.backend.model.sessions.facts import UNBOUNDED_QUIET_S, SessionFacts
from lockdeck.backend.model.sessions.finding import Finding
from lockdeck.backend.model.sessions.unheld import refusing, wedged
from lockdeck.backend.model.words import duration, plain_word, times

MARGIN_S = 30.0
"""So long (seconds) a hold may stand beyond its budget before that counts."""
GIVEN_UP_S = 1800.0
"""A decision without follow-up is stuck for this long (seconds) and a failed run after that."""
PACE_SLACK = 0.1
PACE_SLACK_S = 3.0
"""A hold ended by a timeout lasts at most a tenth and this many seconds longer than the timeout.

On a busy machine 2026.4.5 was seen to hold for 23.1 s with a timeout of 20 s.
"""
CLOCK_SLACK_S = 0.5
"""A hold may look this much (seconds) shorter than it was."""


def stuck_because(facts: SessionFacts, now: float) -> Finding | None:
    """Return why a session is stuck, or None. The first kind that applies gives the answer."""
    return next((finding for kind in _KINDS if (finding := kind(facts, now)) is not None), None)


def timeout_rotation(facts: SessionFacts, now: float) -> Finding | None:
    """Two timed-out attempts, and the run still keeps the session: the pattern of openclaw#62351."""
    rotation = facts.rotation
    if rotation is None:
        return _paced_by_timeouts(facts)
    if rotation.finished:
        return None
    last_end = rotation.attempts[-1].ended_at if rotation.attempts else now
    waits = facts.awaits_follow_up(now) or facts.between_attempts(now)
    if not (facts.alive if last_end is None else waits):
        return None
    upto = now if last_end is None else last_end
    chained = unbroken(rotation.attempts, upto, facts.follow_up_s)
    timed_out = [attempt for attempt in chained if attempt.by_timeout]
    if len(timed_out) < 2:
        return None
    numbers = ", ".join(str(attempt.index) for attempt in timed_out)
    none_to_come = "; ".join(filter(None, ("no further attempt is to come", passed_sentence(rotation, now))))
    return Finding(
        timed_out[1].ended_at,
        (
            f"attempts {numbers} ran into a timeout and the run keeps the session (openclaw#62351)",
            rotation.free_by_how if rotation.to_come and rotation.free_by_how else none_to_come,
        ),
    )


def beyond_budget(facts: SessionFacts, now: float) -> Finding | None:
    """A hold older than it may be by its own limits, with no progress anywhere."""
    limit, limit_name = _hold_limit(facts)
    quiet, began = facts.quiet_s(now), facts.hold_since
    if limit is None or quiet is None or began is None or not facts.occupied or facts.compacts(now):
        return None
    if now - began <= limit or quiet <= _patience(facts) + MARGIN_S:
        return None
    return Finding(
        began + limit,
        (
            f"{_subject(facts)} for {duration(now - began)}, longer than its {limit_name}",
            f"no progress in transcript, log or process for {duration(quiet)}",
        ),
    )


def stopped(facts: SessionFacts, now: float) -> Finding | None:  # noqa: ARG001 - every kind has this shape
    """A holder that does nothing because somebody stopped it."""
    if facts.suspension is None or not facts.occupied:
        return None
    return Finding(facts.hold_since, (facts.suspension,))


def endless_compaction(facts: SessionFacts, now: float) -> Finding | None:
    """A compaction that takes longer than it may."""
    compaction = facts.compaction
    if compaction is None:
        return None
    limit = facts.compaction_limit_s(compaction)
    if now - compaction.told_at <= limit + MARGIN_S:
        return None
    lasts = f"the log says it has been compacting for {duration(now - compaction.since)}"
    return Finding(
        compaction.told_at + limit, (f"{lasts}, longer than the {duration(limit)} that it may take",)
    )


def broken_promise(facts: SessionFacts, now: float) -> Finding | None:
    """A rotation decision that no attempt followed."""
    run = facts.run
    if run is None or run.promised_at is None or run.ended_at is not None or run.undecided:
        return None
    if facts.occupied or not facts.sees_locks:
        return None
    waited, decided = now - run.promised_at, run.attempts[-1].decision if run.attempts else None
    if not facts.follow_up_s < waited <= GIVEN_UP_S:
        return None
    if facts.followed(run.promised_at) or facts.restarted_since(run.promised_at):
        return None
    word = plain_word(decided) if decided else "another attempt"
    return Finding(
        run.promised_at, (f"{word} was to be tried {duration(waited)} ago, and no attempt has followed",)
    )


def blocking(facts: SessionFacts, now: float) -> Finding | None:
    """Callers fail or wait on the lock while its holder makes no progress."""
    blocked, quiet = facts.blocked, facts.quiet_s(now)
    if not facts.occupied or not blocked.count or quiet is None or facts.occupation is None:
        return None
    if facts.compacts(now):
        return None
    if blocked.last is None or blocked.last < facts.occupation.since or quiet <= _patience(facts):
        return None
    return Finding(
        now - quiet,
        (
            f"{times(blocked.count, 'caller')} blocked, the last {duration(now - blocked.last)} ago",
            f"the holder has made no progress for {duration(quiet)}",
        ),
    )


def leaked(facts: SessionFacts, now: float) -> Finding | None:  # noqa: ARG001 - every kind has this shape
    """A lock that a live process left standing without having it open."""
    if facts.judgement is None or facts.verdict is not Verdict.LEAKED:
        return None
    return Finding(
        facts.hold_since,
        ("the lock has leaked: its process lives and does not hold it", *facts.judgement.reasons),
    )


_KINDS: tuple[Callable[[SessionFacts, float], Finding | None], ...] = (
    stopped,
    timeout_rotation,
    leaked,
    endless_compaction,
    beyond_budget,
    broken_promise,
    blocking,
    refusing,
    wedged,
)


def _subject(facts: SessionFacts) -> str:
    return "the lock has been held" if facts.sees_locks else "the attempt has been running"


def _hold_limit(facts: SessionFacts) -> tuple[float | None, str]:
    """Return how long one hold may stand, in seconds, and what says so.

    The idle timeout begins anew with every piece of an answer, and a message reaches the transcript only when
    it is complete: a hold that outlives it may well be of a model that still answers. It counts only where the
    pieces are heard (from 2026.8.1 on, through the gateway).
    """
    if facts.max_hold_ms is not None:
        limit = facts.max_hold_ms / 1000
        return limit, f"own limit of {duration(limit)}"
    if not facts.sees_locks and not facts.tool_running:
        idle = facts.budget.seconds
        return (None, "") if idle is None else (idle + MARGIN_S, facts.budget.name)
    return (facts.run_budget_s + MARGIN_S, "run timeout") if facts.run_budget_s else (None, "")


def _patience(facts: SessionFacts) -> float:
    """Return how many silent seconds are normal: a model may be silent up to its timeout, a tool up to the run's."""
    if facts.tool_running:
        return facts.run_budget_s or UNBOUNDED_QUIET_S
    return UNBOUNDED_QUIET_S if facts.budget.seconds is None else facts.budget.seconds


def _paced_by_timeouts(facts: SessionFacts) -> Finding | None:
    """The same pattern from lock files alone: holds of one process in a row, each ended by the timeout.

    Where only the default log can be read, nothing in it names the session of an idle timeout (2026.4.5).
    """
    limit = facts.budget.seconds
    if facts.occupation is None or limit is None or not (facts.occupied or facts.in_gap):
        return None
    paced: list[Hold] = []
    for hold in reversed(facts.occupation.recent):
        if hold.ended_at is None:
            continue
        lasted = hold.ended_at - hold.started_at
        if not limit - CLOCK_SLACK_S <= lasted <= limit * (1 + PACE_SLACK) + PACE_SLACK_S or (
            paced and hold.pid != paced[0].pid
        ):
            break
        paced.append(hold)
    if len(paced) < 2:
        return None
    row = (
        f"{times(len(paced), 'hold')} in a row by pid {paced[0].pid} ended after the {facts.budget.sentence}"
    )
    return Finding(
        paced[-2].ended_at,
        (
            f"{row}, and the session is still occupied (openclaw#62351)",
            "no log line or transcript entry ties a run to this session",
        ),
    )
