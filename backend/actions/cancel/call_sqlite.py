"""Do one rung on a run that holds no lock file, or not for long: call, verify by the gateway, and say what came of it."""

from __future__ import annotations

import contextlib

from lockdeck.backend.actions.cancel.access import ANSWER_S, row_of_session
from lockdeck.backend.actions.cancel.call import answer_words, line_of, start_call
from lockdeck.backend.actions.cancel.context import CancelContext, NothingToEndError
from lockdeck.backend.actions.cancel.ladder import Rung
from lockdeck.backend.actions.cancel.records import Step
from lockdeck.backend.actions.cancel.verify_sqlite import SqliteVerification, verify_sqlite
from lockdeck.backend.model.words import duration
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.gateway.trouble import GatewayError
from lockdeck.backend.system.text import safe


def call_sqlite(context: CancelContext, rung: Rung) -> Step:
    """Do one rung. GatewayError, NothingToEndError."""
    line, target = line_of(context, rung), context.target
    row = row_of_session(line, target.key)
    if row is not None and row.active is False:
        raise NothingToEndError("the gateway shows no active run: the run is over")
    _subscribe(line)
    verification = SqliteVerification(target.key, context.steady(), target.run_id, line.run_events())
    answer = start_call(line, rung.name, target.key)
    verify_sqlite(
        verification, line, answer.done, context.limits, context.steady, context.wait, context.lock_stands
    )
    return _step(rung, verification, answer_words(answer), context.steady())


def _subscribe(line: Line) -> None:
    """Ask for the session's events; without them the gateway's rows alone have to tell."""
    with contextlib.suppress(GatewayError):
        line.call("sessions.subscribe", {}, ANSWER_S)


def _step(rung: Rung, run: SqliteVerification, answer: str, now: float) -> Step:
    over = run.other_run is not None or (run.free_at is not None and not run.taken_again)
    free = None if run.free_at is None else round((run.free_at - run.called_at) * 1000)
    verified = 0 if run.free_at is None else round((now - run.free_at) * 1000)
    sentence = f"{rung.title}: {_sentence(run, answer, free, now)}"
    return Step(rung.name, over, sentence, answer, free, None, verified, not over and not run.winds_up)


def _sentence(run: SqliteVerification, answer: str, free: int | None, now: float) -> str:
    if run.other_run is not None:
        return (
            f"the run has ended; the next queued message is being answered by run {safe(run.other_run, 80)}"
        )
    waited = now - run.called_at
    if run.winds_up:
        return (
            f"the gateway shows no active run any more, but its clean-up still keeps the lock {duration(waited)} after "
            "the call: look again in a minute"
        )
    if run.free_at is None:
        return f"the gateway answered ({answer}), but still shows an active run after {duration(waited)}"
    if run.taken_again:
        follower = (
            "the same run went on" if run.run_id else "a run goes on: whether it is the same can't be told"
        )
        return f"the gateway showed no active run for a moment, then {follower}"
    status = f", status {run.status}" if run.status else ""
    quiet = f"for {duration(now - run.free_at)} since"
    return f"the gateway shows no active run {free} ms after the call{status}, and has shown none {quiet}"
