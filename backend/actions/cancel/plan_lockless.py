"""Plan the cancel of a session of the file era at which no lock stands: that alone never means that nothing runs.

Between two attempts, between retries, and in 2026.5.17 to 2026.5.20 while the prompt runs, a run holds no lock.  So the
gateway is asked; nothing is to be cancelled only where somebody who would know says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.actions.cancel.access import granted_scopes, open_line, rows_told, version_of
from lockdeck.backend.actions.cancel.cost import cost_files
from lockdeck.backend.actions.cancel.holder import gateway_lock_of, holder_sqlite, with_holder
from lockdeck.backend.actions.cancel.ladder import STOP, gentle_rungs, restart_rung, sigterm
from lockdeck.backend.actions.cancel.process.remains import answering, moment_now
from lockdeck.backend.actions.cancel.process.restart import find_supervisor
from lockdeck.backend.actions.cancel.records import CancelPlan
from lockdeck.backend.model.fleet import LockView, SessionView, State
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.table import LockScope
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.openclaw.gateway.rows import SessionRow
from lockdeck.backend.openclaw.gateway.trouble import GatewayError
from lockdeck.backend.system.clocks import wall_time
from lockdeck.backend.system.processes import openclaw_processes
from lockdeck.backend.system.text import safe

_NO_LOCK = "no lock stands"
_AT_REST = frozenset({State.IDLE, State.FAILED})
RUN_GOES_ON = frozenset({State.RUNNING, State.COMPACTING, State.ROTATING, State.STUCK, State.CANCELLING})


class GatewayWord(Struct, frozen=True):
    """The word of a gateway on a session: `active` None where it does not tell, `problem` where it can't be asked."""

    rows: tuple[SessionRow, ...] = ()
    active: bool | None = None
    version: Version | None = None
    scopes: tuple[str, ...] | None = None
    transport: str | None = None
    problem: str | None = None

    def may_run_in_gap(self, state: State) -> bool:
        """Return whether waiting for a lock may show a run that nothing else shows; that none comes proves nothing."""
        return state is State.UNKNOWN and self.version is not None and not _lets_go(self.version)

    @property
    def runs_without_lock(self) -> bool:
        """Whether a run goes on that may hold no lock for long: it is not worth waiting for one."""
        return self.active is True and _lets_go(self.version)


def ask_of_session(plan: CancelPlan) -> GatewayWord:
    """Ask what the gateway says of the plan's session. Raises nothing."""
    try:
        line = open_line(plan)
    except GatewayError as error:
        return GatewayWord(problem=error.sentence)
    try:
        rows, scopes = rows_told(line), granted_scopes(line)
        row = next((row for row in rows if row.key == plan.key), None)
        active = None if row is None else row.active
        return GatewayWord(rows, active, version_of(line), scopes, line.transport)
    finally:
        line.close()


def plan_lockless(plan: CancelPlan, session: SessionView, word: GatewayWord, *, waited: bool) -> CancelPlan:
    """Name the rungs where the gateway says that a run goes on; else say that nothing runs, or that it is not known.

    `waited`: no lock was taken for as long as a gap between two attempts may last.
    """
    version = str(word.version) if word.version is not None else plan.version
    plan = replace(plan, version=version, reached_by=word.transport, scopes=word.scopes)
    release = Version.parse(version)
    if word.active is True:
        return _with_rungs(plan, word, "the gateway says that a run of this session is active")
    if word.problem is None and session.state in RUN_GOES_ON and _forgets_runs(release):
        told = f"the gateway shows no active run, but log or transcript do: {'; '.join(session.reasons[:2])}"
        return _with_rungs(plan, word, told)
    missing = (*_why_not_known(plan, session, word, release, waited=waited), *_other_runners(release))
    if missing:
        return replace(plan, not_known=(f"{_NO_LOCK}, but that does not mean that nothing runs", *missing))
    if word.active is False:
        return replace(plan, nothing=True, notes=(f"{_NO_LOCK}, and the gateway shows no active run",))
    return replace(plan, nothing=True, notes=(f"{_NO_LOCK}: no run holds this session",))


def _with_rungs(plan: CancelPlan, word: GatewayWord, told: str) -> CancelPlan:
    """Offer what goes through the gateway, and its end where its process is proven; `told` says that a run goes on."""
    rungs, left_out = gentle_rungs(word.version, word.scopes)
    # A stop command that meets no lock is answered as always, and the run goes on.
    plan = replace(
        plan,
        by_gateway=True,
        is_gateway=True,
        rungs=tuple(rung for rung in rungs if rung.name != STOP),
        left_out=left_out,
        notes=(f"{_NO_LOCK}; {told}",),
    )
    holder = holder_sqlite(gateway_lock_of(plan.route, wall_time()), plan.route, plan.port)
    if holder is None:
        return replace(plan, notes=(*plan.notes, "no lock names the gateway of this root"))
    plan = with_holder(plan, holder)
    if holder.signal_refusal is not None:
        return replace(plan, notes=(*plan.notes, holder.signal_refusal))
    lock_path = "" if plan.place is None else plan.place.path
    cost = cost_files(holder.pid, plan.root, plan.route.config, plan.key, lock_path, word.rows)
    supervisor = find_supervisor(holder.pid)
    who = f"the gateway (pid {holder.pid})"
    does = f"run `{supervisor.command}`" if supervisor else sigterm(who, holder.argv)
    last = restart_rung(does, cost, supervisor is not None)
    return replace(plan, held=cost.sessions, rungs=(*plan.rungs, last))


def _why_not_known(
    plan: CancelPlan, session: SessionView, word: GatewayWord, version: Version | None, *, waited: bool
) -> tuple[str, ...]:
    """Say what is missing to know that the gateway runs nothing; empty where that is known."""
    over = word.active is False and (not _forgets_runs(version) or (plan.logs and session.state in _AT_REST))
    if over or (word.problem is not None and not _gateway_may_run(plan)):
        return ()
    untold = word.problem or "the gateway does not tell whether this session has an active run"
    if word.active is False:
        return (
            f"a gateway of OpenClaw {version} calls a run over when one of its attempts is: name its log with --log",
        )
    if version is None:
        return untold, "which release runs here is not known, so neither is for how long a run holds its lock"
    if _lets_go(version):
        return untold, f"OpenClaw {version} lets go of the lock while a run goes on"
    if waited or (plan.logs and session.state in _AT_REST):
        return ()
    gap = "a run between two attempts holds no lock: name its log with --log, or try again in half a minute"
    return untold, gap


def _lets_go(version: Version | None) -> bool:
    """Return whether a run of this release holds no lock for part of it."""
    return version is not None and traits_of(version).lock_scope is not LockScope.ATTEMPT


def _forgets_runs(version: Version | None) -> bool:
    """Return whether a gateway of this release calls a run over when one of its attempts is (seen on 2026.5.28)."""
    return version is not None and traits_of(version).lock_scope is LockScope.CALLS


def _gateway_may_run(plan: CancelPlan) -> bool:
    """Return whether a gateway may be there: somebody answers on its port, or its lock is no dead one."""
    view: LockView | None = gateway_lock_of(plan.route, wall_time())
    if view is not None and view.judgement.verdict not in (Verdict.DEAD, Verdict.RECYCLED):
        return True
    return plan.port is None or answering(plan.port, moment_now()) is not None


def _other_runners(version: Version | None) -> Iterator[str]:
    """Name the command lines of OpenClaw that may run the session where no gateway sees it and no lock shows it."""
    if version is not None and traits_of(version).lock_scope is LockScope.ATTEMPT:
        return
    for process in openclaw_processes():
        if "agent" in process.argv and "--local" in process.argv:
            argv = safe(" ".join(process.argv), 120)
            yield f"pid {process.pid} may run it without a word to the gateway and without a lock: {argv}"
