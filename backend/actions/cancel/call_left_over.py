"""Free a session that lets nobody in although nothing runs in it: reset it, and see that it has begun anew."""

from __future__ import annotations

from lockdeck.backend.actions.cancel.access import POLL_S, row_of_session
from lockdeck.backend.actions.cancel.call import RESET_S, answer_words, line_of, start_call
from lockdeck.backend.actions.cancel.context import CancelContext
from lockdeck.backend.actions.cancel.ladder import Rung
from lockdeck.backend.actions.cancel.records import Step


def call_left_over(context: CancelContext, rung: Rung) -> Step:
    """Reset a session. Proven only by a new session id that the gateway shows. GatewayError."""
    line, key = line_of(context, rung), context.target.key
    before = row_of_session(line, key)
    if before is not None and before.active:
        sentence = f"{rung.title}: a run has the session by now: plan again"
        return Step(rung.name, worked=False, sentence=sentence)
    called_at = context.steady()
    answer = start_call(line, rung.name, key)
    while True:
        now, row = context.steady(), row_of_session(line, key)
        old_id = before.session_id if before is not None else None
        if row is not None and row.session_id not in (None, old_id):
            ms = round((now - called_at) * 1000)
            sentence = f"{rung.title}: the session begins anew as {row.session_id}; the next message shows whether it is let in"
            return Step(rung.name, True, sentence, answer_words(answer), ms, None, ms)
        answered = answer.done() and now - called_at >= context.limits.free
        if answered or now - called_at >= RESET_S:
            words = answer_words(answer)
            sentence = f"{rung.title}: the gateway answered ({words}), but shows the session as it was"
            return Step(rung.name, worked=False, sentence=sentence, answer=words)
        context.wait(POLL_S)
