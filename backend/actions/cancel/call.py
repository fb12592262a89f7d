"""Call the gateway for one rung, and put its answer in words."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from lockdeck.backend.actions.cancel.context import CancelContext
from lockdeck.backend.actions.cancel.ladder import ABORT, RESET, STOP, STOP_TEXT, Rung
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.gateway.frames import Frame
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble
from lockdeck.backend.system.text import safe

TRIES = {STOP: 3, ABORT: 1, RESET: 1}
"""The rungs that call the gateway, and how often each may. A stop command may hit the gap between two attempts
and pass unheard: it is sent again at the next lock."""
RESET_S = 60.0
"""A reset in the middle of a hang took 32 to 35 s to answer (seen on 2026.4.5, with a busy machine)."""


def line_of(context: CancelContext, rung: Rung) -> Line:
    """Return the line that a rung calls through. GatewayError where there is none."""
    if context.line is None:
        raise GatewayError(Trouble.UNREACHABLE, f"{rung.title}: the gateway can't be reached")
    return context.line


def start_call(line: Line, rung: str, key: str) -> Future[Frame]:
    """Make the call in a thread: the run is watched from the moment it leaves, not from its answer on."""
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


def answer_words(answer: Future[Frame]) -> str:
    """Return the answer in its own words, as far as they say anything about an abort."""
    if not answer.done():
        return "no answer yet"
    error = answer.exception()
    if error is not None:
        return safe(error, 200)
    frame = answer.result()
    fields = (
        f"{name}={frame[name]}" for name in ("ok", "aborted", "status", "abortedRunId") if name in frame
    )
    return safe(", ".join(fields), 200)
