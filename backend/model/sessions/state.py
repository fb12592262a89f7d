"""The state of a session: `assess()`, the state machine of the fleet table.

Pure: the same facts always give the same assessment, and every state names its evidence.  The five kinds of
stuck are in `lockdeck.backend.model.sessions.stuck`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from msgspec import Struct

from lockdeck.backend.model.cancel import LONGEST_S
from lockdeck.backend.model.fleet import Severity, State
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.runs.life import PROMISING, RunOutcome
from lockdeck.backend.model.runs.records import GAP_GRACE_S, Attempt, Rotation
from lockdeck.backend.model.runs.rotation import kept_out_sentence, passed_sentence
from lockdeck.backend.model.sessions.facts import AFTERMATH_S, SessionFacts
from lockdeck.backend.model.sessions.finding import Finding
from lockdeck.backend.model.sessions.ownership import lost_on
from lockdeck.backend.model.sessions.stuck import MARGIN_S, stuck_because
from lockdeck.backend.model.words import duration, plain_word

OWN_DIAGNOSIS_S = 90.0
"""OpenClaw repeats its `stuck session` line every 30 s; older than this (seconds) it no longer counts."""


class Assessment(Struct, frozen=True):
    """The state of a session, how urgent it is, since when (epoch seconds), and the evidence in sentences."""

    state: State
    severity: Severity
    since: float | None
    reasons: tuple[str, ...]


def assess(facts: SessionFacts, now: float) -> Assessment:
    """Say what a session is doing at `now` (epoch seconds). First matching state wins."""
    result = next(
        (
            (state, finding)
            for state, rule in _RULES
            if (finding := rule(facts, now)) is not None
        ),
        (State.IDLE, Finding(_last_end(facts), _nothing_runs(facts, now))),
    )  # fmt: skip
    state, finding = result
    severity, notes = _severity(state, facts, now)
    since = finding.since
    if facts.previous is not None and facts.previous[0] is state:
        since = facts.previous[1] if facts.previous[1] is not None else since
    return Assessment(state, severity, since, tuple(dict.fromkeys((*finding.reasons, *notes))))


def _cancelling(facts: SessionFacts, now: float) -> Finding | None:
    cancel = facts.cancelling
    if cancel is None or now - cancel.at > LONGEST_S:
        return None
    goes_on = facts.occupied or facts.awaits_follow_up(now) or facts.between_attempts(now)
    if not goes_on and facts.store_status != "running":
        return None
    user = f" (user {cancel.user})" if cancel.user else ""
    asked = f"lockdeck{user} has been cancelling it for {duration(now - cancel.at)}"
    still = "the session is still occupied" if goes_on else "the store still says running"
    return Finding(cancel.at, (f"{asked}, and {still}",))


def _compacting(facts: SessionFacts, now: float) -> Finding | None:
    compaction = facts.compaction
    if compaction is None:
        return None
    limits = [f"may take {duration(facts.compaction_limit_s(compaction))}"]
    if facts.lock_wait_s is not None:
        limits.append(f"callers give up after {duration(facts.lock_wait_s)}")
    lasts = f"the log says it has been compacting for {duration(now - compaction.since)}"
    return Finding(compaction.since, (f"{lasts} ({'; '.join(limits)})",))


def _rotating(facts: SessionFacts, now: float) -> Finding | None:
    rotation = facts.rotation
    if rotation is None or rotation.finished:
        return None
    decided = [a for a in rotation.attempts if _leads_on(a)]
    running = rotation.attempts[-1] if rotation.attempts and rotation.attempts[-1].ended_at is None else None
    if not decided:
        return None
    if running is not None and facts.alive:
        sentences = (_attempt_sentence(running, rotation, now), _decision_sentence(decided))
        passed = passed_sentence(rotation, now)
        return Finding(decided[0].ended_at, (*sentences, *((passed,) if passed else ())))
    if facts.between_attempts(now):
        sentence = f"attempt {len(rotation.attempts) + 1} has just let go of the lock"
        return Finding(decided[0].ended_at, (sentence, _decision_sentence(decided)))
    if facts.awaits_follow_up(now):
        promise = f"{_step(decided[-1])} is to be tried, and has not begun"
        sentence = "none is left, and the run has not told its end yet" if facts.spent else promise
        return Finding(decided[0].ended_at, (sentence, _decision_sentence(decided)))
    return None


def _running(facts: SessionFacts, now: float) -> Finding | None:
    if facts.occupied:
        since = facts.occupation.since if facts.occupation else facts.lock_since
        holds = facts.occupation.holds if facts.occupation else 1
        chain = (
            (f"{holds} holds in a row since {duration(now - since)}",)
            if since is not None and holds > 1 and facts.sees_locks
            else ()
        )
        reasons = facts.judgement.reasons if facts.judgement else (facts.holder or "a lock stands",)
        return Finding(since, (*reasons, *chain))
    opened = facts.run.opened if facts.run and facts.run.ended_at is None else None
    if opened is not None and facts.can_go_on_unheld:
        return Finding(opened.at, (f"an attempt began {duration(now - opened.at)} ago",))
    if facts.asked_at is not None and facts.prepares(now):
        waits = duration(now - facts.asked_at)
        return Finding(facts.asked_at, (f"its transcript ends with a message that has waited for {waits}",))
    # After idleness, the lock that went held nobody.
    was_idle = facts.previous is not None and facts.previous[0] is State.IDLE
    if _in_short_gap(facts, now) and facts.occupation and not was_idle and not _told_to_have_ended(facts):
        return Finding(facts.occupation.since, ("the lock was there a moment ago",))
    return None


def _failed(facts: SessionFacts, now: float) -> Finding | None:
    run = facts.run
    if run is None or facts.verdict in (Verdict.FOREIGN, Verdict.UNREADABLE):
        return None
    if (
        run.opened is not None
        and run.ended_at is None
        and facts.gateway_alive is False
        and facts.lets_lock_go
    ):
        return Finding(
            run.opened.at, ("the run broke off: its gateway has ended in the middle of an attempt",)
        )
    went_on = facts.went_on if facts.spent else facts.followed
    if run.promised_at is not None and run.ended_at is None and not went_on(run.promised_at):
        waited = now - run.promised_at
        if facts.spent:
            sentence = f"the last attempt ran into a timeout {duration(waited)} ago, and none is left"
            return Finding(run.promised_at, (sentence,))
        if facts.sees_locks and waited > facts.follow_up_s:
            cause = "timeout" if run.undecided else "decision"
            sentence = f"the run broke off: no attempt followed a {cause} of {duration(waited)} ago"
            return Finding(run.promised_at, (sentence,))
        return None
    if run.outcome is not RunOutcome.FAILED or run.ended_at is None or _moved_on(facts, run.ended_at):
        return None
    locked = kept_out_sentence(run)
    failure = run.failure or "the last run ended in an error and nothing has run since"
    return Finding(run.ended_at, (failure, *((locked,) if locked else ())))


def _unknown(facts: SessionFacts, now: float) -> Finding | None:  # noqa: ARG001 - every rule has this shape
    if facts.judgement is not None and facts.verdict in (Verdict.FOREIGN, Verdict.UNREADABLE):
        return Finding(facts.lock_since, facts.judgement.reasons)
    if facts.store_status == "running" and facts.judgement is None and not _ended_after_start(facts):
        return Finding(None, (_store_alone(facts),))
    return None


def _store_alone(facts: SessionFacts) -> str:
    """Say what is missing where the store says running; lines may name the session and show no run."""
    named = (
        bool(facts.diagnoses) or facts.wedge is not None or facts.refused is not None or facts.run is not None
    )
    if named:
        return "the store says running; the log names the session, but shows no run that goes on"
    if facts.lets_lock_go:
        return (
            "the store says running, and this release lets the lock go while a run goes on: no log line or event "
            "shows one"
        )
    sign = "lock, log line" if facts.sees_locks else "log line"
    return f"the store says running, but no {sign} or event shows a run"


_RULES = (
    (State.CANCELLING, _cancelling),
    (State.STUCK, stuck_because),
    (State.COMPACTING, _compacting),
    (State.ROTATING, _rotating),
    (State.RUNNING, _running),
    (State.FAILED, _failed),
    (State.UNKNOWN, _unknown),
)

_SEVERITY = {
    State.IDLE: Severity.OK,
    State.RUNNING: Severity.OK,
    State.COMPACTING: Severity.NOTICE,
    State.CANCELLING: Severity.NOTICE,
    State.UNKNOWN: Severity.NOTICE,
    State.ROTATING: Severity.WARNING,
    State.FAILED: Severity.WARNING,
    State.STUCK: Severity.CRITICAL,
}


def _severity(state: State, facts: SessionFacts, now: float) -> tuple[Severity, tuple[str, ...]]:
    """Return how urgent a state is with what else was found, and the sentences for that."""
    severity, notes = _SEVERITY[state], []
    findings = (*_lock_notes(state, facts), *_silence(state, facts, now), *_own_diagnoses(facts, now))
    for urgency, sentence in (*findings, *_callers(facts)):
        severity = max(severity, urgency)
        notes.append(sentence)
    return severity, tuple(notes)


def _lock_notes(state: State, facts: SessionFacts) -> Iterator[tuple[Severity, str]]:
    judgement = facts.judgement
    if judgement is None:
        return
    reasons = "; ".join(judgement.reasons)
    if judgement.verdict is Verdict.REMOVED:
        yield Severity.CRITICAL, f"its lock file was removed under a live holder: {reasons}"
    elif judgement.releasable:
        yield Severity.WARNING, f"a lock was left behind and may be released: {reasons}"
    elif judgement.verdict in (Verdict.DEAD, Verdict.RECYCLED):
        yield Severity.NOTICE, f"a lock was left behind: {reasons}"
    elif judgement.verdict is Verdict.RELEASING:
        yield Severity.NOTICE, reasons
    elif judgement.verdict is Verdict.LITTER and state is State.IDLE:
        yield Severity.OK, reasons


def _silence(state: State, facts: SessionFacts, now: float) -> Iterator[tuple[Severity, str]]:
    """Tell of a long silence that proves nothing: where files alone tell, an answer shows only when complete."""
    quiet, idle = facts.quiet_s(now), facts.budget.seconds
    if state is not State.RUNNING or not facts.sees_locks or facts.tool_running or not facts.occupied:
        return
    if quiet is not None and idle is not None and quiet > idle + MARGIN_S:
        silence = f"no progress to be seen for {duration(quiet)}, longer than its {facts.budget.name}"
        yield Severity.NOTICE, f"{silence}: a long answer shows only when it is complete"


def _own_diagnoses(facts: SessionFacts, now: float) -> Iterator[tuple[Severity, str]]:
    recent = [d for d in facts.diagnoses if 0 <= now - d.at <= OWN_DIAGNOSIS_S]
    if recent:
        last = max(recent, key=lambda diagnosis: diagnosis.at)
        age = "" if last.age_ms is None else f" for {duration(last.age_ms / 1000)}"
        urgency = Severity.NOTICE if last.kind.startswith("long") else Severity.WARNING
        yield urgency, f"OpenClaw itself reports a {last.kind} session{age}"


def _callers(facts: SessionFacts) -> Iterator[tuple[Severity, str]]:
    """Tell of callers that failed on the lock; where sessions take no lock file the holder's sentences do."""
    yield from ((Severity.OK, sentence) for sentence in facts.blocked.sentences if facts.sees_locks)


def _attempt_sentence(attempt: Attempt, rotation: Rotation, now: float) -> str:
    total = f" of {rotation.total}" if rotation.total else ""
    model = "/".join(part for part in (attempt.provider, attempt.model) if part)
    if attempt.started_at is not None and attempt.started_at > now:
        waits = duration(attempt.started_at - now)
        return f"attempt {attempt.index}{total}{f' ({model})' if model else ''} begins in {waits}"
    lasted = attempt.duration_s(now)
    since = "" if lasted is None else f" for {duration(lasted)}"
    return f"attempt {attempt.index}{total}{f' ({model})' if model else ''} has been running{since}"


def _decision_sentence(decided: list[Attempt]) -> str:
    last = decided[-1]
    reasons = sorted({plain_word(attempt.reason) for attempt in decided if attempt.reason})
    return f"{_step(last)} after {', '.join(reasons) or 'an unnamed failure'}"


def _leads_on(attempt: Attempt) -> bool:
    """Return whether another attempt may follow this one; 2026.2.9 logs its timeout and no decision."""
    if attempt.decision is None:
        return attempt.timed_out
    return attempt.decision in PROMISING or attempt.decision == "candidate_failed"


def _step(attempt: Attempt) -> str:
    return plain_word(attempt.decision or "rotate_profile")


def _nothing_runs(facts: SessionFacts, now: float) -> tuple[str, ...]:
    free = facts.judgement is None and facts.sees_locks
    nothing = "nothing runs and no lock stands" if free else "nothing runs"
    return (nothing,) if facts.cancel is None else (facts.cancel.sentence(now), nothing)


def _in_short_gap(facts: SessionFacts, now: float) -> bool:
    """Return whether the lock was there a moment ago; a longer gap belongs to a rotation or to nothing."""
    last_seen = facts.occupation.last_seen if facts.occupation is not None else None
    longest = GAP_GRACE_S if facts.lets_lock_go else math.inf
    return facts.in_gap and (last_seen is None or now - last_seen <= longest)


def _told_to_have_ended(facts: SessionFacts) -> bool:
    """Return whether a run's end explains that the lock is gone."""
    ended_at = facts.run.ended_at if facts.run else None
    if facts.spent or facts.cancel is not None:
        return True
    return ended_at is not None and all(hold.started_at < ended_at for hold in facts.holds)


def _moved_on(facts: SessionFacts, ended_at: float) -> bool:
    """Return whether something has run since a run's end; who failed on the lock ended before the one that had it."""
    lost = facts.run is not None and lost_on(facts.run, None)
    ran = (hold.ended_at if lost and hold.ended_at is not None else hold.started_at for hold in facts.holds)
    if any(at > ended_at for at in ran):
        return True
    ended_well = facts.store_status in ("done", "killed")
    if ended_well and facts.store_at is not None and facts.store_at > ended_at + AFTERMATH_S:
        return True  # a later run, of which the log tells nothing
    return facts.transcript_at is not None and facts.transcript_at > ended_at + AFTERMATH_S


def _ended_after_start(facts: SessionFacts) -> bool:
    return facts.cancel is not None or (facts.run is not None and facts.run.ended_at is not None)


def _last_end(facts: SessionFacts) -> float | None:
    ends = [hold.ended_at for hold in facts.holds if hold.ended_at is not None]
    if facts.run is not None and facts.run.ended_at is not None:
        ends.append(facts.run.ended_at)
    return max(ends, default=facts.transcript_at)


__all__ = ["Assessment", "SessionFacts", "assess"]
