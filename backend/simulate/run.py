"""One run of one session: attempts through the failover chain, as 2026.4.5 rotates them."""

from __future__ import annotations

import asyncio
import time
import uuid

from lockdeck.backend.model.runs.chain import Candidate
from lockdeck.backend.simulate import lockfile, store
from lockdeck.backend.simulate.attempt import Abort, Result, Wait, held
from lockdeck.backend.simulate.cast import CHAIN, Session
from lockdeck.backend.simulate.clock import epoch_ms
from lockdeck.backend.simulate.narration import TIMED_OUT, Failure, Narrator
from lockdeck.backend.simulate.tempo import LOCK_TIMEOUT_MS
from lockdeck.backend.simulate.transcript import Transcript
from lockdeck.backend.simulate.world import World

_REPLY_S = 8.0
"""Real seconds that a healthy provider takes."""
_ZOMBIE_S = 30.0
"""Real seconds for which an aborted chat run holds the lock once more (seen on 2026.4.5)."""


class SimulatedRun:
    """A run, from the first lock to its end. `chat` tells runs of chat.send from runs of the `agent` call."""

    def __init__(self, world: World, session: Session, chat: bool) -> None:
        self.run_id = str(uuid.uuid4())
        self.session = session
        self.chat = chat
        self._world = world
        self._narrator = Narrator(world.log, session, self.run_id)
        self._transcript = Transcript(session)
        self._wait = Wait()
        self._began_ms = epoch_ms()
        self._attempts = 0
        self._answered_last: Candidate | None = None

    def abort(self, how: Abort) -> bool:
        """Abort the attempt in flight; False when there is none, or when `how` does not reach this run."""
        if how is Abort.CHAT and not self.chat:
            return False
        return self._wait.abort(how)

    async def live(self) -> Result:
        """Run to the end: ANSWERED, STOPPED, or TIMED_OUT when every candidate failed."""
        failures: list[Failure] = []
        for number, candidate in enumerate(CHAIN, 1):
            if failures:
                await self._gap()
            began = time.monotonic()
            outcome = await self._candidate(candidate)
            if isinstance(outcome, Result):
                self._record_end(outcome)
                return outcome
            self._narrator.candidate_failed(number, outcome, time.monotonic() - began)
            failures.append(outcome)
        self._narrator.all_failed(failures, self.chat)
        self._record_end(Result.TIMED_OUT)
        return Result.TIMED_OUT

    async def _candidate(self, candidate: Candidate) -> Failure | Result:
        """Try the profiles of one model: its failure, or how the run ended on it."""
        for profile in candidate.profiles:
            last = profile == candidate.profiles[-1]
            result = await self._attempt(candidate, self._world.tempo.attempt)
            if result is Result.LOCKED:
                return Failure("Error", lockfile.timeout_text(self.session.lock, LOCK_TIMEOUT_MS))
            if result is Result.CHAT_ABORTED:
                return await self._zombie(candidate, profile, last)
            if result is not Result.TIMED_OUT:
                return result
            self._decide(candidate, profile, "fallback_model" if last else "rotate_profile")
            if not last:
                await self._gap()
        return TIMED_OUT

    async def _zombie(self, candidate: Candidate, profile: str, last: bool) -> Result:
        """Play what chat.abort leaves: the abort counts as a timeout, so the next profile is taken."""
        if not last:
            self._decide(candidate, profile, "rotate_profile")
            await self._gap()
            async with held(self.session.lock, self._world.tempo.lock_wait):
                self._world.tell(self.run_id, self.session.key, "start")
                await asyncio.sleep(self._world.tempo.scaled(_ZOMBIE_S))
        return Result.STOPPED

    async def _attempt(self, candidate: Candidate, limit_s: float) -> Result:
        self._attempts += 1
        store.update(self._world.home, self.session, {"status": "running", "startedAt": epoch_ms()})
        async with held(self.session.lock, self._world.tempo.lock_wait) as taken:
            if not taken:
                return Result.LOCKED
            self._world.tell(self.run_id, self.session.key, "start")
            self._transcript.ask("How is the fleet?")
            reply = asyncio.ensure_future(self._world.provider.reply(self._world.tempo.scaled(_REPLY_S)))
            result = await self._wait.for_reply(reply, limit_s)
            self._leave_traces(result, candidate, limit_s)
            return result

    def _leave_traces(self, result: Result, candidate: Candidate, limit_s: float) -> None:
        if result is Result.ANSWERED:
            text = f"Hello from {candidate.model}. All systems nominal."
            self._transcript.answer(candidate, text)
            self._world.log.console("INFO", text)
            return
        if result is Result.TIMED_OUT:
            self._narrator.run_timeout(limit_s)
        self._transcript.give_up(candidate, self.run_id)
        if result is not Result.TIMED_OUT:
            self._transcript.stopped()

    def _decide(self, candidate: Candidate, profile: str, decision: str) -> None:
        shown_as = self._answered_last or candidate
        self._narrator.failover(profile, decision, shown_as, first=self._answered_last is None)
        self._answered_last = candidate

    async def _gap(self) -> None:
        await asyncio.sleep(self._world.tempo.gap(self._attempts))

    def _record_end(self, result: Result) -> None:
        """Write the final state; a chat run that failed stays `running` for ever, as on 2026.4.5."""
        ended = epoch_ms()
        self._world.tell(self.run_id, self.session.key, "error" if result is Result.TIMED_OUT else "end")
        changes: dict[str, object] = {"endedAt": ended, "runtimeMs": ended - self._began_ms}
        changes["abortedLastRun"] = result is Result.STOPPED
        if result is Result.ANSWERED:
            changes["status"] = "done"
        elif result is Result.TIMED_OUT and not self.chat:
            changes["status"] = "failed"
        store.update(self._world.home, self.session, changes)
