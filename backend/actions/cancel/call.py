"""One rung done and verified: wait for the lock, fire, watch what happens, say what it was."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from lockdeck.backend.actions.cancel.end import end_gateway, end_process
from lockdeck.backend.actions.cancel.ladder import ABORT, RESET, STOP, STOP_TEXT, Rung
from lockdeck.backend.actions.cancel.records import Step
from lockdeck.backend.actions.cancel.scene import NobodyThereError, Scene
from lockdeck.backend.actions.cancel.verify_files import AfterFire, watch
from lockdeck.backend.actions.cancel.verify_sqlite import (
    Claim,
    listen,
    row_of_session,
    step_of,
    verify_claim,
)
from lockdeck.backend.model.locks import LockRecord, PayloadState, Presence
from lockdeck.backend.model.releases.table import Traits
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.gateway.frames import Frame
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble
from lockdeck.backend.system.text import safe

TRIES = {STOP: 3, ABORT: 1, RESET: 1}
"""A stop command may hit the gap between two attempts and pass unheard: it is sent again at the next lock."""
RESET_S = 60.0
"""A reset in the middle of a hang took 32 to 35 s to answer (seen on 2026.4.5, with a busy machine)."""


def fire(scene: Scene, rung: Rung) -> Step:
    """Do one rung and say how it ended; GatewayError when it could not be done, NobodyThereError when need not."""
    if rung.name not in TRIES:
        return end_process(scene, rung) if scene.plan.view is not None else end_gateway(scene, rung)
    if scene.plan.view is None:
        return _call_claimed(scene, rung)
    step = None
    for _ in range(TRIES[rung.name]):
        step = _call_once(scene, rung)
        if step.worked or step.retaken_after_ms is None:
            break
    assert step is not None
    return step


def _call_claimed(scene: Scene, rung: Rung) -> Step:
    """Do one rung where no lock file tells (2026.8 on)."""
    line = scene.line
    if line is None:
        raise GatewayError(Trouble.UNREACHABLE, f"{rung.title}: the gateway can't be reached")
    row = row_of_session(line, scene.target.key)
    if row is not None and row.active is False:
        raise NobodyThereError("the gateway shows no active run: the run is over")
    listen(line)
    claim = Claim(scene.target.key, scene.clock(), scene.target.run_id)
    answer = _in_background(line, rung.name, scene.target.key)
    verify_claim(claim, line, answer.done, scene.limits, scene.clock, scene.wait)
    return step_of(claim, rung, _words(answer), scene.clock())


def await_lock(scene: Scene, ripe: float = 0.0) -> LockRecord:
    """Wait until the lock stands: fired into a gap between two attempts, a call is answered and does nothing.

    It should have stood for `ripe` seconds; where none ever does, a younger one is taken at the end.
    """
    until = scene.clock() + scene.limits.gap
    while True:
        record, now = scene.look(), scene.clock()
        if record.presence is Presence.FILE and record.payload_state is PayloadState.VALID and record.payload:
            if record.payload.pid != scene.target.pid:
                raise NobodyThereError(
                    f"pid {record.payload.pid} holds the lock by now, not pid {scene.target.pid}"
                )
            made = record.payload.created_at
            if now >= until or made is None or not 0 <= now - made < ripe:
                return record
        elif now >= until:
            raise NobodyThereError(f"no lock was taken for {scene.limits.gap:g} s: the run is over")
        scene.wait(scene.limits.poll)


def _call_once(scene: Scene, rung: Rung) -> Step:
    line = scene.line
    if line is None:
        raise GatewayError(Trouble.UNREACHABLE, f"{rung.title}: the gateway can't be reached")
    record = await_lock(scene, scene.limits.ripe if rung.name == ABORT else 0.0)
    scene.log.news()
    fired = scene.clock()
    answer = _in_background(line, rung.name, scene.target.key)
    seen = AfterFire(scene.target, fired, record.payload.created_at if record.payload else None)
    watch(
        seen,
        scene.limits,
        look=scene.look,
        log=scene.log,
        line=line,
        clock=scene.clock,
        wait=scene.wait,
        answered=lambda: _settled(answer),
    )
    error = answer.exception() if answer.done() else None
    if isinstance(error, GatewayError) and seen.free_at is None:
        raise error
    return _step(scene, rung, seen, _words(answer))


def _in_background(line: Line, rung: str, key: str) -> Future[Frame]:
    """Make the call in a thread: the lock is watched from the moment it leaves, not from its answer on."""
    method, params, seconds = _request(rung, key)
    answer: Future[Frame] = Future()

    def run() -> None:
        try:
            answer.set_result(line.call(method, params, seconds))
        except GatewayError as error:
            answer.set_exception(error)

    threading.Thread(target=run, name=f"lockdeck {method}", daemon=True).start()
    return answer


def _request(rung: str, key: str) -> tuple[str, Mapping[str, Any], float]:
    if rung == STOP:
        return (
            "chat.send",
            {"sessionKey": key, "message": STOP_TEXT, "idempotencyKey": str(uuid.uuid4())},
            5.0,
        )
    if rung == ABORT:
        return "sessions.abort", {"key": key}, 5.0
    return "sessions.reset", {"key": key, "reason": "reset"}, RESET_S


def _settled(answer: Future[Frame]) -> bool:
    return answer.done()


def _words(answer: Future[Frame]) -> str:
    """Return the answer in its own words, as far as they say anything about an abort."""
    if not answer.done():
        return "no answer yet"
    error = answer.exception()
    if error is not None:
        return safe(error, 200)
    told = answer.result()
    named = (f"{name}={told[name]}" for name in ("ok", "aborted", "status", "abortedRunId") if name in told)
    return safe(", ".join(named), 200)


def _step(scene: Scene, rung: Rung, seen: AfterFire, answer: str) -> Step:
    now = scene.clock()
    free = None if seen.free_at is None else round((seen.free_at - seen.fired_at) * 1000)
    stands = seen.free_at is None or seen.went_on(now, scene.limits.brief)
    went_on = stands and not seen.winds_up()
    retaken = None
    if went_on and seen.retaken_at is not None and seen.free_at is not None:
        retaken = round((seen.retaken_at - seen.free_at) * 1000)
    if stands and not went_on:
        return Step(rung.name, worked=False, sentence=_kept(rung, now - seen.fired_at), answer=answer)
    sentence = _sentence(rung, seen, answer, free, retaken, now)
    verified = 0 if seen.free_at is None else round((now - seen.free_at) * 1000)
    return Step(rung.name, not went_on, sentence, answer, free, retaken, verified, went_on)


def _kept(rung: Rung, seconds: float) -> str:
    longest = Traits.abort_cleanup_s.readings[-1]
    return (
        f"{rung.title}: the gateway shows no active run any more, but its clean-up still keeps the lock "
        f"{seconds:.1f} s after the call: on {longest.since} this was {longest.basis} to last {longest.words}, "
        "so look again then"
    )


def _sentence(
    rung: Rung, seen: AfterFire, answer: str, free: int | None, retaken: int | None, now: float
) -> str:
    if free is None or seen.free_at is None:
        waited = now - seen.fired_at
        return (
            f"{rung.title}: the gateway answered ({answer}), but the lock still stands after {waited:.1f} s"
        )
    if retaken is not None:
        profile = seen.profile()
        how = f"with profile {profile} " if profile else ""
        return f"{rung.title}: aborted, but the rotation went on {how}{retaken / 1000:.1f} s later"
    if seen.still_active is True:
        return f"{rung.title}: the lock is gone, but the gateway still shows an active run"
    quiet = f"and stayed free for {now - seen.free_at:.1f} s"
    if seen.other_run is not None:
        quiet = "and the next queued message is being answered by another run"
    told = ", the gateway tells that the run has ended" if seen.ended or seen.still_active is False else ""
    return f"{rung.title}: the session was free {free} ms after the call {quiet}{told}"
