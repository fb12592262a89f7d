"""What a deck asks of a host, and what the host says to that: the records of acting over a connection.

A nonce names one ask for ever. The host begins what is asked under a nonce once at most, and whoever has lost its answer
recalls it by the nonce.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Struct, field

Nonce = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]
UNNAMED: Nonce = "0" * 32
"""Stands in an ask until it is sent: then it gets a nonce of its own."""
ASK_S = 30.0
"""An ask is good for so long (seconds), by the clock of its host."""
REFUSED, FAILED = "refused", "failed"
"""How an ask ends that the host does not carry out, or could not; else it ends as the action does."""
PLANNED = "planned"
"""How an ask for a plan or for the journal ends."""
NEVER_BEGUN = "never-begun"
"""Nothing was done under this nonce, and nothing will be any more."""
END_NOT_KNOWN = "end-not-known"
"""It was begun; how it ended is not known."""


class Role(StrEnum):
    """What a deck may do on a host: look, also cancel and release, or also end processes."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


def lesser(one: Role, other: Role) -> Role:
    """Return the role of two that may do less."""
    return min(one, other, key=list(Role).index)


class Operation(StrEnum):
    """All that a host can be asked for."""

    JOURNAL = "journal"
    PLAN_RELEASE = "plan-release"
    RELEASE = "release"
    PLAN_CANCEL = "plan-cancel"
    CANCEL = "cancel"

    @property
    def acts(self) -> bool:
        """Return whether it changes the world."""
        return self in (Operation.RELEASE, Operation.CANCEL)


class Ask(Struct, frozen=True, tag="ask", omit_defaults=True):
    """A deck asks for one operation; `target` is the path of a lock or the key of a session that the host tells of.

    `root`: of the session. `release_id`: the hold. `evidence`: the digests of what the person saw, from the plan.
    `not_after`: when the ask is void, by the clock of the host (epoch seconds). `allow`: rungs. `watch_s`, `patient`: as
    of a release. `override`: the path of a leaked lock, as a person typed it who vouches for it. `limit`: so many entries of a
    journal, 0: as many as are told. `by`: who asks, in the deck's words, which nobody proves.
    """

    nonce: Nonce
    op: Operation
    target: str = ""
    root: str = ""
    release_id: str | None = None
    evidence: tuple[str, ...] = ()
    not_after: float = 0.0
    allow: tuple[str, ...] = ()
    watch_s: float = 0.0
    patient: bool = True
    override: str = ""
    limit: int = 0
    by: str = ""


class Recall(Struct, frozen=True, tag="recall"):
    """A deck wants to know what became of its ask; one that was never begun never will be. `not_after`: of the ask."""

    nonce: Nonce
    not_after: float


class Told(Struct, frozen=True, tag="told"):
    """A step of what is being done under a nonce, in a sentence."""

    nonce: str
    sentence: str


class AskAnswer(Struct, frozen=True, tag="answer"):
    """The end of an ask: its status, why or how in sentences, and `body` as the command itself prints it as JSON."""

    nonce: str
    status: str
    sentences: tuple[str, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)


def may_ask(role: Role) -> tuple[Operation, ...]:
    """Return what a role may ask for."""
    return (Operation.JOURNAL,) if role is Role.VIEWER else tuple(Operation)


class RetryAfter(Struct, frozen=True, rename="camel"):
    """The body of a refusal for now: nothing was begun, and so long from then on the host takes the next ask.

    `most_a_minute`: so many it takes, whoever asks.
    """

    retry_after_ms: Annotated[int, msgspec.Meta(ge=0, le=120_000)]
    most_a_minute: Annotated[int, msgspec.Meta(ge=1, le=100_000)]

    @property
    def seconds(self) -> float:
        """The time until it takes the next one, never nothing: a host that lies is not asked without end."""
        return max(self.retry_after_ms / 1000, 1.0)

    @property
    def sentence(self) -> str:
        """What is waited for, in a sentence."""
        return f"waiting {math.ceil(self.seconds)} s: its host takes {self.most_a_minute} asks a minute"


def retry_after(answer: AskAnswer) -> RetryAfter | None:
    """Return when an ask may come again that was refused for now; None for any other answer."""
    if answer.status != REFUSED:
        return None
    try:
        return msgspec.convert(answer.body, RetryAfter)
    except msgspec.ValidationError:
        return None
