"""Cancel the run that holds a session: the acts of a cancel, in their order.

A gateway often answers "ok" to an abort while the rotation goes on.  So no answer counts here: the run is
cancelled when its lock has gone, is not taken again by the same run, the log shows no further attempt and the
gateway no active run; and where sessions are in SQLite, when its gateway has shown no active run for a while.

                                                          file era           SQLite era
1. plan     who holds the session, how its run could be   `plan_files.py`    `plan_sqlite.py`
            ended (`ladder.py`), and at what cost
            (`plan.py`, `holder.py`, `access.py`, `cost.py`),
            what proves its holder (`process/proof.py`);
            who runs it where no lock stands (`plan_lockless.py`),
            or that nobody does (`plan_left_over.py`)
2. turn     have the sessions directory to ourselves among all lockdecks (`../turns.py`)
3. begin    journal which rung begins (`entries.py`)
4. call     do the rung, gentlest first (`call.py`)       `call_files.py`    `call_sqlite.py`
5. verify   see whether the run is over (`log.py`)        `verify_files.py`  `verify_sqlite.py`
            and whether its request is (`request.py`)
6. end      or, as the last rung, end the process         `end_files.py`     `end_sqlite.py`
            that runs it (`process/restart.py`), and see who
            answers in its place (`process/remains.py`); or
            free a session without a run (`call_left_over.py`)
7. outcome  journal how the rung ended; go on with the next one, or say what came of it (`outcomes.py`)

The steps hand on the records of `records.py`; all rungs of one cancel work with the same `context.py`. What the journal
tells of cancels afterwards is read by `../past_cancels.py`, for the rows of their sessions.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence

from msgspec.structs import replace

from lockdeck.backend.actions.cancel.access import open_line
from lockdeck.backend.actions.cancel.call import TRIES
from lockdeck.backend.actions.cancel.call_files import call_files
from lockdeck.backend.actions.cancel.call_left_over import call_left_over
from lockdeck.backend.actions.cancel.call_sqlite import call_sqlite
from lockdeck.backend.actions.cancel.context import (
    CancelContext,
    CancelTools,
    NothingToEndError,
    RunTarget,
)
from lockdeck.backend.actions.cancel.end_files import end_files
from lockdeck.backend.actions.cancel.end_sqlite import end_sqlite
from lockdeck.backend.actions.cancel.entries import append_begin, append_end, append_nothing, append_refused
from lockdeck.backend.actions.cancel.ladder import RESTART, Rung
from lockdeck.backend.actions.cancel.log import FileLog, GatewayLog, HeardLog
from lockdeck.backend.actions.cancel.outcomes import (
    cancelled,
    honest_answer,
    not_cancelled,
    not_confirmed,
    nothing_to_end,
)
from lockdeck.backend.actions.cancel.records import (
    FAILED,
    NOT_KNOWN,
    NOTHING,
    REFUSED,
    STILL_ROTATING,
    CancelOutcome,
    CancelPlan,
    Step,
)
from lockdeck.backend.actions.cancel.request import await_request
from lockdeck.backend.actions.turns import TURN_S, NotOurTurnError, turn
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.gateway.trouble import GatewayError
from lockdeck.backend.system import procfs

Progress = Callable[[CancelPlan, "CancelOutcome | None"], None]


def cancel(plan: CancelPlan, *, allow: Collection[str], tools: CancelTools) -> CancelOutcome:
    """Climb the allowed rungs, gentlest first, until one is proven to have worked.

    `allow` names the rungs that the person confirmed. Every rung is journaled before and after; what can't be
    journaled is not done. Raises nothing for what gateways do.
    """
    if plan.nothing:
        return CancelOutcome(NOTHING, plan.key, sentences=plan.notes)
    if plan.not_known:
        return CancelOutcome(NOT_KNOWN, plan.key, sentences=plan.not_known)
    reasons = plan.refusal or not_confirmed(plan, allow)
    if reasons:
        return _refused(plan, tools, reasons)
    pressed = tools.steady()
    directory = plan.place.directory if plan.place is not None else plan.root
    try:
        with turn(tools.journal.folder, directory, TURN_S):
            return _climb(plan, allow, tools, pressed)
    except NotOurTurnError:
        return _refused(plan, tools, ("another lockdeck is at work in this sessions directory: try again",))
    except OSError as error:
        # Not even the journal could be written.
        return CancelOutcome(FAILED, plan.key, sentences=(f"nothing more is done: {error}",))


def cancel_many(
    plans: Sequence[CancelPlan],
    *,
    allow: Collection[str],
    tools: CancelTools,
    progress: Progress = lambda _plan, _outcome: None,
) -> list[tuple[CancelPlan, CancelOutcome]]:
    """Cancel one session after another, with a result for each.

    `progress` is told each plan when its turn comes (with None) and again with its outcome. From the second
    failure on one gateway on, the result says that a restart is the honest answer.
    """
    results: list[tuple[CancelPlan, CancelOutcome]] = []
    failures: dict[tuple[str, int | None], int] = {}
    for plan in plans:
        progress(plan, None)
        outcome = cancel(plan, allow=allow, tools=tools)
        gateway = (plan.root, plan.pid)
        if outcome.status in (STILL_ROTATING, FAILED):
            failures[gateway] = failures.get(gateway, 0) + 1
            if failures[gateway] >= 2:
                sentence = honest_answer(plan, failures[gateway])
                tools.report(sentence)
                outcome = replace(outcome, sentences=(*outcome.sentences, sentence))
        progress(plan, outcome)
        results.append((plan, outcome))
    return results


def _refused(plan: CancelPlan, tools: CancelTools, reasons: Sequence[str]) -> CancelOutcome:
    return CancelOutcome(REFUSED, plan.key, sentences=append_refused(tools.journal, plan, reasons))


def _climb(plan: CancelPlan, allow: Collection[str], tools: CancelTools, pressed: float) -> CancelOutcome:
    """Try the allowed rungs in order. OSError when the journal can't be written."""
    changed = _changed_holder(plan)
    if changed is not None and plan.view is not None and not os.path.lexists(plan.view.record.path):
        return CancelOutcome(NOTHING, plan.key, sentences=("the process that held the session has ended",))
    if changed is not None:
        return _refused(plan, tools, (changed,))
    steps: list[Step] = []
    line, problem = _line_for(plan, allow)
    try:
        context = _context(plan, line, tools)
        for rung in (rung for rung in plan.rungs if rung.consent in allow and not rung.scopes_missing):
            append_begin(tools.journal, plan, rung)
            began = tools.steady()
            try:
                step = _try(context, rung, problem)
            except NothingToEndError as nothing:
                append_nothing(tools.journal, plan, rung, str(nothing))
                return nothing_to_end(plan, steps, str(nothing), tools.limits.gap)
            steps.append(append_end(tools.journal, plan, rung, step))
            tools.report(steps[-1].sentence)
            if step.worked:
                return cancelled(plan, steps, began - pressed)
    finally:
        if line is not None:
            line.close()
    return not_cancelled(plan, allow, steps)


def _try(context: CancelContext, rung: Rung, problem: GatewayError | None) -> Step:
    if problem is not None and rung.danger != "restart":
        return Step(rung.name, worked=False, sentence=problem.sentence)
    try:
        return _do(context, rung)
    except GatewayError as error:
        return Step(rung.name, worked=False, sentence=f"{rung.title}: {error.sentence}", answer=error.code)


def _do(context: CancelContext, rung: Rung) -> Step:
    """Do one rung and verify it. GatewayError when it could not be done, NothingToEndError when it need not be."""
    if context.plan.left_over:
        return call_left_over(context, rung) if rung.name in TRIES else end_sqlite(context, rung)
    files = context.plan.era == "files"
    locks = files and not context.plan.by_gateway
    if rung.name in TRIES:
        step = call_files(context, rung) if locks else call_sqlite(context, rung)
        return await_request(context, step) if step.worked else step
    return end_files(context, rung) if files else end_sqlite(context, rung)


def _line_for(plan: CancelPlan, allow: Collection[str]) -> tuple[Line | None, GatewayError | None]:
    """Open a line where a rung needs one; also a restart is better verified with one, but does without."""
    if not plan.is_gateway or plan.reached_by is None or set(allow) <= {RESTART}:
        return None, None
    try:
        return open_line(plan), None
    except GatewayError as error:
        return None, error


def _context(plan: CancelPlan, line: Line | None, tools: CancelTools) -> CancelContext:
    path = plan.place.path if plan.place is not None else ""
    clock = tools.clock
    return CancelContext(
        plan=plan,
        target=RunTarget(plan.key, path, plan.pid or 0, plan.run_id, plan.chain),
        limits=tools.limits,
        line=line,
        log=HeardLog(FileLog(plan.logs, clock) if plan.logs or line is None else GatewayLog(line, clock)),
        clock=clock,
        steady=tools.steady,
        wait=tools.wait,
        report=tools.report,
        connect=lambda: open_line(plan),
    )


def _changed_holder(plan: CancelPlan) -> str | None:
    """Say why the process of the plan is not the one to deal with any more."""
    if plan.holder_ticks is None or plan.pid is None:
        return None
    stat = procfs.read_stat(plan.pid)
    if stat is None or stat.start_ticks != plan.holder_ticks:
        return f"pid {plan.pid} is not the process any more that held the session: plan again"
    return None
