"""End the process that holds a lock file, and see that neither its lock nor its port shows the run. Never SIGKILL."""

from __future__ import annotations

from lockdeck.backend.actions.cancel.call_files import await_lock
from lockdeck.backend.actions.cancel.context import CancelContext
from lockdeck.backend.actions.cancel.cost import cost_files
from lockdeck.backend.actions.cancel.ladder import RESTART, Rung
from lockdeck.backend.actions.cancel.process.remains import Moment, answering, moment_now, shows_run
from lockdeck.backend.actions.cancel.process.restart import await_end, find_supervisor, restart, still_runs
from lockdeck.backend.actions.cancel.records import Step
from lockdeck.backend.model.locks import LockRecord, Presence
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.system.procfs import has_started

_LEFT_BEHIND = "its lock was left behind: release it"
_Finding = tuple[str | None, bool]
"""A sentence on what speaks against success (None: nothing), and whether it shows that the run goes on."""


def end_files(context: CancelContext, rung: Rung) -> Step:
    """End the holder by its supervisor or by SIGTERM; the session must stay free, and the port show no run."""
    plan = context.plan
    assert plan.claim is not None
    if not plan.is_gateway:
        await_lock(context)  # between two attempts it holds nothing that would prove it
    more = _more_than_confirmed(context, rung)
    if more:
        sentence = (
            f"{rung.title}: pid {plan.claim.pid} has more sessions by now ({', '.join(more)}): plan again"
        )
        return Step(rung.name, worked=False, sentence=sentence)
    supervisor = find_supervisor(plan.claim.pid) if plan.is_gateway else None
    began, since = context.steady(), moment_now()
    problem = restart(supervisor, plan.claim, plan.route.env)
    if problem is not None:
        return Step(rung.name, worked=False, sentence=f"{rung.title}: {problem}")
    ended_ms = await_end(context, began, context.limits.restart)
    if has_started(plan.claim.pid, plan.claim.ticks or 0):
        sentence = still_runs(plan.claim.pid, ended_ms, "it may finish its runs first")
        return Step(rung.name, worked=False, sentence=f"{rung.title}: {sentence}", went_on=True)
    ended = f"{rung.title}: pid {plan.claim.pid} has ended"
    objection, went_on = _lock_stays_away(context, since)
    if objection is None and plan.is_gateway:
        objection, went_on = _port_shows_no_run(context, since)
    if objection is not None:
        left = objection == _LEFT_BEHIND and not plan.is_gateway
        sentence = f"{ended}, but {objection}"
        return Step(rung.name, worked=False, sentence=sentence, went_on=went_on, left_lock=left)
    sentence = f"{ended} and released its lock, which has stayed away"
    return Step(rung.name, True, sentence, "", ended_ms, None, ended_ms)


def _more_than_confirmed(context: CancelContext, rung: Rung) -> tuple[str, ...]:
    """Return the sessions that would end with a process of which only one was confirmed to be ended."""
    plan = context.plan
    if rung.consent == RESTART or plan.claim is None:
        return ()
    cost = cost_files(plan.claim.pid, plan.root, plan.route.config, plan.key, context.target.lock_path)
    return cost.sessions


def _lock_stays_away(context: CancelContext, since: Moment) -> _Finding:
    """Watch whether somebody has the session all the same: the ended process was not its holder then."""
    until = context.steady() + context.limits.quiet
    while True:
        finding = _finding(context, context.read_lock(), since)
        if finding[0] is not None or context.steady() >= until:
            return finding
        context.wait(context.limits.poll)


def _finding(context: CancelContext, record: LockRecord, since: Moment) -> _Finding:
    if record.presence is Presence.ABSENT:
        return None, False
    if record.presence is not Presence.FILE or record.payload is None:
        # Just being taken it is no word yet; at the end of the watch it is one that nobody can read.
        unread = record.presence is not Presence.FILE
        return ("what stands at its lock's path can't be read" if unread else None), False
    pid = record.payload.pid
    if pid == context.target.pid:
        return _LEFT_BEHIND, False
    if since.precedes(pid):
        return None, False  # a run that began after all this
    return f"pid {pid} holds the session all the same", True


def _port_shows_no_run(context: CancelContext, since: Moment) -> _Finding:
    """Ask whoever answers on the gateway's port now."""
    answer = answering(context.plan.port, since)
    if answer is None:
        return None, False
    shows, words = shows_run(context, context.limits.quiet)
    tells = traits_of(Version.parse(context.plan.version)).tells_active_runs
    if answer.is_new and (shows is False or (shows is None and not tells)):
        return None, False
    return f"{answer.words}, {words}", shows is True
