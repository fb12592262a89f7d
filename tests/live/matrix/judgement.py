"""What lockdeck answered against what the model provider saw: rules that share no code with lockdeck.

Times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.live.provider import Mode, ProviderRequest

SETTLE_S = 0.5
"""So long before an answer a request must have been open: the answer is made of what was there when it was asked for."""
_RANK = {"rotating": 1, "stuck": 2}
QUIET = frozenset({"idle", "failed"})
"""States that say that nothing runs."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of lockdeck: state by agent, and the exit code (None for a line of `watch`)."""

    asked_at: float
    answered_at: float
    states: dict[str, str]
    code: int | None = None


def answer_of(asked_at: float, answered_at: float, code: int, snapshot: dict[str, Any]) -> Answer:
    """Make an answer of what `status --json` printed."""
    states = {s["agent"]: s["state"] for s in snapshot["sessions"] if s["key"] == f"agent:{s['agent']}:main"}
    return Answer(asked_at, answered_at, states, code)


def false_greens(answers: Iterable[Answer], requests: Sequence[ProviderRequest]) -> Iterator[str]:
    """Yield a sentence for each answer that shows nothing where a request was open, or 0 with two timeouts behind it."""
    for answer in answers:
        running = {r.agent: r for r in requests if r.agent is not None and _open_during(r, answer)}
        for agent, request in running.items():
            state = answer.states.get(agent, "no row")
            if state in QUIET or state == "no row":
                yield f"{agent} is {state} while request {request.number} has been open for {answer.asked_at - request.began_at:.1f} s"
            behind = timeouts_behind(agent, answer.asked_at, requests)
            if answer.code == 0 and behind >= 2:
                yield f"exit 0 while {agent} has {behind} timeouts behind it"


def timeouts_behind(agent: str, at: float, requests: Sequence[ProviderRequest]) -> int:
    """Count the hanging requests in a row that an agent's run had given up by then."""
    count = 0
    for request in sorted(
        (r for r in requests if r.agent == agent and r.began_at < at), key=lambda r: r.began_at
    ):
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
