"""The request to a model that outlives its aborted run: OpenClaw's log tells of it, and its own timeout ends it.

Seen on 2026.5.18: an abort ends the run within 2 s ("embedded abort settle timed out"), nothing follows, and the request
that was under way stays open at the provider until its timeout.
"""

from __future__ import annotations

import os

from msgspec.structs import replace

from lockdeck.backend.actions.cancel.context import CancelContext, RunTarget
from lockdeck.backend.actions.cancel.records import Step
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.budget import longest_budget
from lockdeck.backend.model.runs.events import RunAborted
from lockdeck.backend.model.words import duration

_SETTLES = 1.0
"""For so long a request may end after its own timeout, in seconds."""


def await_request(context: CancelContext, step: Step) -> Step:
    """Wait, for `limits.request` at most, until the request of an ended run is over; say where it outlasts that."""
    context.log.news()
    if not any(_may_be_of(context.target, abort) for abort in context.log.failed_aborts):
        return step
    budget = longest_budget(context.plan.chain, traits_of(Version.parse(context.plan.version)))
    open_ = "OpenClaw could not end its request to the model"
    if budget.seconds is None:
        return _told(step, f"{open_}, and no timeout is set: only the provider ends it; nothing follows it")
    # It had begun before the call, which was so many milliseconds ago.
    since_call = ((step.free_after_ms or 0) + step.verified_ms) / 1000
    left = budget.seconds + _SETTLES - since_call
    if left > 0:
        context.report(f"the run is over, but {open_}: waiting for its {budget.name}")
        context.wait(min(left, context.limits.request))
    if left > context.limits.request:
        rest = duration(left - context.limits.request)
        return _told(
            step, f"{open_}: it may stay open for {rest} more, by the {budget.name}; nothing follows it"
        )
    return _told(step, f"{open_}, whose {budget.name} has ended it by now")


def _may_be_of(target: RunTarget, abort: RunAborted) -> bool:
    """Return whether an abort may be that of the target; only another session's own name says that it is not."""
    session_id = os.path.basename(target.lock_path).partition(".jsonl")[0]
    if session_id and abort.session_id:
        return session_id == abort.session_id
    return not (target.run_id and abort.run_id) or target.run_id == abort.run_id


def _told(step: Step, words: str) -> Step:
    return replace(step, sentence=f"{step.sentence}; {words}")
