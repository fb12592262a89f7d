"""What a host answers to an ask, as lines and as JSON. Pure; its words are as little trusted as a log line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from lockdeck.backend.hosts.asks import AskAnswer
from lockdeck.backend.hosts.conversation import CannotAskError
from lockdeck.backend.model.wire import SCHEMA
from lockdeck.backend.system.text import SafeText, safe

GENTLE = "confirm"
"""The danger of rungs that need no more than the command itself."""
T = TypeVar("T")


class ReleaseTold(Struct, frozen=True, rename="camel"):
    """The plan of a release as its host tells it."""

    path: str
    allowed: bool
    release_id: str | None = None
    refusal: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class RungTold(Struct, frozen=True, rename="camel"):
    """A rung of a ladder as its host tells it."""

    name: str
    title: str
    does: str
    danger: str
    loses: tuple[str, ...] = ()
    scopes_missing: tuple[str, ...] = ()

    @property
    def consent(self) -> str:
        """The name by which a person allows this rung."""
        return "restart" if self.danger == "restart" else self.name


class LadderTold(Struct, frozen=True, rename="camel"):
    """The ladder of a cancel as its host tells it. `evidence`: of each rung."""

    key: str
    root: str
    nothing_to_cancel: bool
    refusal: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()
    rungs: tuple[RungTold, ...] = ()
    left_out: tuple[dict[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class JournalTold(Struct, frozen=True, rename="camel"):
    """The newest entries of a host's journal."""

    path: str
    entries: tuple[dict[str, Any], ...]
    broken_at: int | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()


def told_as(answer: AskAnswer, shape: type[T]) -> T:
    """Return the body of an answer in its shape. Raises CannotAskError where it has another."""
    try:
        return msgspec.convert(answer.body, shape)
    except msgspec.ValidationError as error:
        raise CannotAskError(f"its answer has another shape than ours: {error}") from None


def answer_json(host: str, answer: AskAnswer) -> dict[str, Any]:
    """Render an answer as the command itself does, with the name of the host and of the ask."""
    own = {"status": answer.status, "sentences": list(answer.sentences), "nonce": answer.nonce}
    return {"schema": SCHEMA, "host": host, **answer.body, **own}


def release_lines(plan: ReleaseTold) -> Iterator[SafeText]:
    """Yield the plan of a release."""
    yield safe(plan.path, 4096)
    yield safe(f"  release id {plan.release_id or '-'}")
    parts = (
        ("refused", plan.refusal),
        ("would do", plan.effects),
        ("safe because", plan.why),
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
        yield safe(f"  not {omission.get('name')}: {omission.get('why')}", 1000)


def outcome_lines(subject: str, answer: AskAnswer) -> Iterator[SafeText]:
    """Yield how an ask ended."""
    yield safe(f"{subject}: {answer.status}", 4096)
    yield from (safe(f"  {sentence}", 1000) for sentence in answer.sentences)


def _titled(title: str, sentences: tuple[str, ...]) -> Iterator[SafeText]:
    if sentences:
        yield safe(f"  {title}:")
    yield from (safe(f"    {sentence}", 1000) for sentence in sentences)
