"""The bodies of a host's answers as they are read here: what has another shape is no answer. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, field
from msgspec.structs import replace

from lockdeck.backend.actions.cancel.ladder import RESET, RESTART, Rung
from lockdeck.backend.actions.cancel.records import program_name
from lockdeck.backend.actions.release.newcomers import Newcomer, Newcomers, longest_wait
from lockdeck.backend.actions.release.records import Refusal
from lockdeck.backend.hosts.asks import AskAnswer
from lockdeck.backend.hosts.conversation import CannotAskError
from lockdeck.backend.system.text import safe

T = TypeVar("T")
_DEEPEST = 8
Sentences = Annotated[tuple[Annotated[str, Meta(max_length=8192)], ...], Meta(max_length=200)]
Names = Annotated[tuple[str, ...], Meta(max_length=10_000)]
Digests = Annotated[tuple[Annotated[str, Meta(max_length=128)], ...], Meta(max_length=20)]
NO_REASON = "its host refuses this, and gives no reason"


class NewcomerTold(Struct, frozen=True, rename="camel"):
    """A young process of OpenClaw that a release would wait for."""

    pid: int
    name: Annotated[str, Meta(max_length=200)]
    age_ms: Annotated[int, Meta(ge=0)] | None = None


class ReleaseTold(Struct, frozen=True, rename="camel"):
    """The plan of a release as its host tells it; what it means is said at `ReleasePlan`."""

    path: str
    allowed: bool
    release_id: str | None = None
    reasons: Sentences = field(default=(), name="refusal")
    effects: Sentences = ()
    safe_because: Sentences = field(default=(), name="why")
    then: Sentences = ()
    override: str | None = None
    wait_for: Annotated[tuple[NewcomerTold, ...], Meta(max_length=200)] = ()
    evidence: Digests = ()

    view = None
    """The lock itself is not told once more: it stands in its row."""

    @property
    def refusal(self) -> Refusal | None:
        """The refusal, None where it may be released."""
        if self.allowed and not self.reasons:
            return None
        return Refusal(self.reasons or (NO_REASON,))

    @property
    def newcomers(self) -> Newcomers:
        """The young processes that the release would wait for."""
        return tuple(
            Newcomer(one.pid, safe(one.name), None if one.age_ms is None else one.age_ms / 1000)
            for one in self.wait_for
        )

    @property
    def wait_s(self) -> float:
        """Seconds that the release would wait at most before it looks again."""
        return longest_wait(self.newcomers)


class RungTold(Rung, frozen=True):
    """A rung of a ladder as its host tells it: one that is known here, with the danger that is its own."""

    name: Literal["stop", "abort", "reset", "restart", "terminate"]
    title: Annotated[str, Meta(max_length=200)]
    does: Annotated[str, Meta(max_length=8192)]
    loses: Sentences
    danger: Literal["confirm", "reset", "restart"]
    scopes_missing: Sentences = field(default=(), name="scopesMissing")

    def __post_init__(self) -> None:
        """Refuse a rung that says of itself that it is gentler than it is."""
        if self.name in (RESET, RESTART) and self.danger != self.name:
            raise ValueError(f"{self.name} is no rung to {self.danger}")


class LeftOutTold(Struct, frozen=True):
    """A rung that a ladder does not have, and the reason."""

    name: str
    reason: str = field(name="why")


class HolderTold(Struct, frozen=True, rename="camel"):
    """The process that a run is in, and the other sessions that end with it."""

    pid: int
    gateway: bool = False
    argv: str | None = None
    other_sessions: Names = ()


class LadderTold(Struct, frozen=True, rename="camel"):
    """The ladder of a cancel as its host tells it; what it means is said at `CancelPlan`. `evidence`: of each rung."""

    key: str
    root: str
    nothing: bool = field(name="nothingToCancel")
    refusal: Sentences = ()
    not_known: Sentences = ()
    rungs: Annotated[tuple[RungTold, ...], Meta(max_length=20)] = ()
    left_out: Annotated[tuple[LeftOutTold, ...], Meta(max_length=20)] = ()
    notes: Sentences = ()
    version: str | None = None
    reached_by: str | None = None
    scopes: Names | None = None
    queue_depth: int | None = None
    holder: HolderTold | None = None
    evidence: Digests = ()

    @property
    def pid(self) -> int | None:
        """The process that the run is in."""
        return self.holder.pid if self.holder else None

    @property
    def is_gateway(self) -> bool:
        """Whether that process is a gateway."""
        return self.holder is not None and self.holder.gateway

    @property
    def argv(self) -> str:
        """Its command line for people, empty where it is not known."""
        return safe(self.holder.argv or "", 1000) if self.holder else ""

    @property
    def held(self) -> tuple[str, ...]:
        """The other sessions that end with it."""
        return self.holder.other_sessions if self.holder else ()

    @property
    def process_name(self) -> str:
        """The name by which a person says that the holder is to end."""
        return program_name(self.argv, self.pid)


class JournalTold(Struct, frozen=True, rename="camel"):
    """The newest entries of a host's journal."""

    path: Annotated[str, Meta(max_length=8192)]
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


def journal_told(answer: AskAnswer, limit: int) -> JournalTold:
    """Return the newest entries of the journal in an answer, so many at most. Raises CannotAskError."""
    journal = told_as(answer, JournalTold)
    entries = [{name: _shallow(fact) for name, fact in entry.items()} for entry in journal.entries[-limit:]]
    return replace(journal, entries=tuple(entries))


def _shallow(fact: Any, depth: int = _DEEPEST) -> Any:
    """Return a fact without what lies deeper in it than any fact of ours: to show it must not take without end."""
    if isinstance(fact, dict | list | tuple) and not depth:
        return "too deep to be shown"
    if isinstance(fact, dict):
        return {str(name)[:200]: _shallow(value, depth - 1) for name, value in fact.items()}
    return [_shallow(value, depth - 1) for value in fact] if isinstance(fact, list | tuple) else fact
