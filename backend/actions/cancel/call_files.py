"""Do one rung on a run that holds a lock file: wait for the lock, call, verify, and say what came of it."""

from __future__ import annotations

from lockdeck.backend.actions.cancel.access import has_active_run
from lockdeck.backend.actions.cancel.call import TRIES, answer_words, line_of, start_call
from lockdeck.backend.actions.cancel.call_sqlite import call_sqlite
from lockdeck.backend.actions.cancel.context import CancelContext, NoLockTakenError, NothingToEndError
from lockdeck.backend.actions.cancel.ladder import ABORT, STOP, Rung
from lockdeck.backend.actions.cancel.records import Step
from lockdeck.backend.actions.cancel.verify_files import FilesVerification, verify_files
from lockdeck.backend.model.locks import LockIdentity, LockRecord, PayloadState, Presence
from lockdeck.backend.model.releases.table import Traits
from lockdeck.backend.model.words import duration
from lockdeck.backend.openclaw.gateway.trouble import GatewayError


def call_files(context: CancelContext, rung: Rung) -> Step:
    """Do one rung, again where it may have hit a gap. GatewayError, NothingToEndError."""
    step = _call_once(context, rung)
    for _ in range(TRIES[rung.name] - 1):
        if step.worked or step.retaken_after_ms is None:
            break
        step = _call_once(context, rung)
    return step


def _call_once(context: CancelContext, rung: Rung) -> Step:
    line = line_of(context, rung)
    try:
        record = await_lock(context, context.limits.ripe if rung.name == ABORT else 0.0)
    except NoLockTakenError:
        if rung.name == STOP or has_active_run(line, context.target.key) is not True:
            raise
        return call_sqlite(context, rung)  # no lock, and yet the gateway says that it goes on
    context.log.news()
    heard, called_at = line.run_events(), context.steady()
    answer = start_call(line, rung.name, context.target.key)
    created_at = record.payload.created_at if record.payload else None
    verification = FilesVerification(context.target, called_at, created_at, heard)
    verify_files(
        verification,
        context.limits,
        read_lock=context.read_lock,
        log=context.log,
        line=line,
        steady=context.steady,
        wait=context.wait,
        answered=answer.done,
    )
    error = answer.exception() if answer.done() else None
    if isinstance(error, GatewayError) and verification.free_at is None:
        raise error
    return _step(rung, verification, answer_words(answer), context.steady(), context.limits.brief)


def await_lock(context: CancelContext, ripe: float = 0.0) -> LockRecord:
    """Wait until the lock stands: sent into a gap between two attempts, a call is answered and does nothing.

    It should have been seen to stand for `ripe` seconds; where none ever is, a younger one is taken at the end.
    """
    until, since = context.steady() + context.limits.gap, _Since()
    while True:
        record, now = context.read_lock(), context.steady()
        if record.presence is Presence.FILE and record.payload_state is PayloadState.VALID and record.payload:
            if record.payload.pid != context.target.pid:
                raise NothingToEndError(
                    f"pid {record.payload.pid} holds the lock by now, not pid {context.target.pid}"
                )
            if now >= until or now - since.first_look(record, now) >= ripe:
                return record
        elif now >= until:
            raise NoLockTakenError(f"no lock was taken for {context.limits.gap:g} s: the run is over")
        context.wait(context.limits.poll)


class _Since:
    """Since when one and the same hold is seen, by the steady clock: its own time is only the wall clock's word."""

    def __init__(self) -> None:
        self._hold: LockIdentity | None = None
        self._at: float | None = None

    def first_look(self, record: LockRecord, now: float) -> float:
        if self._at is None or record.identity != self._hold:
            self._hold, self._at = record.identity, now
        return self._at


def _step(rung: Rung, run: FilesVerification, answer: str, now: float, brief: float) -> Step:
    free = None if run.free_at is None else round((run.free_at - run.called_at) * 1000)
    stands = run.free_at is None or run.went_on(now, brief)
    went_on = stands and not run.winds_up()
    retaken = None
    if went_on and run.retaken_at is not None and run.free_at is not None:
        retaken = round((run.retaken_at - run.free_at) * 1000)
    if stands and not went_on:
        sentence = _still_cleaning_up(rung, now - run.called_at)
        return Step(rung.name, worked=False, sentence=sentence, answer=answer)
    sentence = _sentence(rung, run, answer, free, retaken, now)
    verified = 0 if run.free_at is None else round((now - run.free_at) * 1000)
    if run.unasked and not went_on:
        doubt = "but whether the gateway shows an active run can't be seen: not verified"
        return Step(rung.name, False, f"{sentence}, {doubt}", answer, free, None, verified)
    return Step(rung.name, not went_on, sentence, answer, free, retaken, verified, went_on)


def _still_cleaning_up(rung: Rung, seconds: float) -> str:
    longest = Traits.abort_cleanup_s.readings[-1]
    return (
        f"{rung.title}: the gateway shows no active run any more, but its clean-up still keeps the lock "
        f"{duration(seconds)} after the call: on {longest.since} this was {longest.basis} to last {longest.words}, "
        "so look again then"
    )


def _sentence(
    rung: Rung, run: FilesVerification, answer: str, free: int | None, retaken: int | None, now: float
) -> str:
    if free is None or run.free_at is None:
        waited = now - run.called_at
        return f"{rung.title}: the gateway answered ({answer}), but the lock still stands after {duration(waited)}"
    if retaken is not None:
        profile = run.next_profile()
        attempt = f"with profile {profile} " if profile else ""
        return f"{rung.title}: aborted, but the rotation went on {attempt}{duration(retaken / 1000)} later"
    if run.still_active is True:
        return f"{rung.title}: the lock is gone, but the gateway still shows an active run"
    quiet = f"and stayed free for {duration(now - run.free_at)}"
    if run.other_run is not None:
        quiet = "and the next queued message is being answered by another run"
    by_gateway = (
        ", the gateway tells that the run has ended" if run.ended or run.still_active is False else ""
    )
    return f"{rung.title}: the session was free {free} ms after the call {quiet}{by_gateway}"
