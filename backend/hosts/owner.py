"""The owner's side of an ask, in order: role, time, claim, journal, act, journal, answer remembered.

An ask that acts is begun once at most, whoever sends it however often, and what became of it can be recalled.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
from msgspec.structs import replace

from lockdeck.backend.hosts import claims
from lockdeck.backend.hosts.acts import HostActs, NotDoneError, Tell
from lockdeck.backend.hosts.asks import (
    ASK_S,
    END_NOT_KNOWN,
    FAILED,
    REFUSED,
    Ask,
    AskAnswer,
    Operation,
    Recall,
    RetryAfter,
    Role,
    may_ask,
)
from lockdeck.backend.hosts.claims import Claims, NoClaimError, NoClaimYetError, NonceClaim
from lockdeck.backend.hosts.frames import MOST_BYTES, spelled
from lockdeck.backend.system.clocks import wall_time
from lockdeck.backend.system.text import safe

POLL_S = 0.25
"""So often (seconds) it is looked whether what another agent began has ended."""


class HostOwner:
    """Answers the asks of decks; knows neither connections nor frames. `came_from`: the address of who asks."""

    def __init__(
        self,
        acts: HostActs,
        came_from: str,
        *,
        clock: Callable[[], float] = wall_time,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._acts = acts
        self._came_from = came_from
        self._clock = clock
        self._wait = wait
        self._claims = Claims(acts.journal.folder, clock)
        self._refusal_journaled = False

    def answer(self, ask: Ask, tell: Tell) -> AskAnswer:
        """Do what is asked for, or say why not. Raises nothing for what the world does."""
        if ask.op not in may_ask(self._acts.role):
            return self._no(ask, f"this deck may only look there (role {self._acts.role})")
        if not ask.op.acts:
            return _sendable(self._performed(ask, tell))
        late = self._why_not_now(ask)
        if late is not None:
            return self._no(ask, late)
        try:
            claim = self._claims.claim(ask.nonce)
        except NoClaimYetError as error:
            retry = RetryAfter(math.ceil(1000 * error.again_s), claims.MOST_A_MINUTE)
            return replace(self._no(ask, str(error)), body=msgspec.to_builtins(retry))
        except NoClaimError as error:
            return self._no(ask, str(error))
        except OSError as error:
            return AskAnswer(ask.nonce, FAILED, (f"nothing is done: {safe(error)}",))
        return self._claimed(ask, claim, tell)

    def recall(self, recall: Recall, wanted: Callable[[], bool]) -> AskAnswer | None:
        """Say what became of an ask, once it is over; None where nobody wants to know it any more (`wanted`)."""
        if self._acts.role is Role.VIEWER:
            return AskAnswer(recall.nonce, REFUSED, ("a viewer asks for nothing",))
        try:
            while (answer := self._claims.recall(recall)) is None and wanted():
                self._wait(POLL_S)
        except OSError as error:
            return AskAnswer(recall.nonce, END_NOT_KNOWN, (f"it can't be looked up: {safe(error)}",))
        return answer

    def _why_not_now(self, ask: Ask) -> str | None:
        left_s = ask.not_after - self._clock()
        if left_s < 0:
            return "it came too late: nothing was done"
        if left_s > ASK_S:
            return f"an ask is good for {ASK_S:g} s at most: nothing was done"
        return None

    def _claimed(self, ask: Ask, claim: NonceClaim, tell: Tell) -> AskAnswer:
        """Do what is claimed, between two entries of the journal; the answer is remembered whatever it is."""
        answer = AskAnswer(
            ask.nonce, FAILED, ("it ended unexpectedly: the journal of that host tells how far it came",)
        )
        try:
            try:
                self._acts.journal.append("ask-begin", **self._facts(ask), allow=list(ask.allow))
            except OSError as error:
                answer = AskAnswer(
                    ask.nonce, FAILED, (f"nothing is done: the journal can't be written: {safe(error)}",)
                )
                return answer
            answer = _sendable(self._performed(ask, tell))
            facts = {**self._facts(ask), "status": answer.status, "sentences": list(answer.sentences)}
            try:
                self._acts.journal.append("ask-end", **facts)
            except OSError as error:
                unwritten = f"the journal there can't be written: {safe(error)}"
                answer = replace(answer, sentences=(*answer.sentences, unwritten))
            return answer
        finally:
            with suppress(OSError):
                claim.end(answer)

    def _performed(self, ask: Ask, tell: Tell) -> AskAnswer:
        try:
            return self._acts.perform(ask, tell)
        except NotDoneError as error:
            return AskAnswer(ask.nonce, REFUSED, tuple(safe(reason, 1000) for reason in error.args))
        except OSError as error:
            return AskAnswer(ask.nonce, FAILED, (safe(error, 1000),))

    def _no(self, ask: Ask, reason: str) -> AskAnswer:
        """Refuse; of one connection's refusals the first is journaled, for a flood of asks costs a disk write each."""
        if not self._refusal_journaled:
            self._refusal_journaled = True
            with suppress(OSError):
                self._acts.journal.append("ask-refused", **self._facts(ask), reasons=[reason])
        return AskAnswer(ask.nonce, REFUSED, (reason,))

    def _facts(self, ask: Ask) -> dict[str, Any]:
        about = {"path": ask.target} if ask.op is Operation.RELEASE else {"key": ask.target}
        return {
            "nonce": ask.nonce,
            "op": ask.op.value,
            **about,
            "releaseId": ask.release_id,
            "from": self._came_from,
            "by": safe(ask.by, 200),
            "role": self._acts.role.value,
        }


def _sendable(answer: AskAnswer) -> AskAnswer:
    """Return the answer as it can be sent: names that are not UTF-8 spelled out, without a body that is too long."""
    plain = msgspec.convert(spelled(msgspec.to_builtins(answer, enc_hook=str)), AskAnswer)
    if len(msgspec.msgpack.encode(plain)) < MOST_BYTES:
        return plain
    sentences = tuple(sentence[:1000] for sentence in plain.sentences[:100])
    return AskAnswer(plain.nonce, plain.status, (*sentences, "the rest of the answer is too long to be sent"))
