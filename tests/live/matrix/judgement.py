"""What lockdeck answered against what the model provider saw: rules that share no code with lockdeck.

Times are epoch seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from tests.live.provider import Mode, ProviderRequest

SETTLE_S = 0.5
"""So long before an answer a request must have been open: the answer is made of what was there when it was asked for."""
DECISION = re.compile(r'"event": ?"embedded_run_failover_decision"|embedded run failover decision:')
"""A decision of OpenClaw on an attempt, in its log."""
_LEAVES = re.compile(r'"decision": ?"(fallback_model|surface_error|return_error_payload)"')
_GOES_ON = re.compile(
    r'"decision": ?"(rotate_profile|fallback_model)"|decision=(rotate_profile|fallback_model)'
)
_TIME = re.compile(r'"time": ?"([^"]+)"')
_CANDIDATE_FAILED = re.compile(r'"event": ?"model_fallback_decision".*"decision": ?"candidate_failed"')
NOTICED_S = 3.0
"""So much later (seconds) than OpenClaw the provider may notice that a stream was given up: it writes once a second."""
_RANK = {"rotating": 1, "stuck": 2}
QUIET = frozenset({"idle", "failed"})
"""States that say that nothing runs."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of lockdeck: state by agent, and the exit code (None for a line of `watch`).

    `unseen`: it says that there may be sessions that it can't see.
    """

    asked_at: float
    answered_at: float
    states: dict[str, str]
    code: int | None = None
    unseen: bool = False


def answer_of(asked_at: float, answered_at: float, code: int, snapshot: dict[str, Any]) -> Answer:
    """Make an answer of what `status --json` printed."""
    states = {s["agent"]: s["state"] for s in snapshot["sessions"] if s["key"] == f"agent:{s['agent']}:main"}
    return Answer(asked_at, answered_at, states, code, any(root["unseen"] for root in snapshot["roots"]))


def false_greens(
    answers: Iterable[Answer], requests: Sequence[ProviderRequest], *, retries: bool
) -> Iterator[str]:
    """Yield a sentence for each answer that shows nothing where a request was open, or 0 with two timeouts behind it."""
    for answer in answers:
        running = {r.agent: r for r in requests if r.agent is not None and _open_during(r, answer)}
        for agent, request in running.items():
            state = answer.states.get(agent, "no row")
            if state in QUIET or (state == "no row" and not answer.unseen):
                yield f"{agent} is {state} while request {request.number} has been open for {answer.asked_at - request.began_at:.1f} s"
            behind = timeouts_behind(agent, answer.asked_at, requests, retries=retries)
            if answer.code == 0 and behind >= 2:
                yield f"exit 0 while {agent} has {behind} timeouts behind it"


def false_reds(
    answers: Iterable[Answer],
    requests: Sequence[ProviderRequest],
    *,
    retries: bool,
    logged: Mapping[str, Sequence[float]] | None = None,
) -> Iterator[str]:
    """Yield a sentence for each answer that tells of more timeouts than there were, where models answer slowly.

    Rotating is right after one attempt that was given up for a next one, stuck after two. `logged`: when each agent's
    attempts were given up by OpenClaw's own lines: one that timed out before its request had left no provider sees.
    """
    for answer in answers:
        for agent, state in answer.states.items():
            given_up = [
                r
                for r in attempts_of(agent, requests, retries=retries)[:-1]
                if r.ended_at is not None and r.ended_at < answer.answered_at + NOTICED_S
            ]
            by_log = [at for at in (logged or {}).get(agent, ()) if at < answer.answered_at + NOTICED_S]
            count = max(len(given_up), len(by_log))
            if count < _RANK.get(state, 0) or (state == "failed" and not count):
                yield f"{agent} is {state} with {count} attempts given up"


def attempts_of(agent: str, requests: Iterable[ProviderRequest], *, retries: bool) -> list[ProviderRequest]:
    """Return the last request of each attempt of an agent, oldest first.

    A busy gateway asks again within one attempt when the connection takes too long (seen on 2026.6.35); only where
    the release `retries` on the same model such a request is an attempt of its own.
    """
    attempts: list[ProviderRequest] = []
    for request in sorted((r for r in requests if r.agent == agent), key=lambda r: r.began_at):
        if (
            attempts
            and not retries
            and (attempts[-1].model, attempts[-1].key) == (request.model, request.key)
        ):
            attempts[-1] = request
        else:
            attempts.append(request)
    return attempts


def attempts_logged(run_id: str, log: str) -> int:
    """Count the attempts of a run by OpenClaw's own lines: decisions, and candidates that failed without one; or timeouts.

    No provider sees an attempt that timed out before its request had left (a starved 2026.4.5), nor a candidate whose
    profiles all cool down (2026.5.28). Up to 2026.2 there are no decisions.
    """
    decided, timed_out, leaving = 0, 0, False
    for line in (line for line in log.splitlines() if run_id in line):
        timed_out += "embedded run timeout: " in line
        if DECISION.search(line):
            decided, leaving = decided + 1, _LEAVES.search(line) is not None
        elif _CANDIDATE_FAILED.search(line):
            decided, leaving = decided + (not leaving), False
    return max(decided, timed_out)


def given_up_at(run_id: str, log: str) -> list[float]:
    """Return when attempts of a run were given up for a next one, by OpenClaw's decisions; up to 2026.2 by its timeouts."""
    lines = [line for line in log.splitlines() if run_id in line]
    decisions = [line for line in lines if DECISION.search(line) and _GOES_ON.search(line)]
    told = decisions or [line for line in lines if "embedded run timeout: " in line]
    found = (_TIME.search(line) for line in told)
    return [datetime.fromisoformat(match[1]).timestamp() for match in found if match is not None]


def timeouts_behind(agent: str, at: float, requests: Iterable[ProviderRequest], *, retries: bool) -> int:
    """Count the hanging attempts in a row that an agent's run had given up by then."""
    count = 0
    for request in attempts_of(agent, (r for r in requests if r.began_at < at), retries=retries):
        if request.mode not in (Mode.HANG, Mode.STALL):
            count = 0
        elif request.ended_at is not None and request.ended_at < at - SETTLE_S:
            count += 1
    return count


def flips(states: Sequence[str]) -> int:
    """Count how often a session of one run was told to be better off than before, and then worse again."""
    ranks = [_RANK.get(state, 0) for state in states]
    return sum(
        after < before and any(later > after for later in ranks[place + 1 :])
        for place, (before, after) in enumerate(pairwise(ranks), 1)
    )


def _open_during(request: ProviderRequest, answer: Answer) -> bool:
    ended_at = request.ended_at
    return request.began_at < answer.asked_at - SETTLE_S and (
        ended_at is None or ended_at > answer.answered_at
    )
