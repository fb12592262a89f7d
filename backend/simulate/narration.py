"""What 2026.4.5 logs about a failing run, in its own words and order."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from lockdeck.backend.model.runs.chain import Candidate
from lockdeck.backend.simulate.cast import CHAIN, Session, digest
from lockdeck.backend.simulate.log import Log

ABORTED_TEXT = "Request was aborted."


class Failure(Struct, frozen=True):
    """Why a candidate failed: the error's name and text, as they appear in the log."""

    name: str
    text: str


TIMED_OUT = Failure("FailoverError", ABORTED_TEXT)


class Narrator(Struct, frozen=True):
    """Writes the lines about one run."""

    log: Log
    session: Session
    run_id: str

    def run_timeout(self, timeout_s: float) -> None:
        """The attempt's budget ran out; the only line that carries run id and session id."""
        ids = f"runId={self.run_id} sessionId={self.session.session_id}"
        self.log.say(
            "WARN", "agent/embedded", f"embedded run timeout: {ids} timeoutMs={round(timeout_s * 1000)}"
        )

    def failover(self, profile: str, decision: str, shown_as: Candidate, first: bool) -> None:
        """Say what the runner does after an attempt.

        `shown_as` is the model of the previous assistant message: 2026.4.5 names that one.
        `first` is true where no aborted reply stands in the transcript yet.
        """
        self.log.say("WARN", "agent/embedded", f"Profile {profile} timed out. Trying next account...")
        meta: dict[str, object] = {
            "event": "embedded_run_failover_decision",
            "tags": ["error_handling", "failover", "assistant", decision],
            "runId": self.run_id,
            "stage": "assistant",
            "decision": decision,
            "failoverReason": "timeout",
            "profileFailureReason": "timeout",
            "provider": shown_as.provider,
            "model": shown_as.model,
            "profileId": digest(profile),
            "fallbackConfigured": True,
            "timedOut": True,
            "aborted": True,
        }
        if decision == "fallback_model":
            meta["status"] = 408
        if not first:
            meta |= {"rawErrorPreview": ABORTED_TEXT, "rawErrorHash": digest(ABORTED_TEXT)}
        self.log.event("agent/embedded", "embedded run failover decision", meta)

    def candidate_failed(self, number: int, failure: Failure, duration_s: float) -> None:
        """One model is through: both lanes report, then the fallback decision. `number` counts from 1."""
        milliseconds = round(duration_s * 1000)
        for lane, extra in (("main", 0), (f"session:{self.session.key}", 3)):
            error = f'durationMs={milliseconds + extra} error="{failure.name}: {failure.text}"'
            self.log.say("ERROR", "diagnostic", f"lane task error: lane={lane} {error}")
        self.log.event("model-fallback/decision", "model fallback decision", self._fallback(number, failure))

    def all_failed(self, failures: Sequence[Failure], chat: bool) -> None:
        """Say that the chain is exhausted; a chat run says it in another line than an `agent` call."""
        tried = " | ".join(
            f"{candidate.provider}/{candidate.model}: {failure.text} (timeout)"
            for candidate, failure in zip(CHAIN, failures, strict=True)
        )
        text = f"All models failed ({len(failures)}): {tried}"
        if chat:
            self.log.console("ERROR", f"Embedded agent failed before reply: {text}")
            return
        error = f"FallbackSummaryError: {text}"
        call = f"runId={self.run_id} error={error} conn=demo0000…0000 id=agent-{self.session.agent}"
        self.log.say("INFO", "gateway/ws", f"⇄ res ✗ agent errorCode=UNAVAILABLE errorMessage={error} {call}")

    def waited(self, seconds: float) -> None:
        """A queued message of this session is served at last."""
        lane = f"lane=session:{self.session.key}"
        waited = f"waitedMs={round(seconds * 1000)} queueAhead=0"
        self.log.say("WARN", "diagnostic", f"lane wait exceeded: {lane} {waited}")

    def _fallback(self, number: int, failure: Failure) -> dict[str, object]:
        candidate = CHAIN[number - 1]
        meta: dict[str, object] = {
            "event": "model_fallback_decision",
            "tags": ["error_handling", "model_fallback", "candidate_failed"],
            "runId": self.run_id,
            "decision": "candidate_failed",
            "requestedProvider": CHAIN[0].provider,
            "requestedModel": CHAIN[0].model,
            "candidateProvider": candidate.provider,
            "candidateModel": candidate.model,
            "attempt": number,
            "total": len(CHAIN),
            "reason": "timeout",
            "status": 408,
            "errorPreview": failure.text,
            "errorHash": digest(failure.text),
        }
        if number < len(CHAIN):
            following = CHAIN[number]
            meta |= {"nextCandidateProvider": following.provider, "nextCandidateModel": following.model}
        first = number == 1
        return {**meta, "isPrimary": first, "requestedModelMatched": first, "fallbackConfigured": True}
