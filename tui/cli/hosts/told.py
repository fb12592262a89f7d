"""What a host answers to an ask, as lines and as JSON. Pure; its words are as little trusted as a log line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lockdeck.backend.hosts.asks import AskAnswer
from lockdeck.backend.hosts.told import LadderTold, ReleaseTold
from lockdeck.backend.model.wire import SCHEMA
from lockdeck.backend.system.text import SafeText, safe

GENTLE = "confirm"
"""The danger of rungs that need no more than the command itself."""


def answer_json(host: str, answer: AskAnswer) -> dict[str, Any]:
    """Render an answer as the command itself does, with the name of the host and of the ask."""
    own = {"status": answer.status, "sentences": list(answer.sentences), "nonce": answer.nonce}
    return {"schema": SCHEMA, "host": host, **answer.body, **own}


def release_lines(plan: ReleaseTold) -> Iterator[SafeText]:
    """Yield the plan of a release."""
    yield safe(plan.path, 4096)
    yield safe(f"  release id {plan.release_id or '-'}")
    parts = (
        ("refused", plan.reasons),
        ("would do", plan.effects),
        ("safe because", plan.safe_because),
        ("then", plan.then),
    )
    for title, sentences in parts:
        yield from _titled(title, sentences)


def ladder_lines(plan: LadderTold) -> Iterator[SafeText]:
    """Yield a ladder: why it is refused, each rung with what it loses, and those that are left out."""
    yield safe(f"{plan.key}  {plan.root}", 4096)
    for reason in (*plan.refusal, *plan.not_known, *plan.notes):
        yield safe(f"  {reason}", 1000)
    for rung in plan.rungs:
        yield safe(f"  {rung.name}: {rung.title}")
        yield safe(f"    {rung.does}", 1000)
        yield from (safe(f"    loses: {loss}", 1000) for loss in rung.loses)
    for omission in plan.left_out:
        yield safe(f"  not {omission.name}: {omission.reason}", 1000)


def outcome_lines(subject: str, answer: AskAnswer) -> Iterator[SafeText]:
    """Yield how an ask ended."""
    yield safe(f"{subject}: {answer.status}", 4096)
    yield from (safe(f"  {sentence}", 1000) for sentence in answer.sentences)


def _titled(title: str, sentences: tuple[str, ...]) -> Iterator[SafeText]:
    if sentences:
        yield safe(f"  {title}:")
    yield from (safe(f"    {sentence}", 1000) for sentence in sentences)
