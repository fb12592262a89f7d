"""The operations that a deck may ask of this host, each done with the code that does it for a person here."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts.asks import PLANNED, Ask, AskAnswer, Operation, Role
from lockdeck.backend.model.fleet import FleetSnapshot, RootView, SessionView
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.wire import dumps
from lockdeck.backend.openclaw.log.place import LogPlace
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.system.clocks import steady_time

if TYPE_CHECKING:
    from lockdeck.backend.actions.cancel.ladder import Rung
    from lockdeck.backend.actions.cancel.records import CancelPlan
    from lockdeck.backend.actions.release.records import ReleasePlan

Tell = Callable[[str], None]
MOST_ENTRIES = 500
"""So many entries of the journal are told at most, the newest."""
MOST_JOURNAL_BYTES = 1 << 19
LONGEST_WATCH_S = 300.0
READ_ONLY = "the configuration of that host says that nothing is changed in this root (read_only)"


class NotDoneError(Exception):
    """What is asked for is not done; each argument is a reason."""


@dataclass(frozen=True, slots=True)
class HostActs:
    """All that the operations need. `newest`: the fleet as this host sees it; only what it tells of is acted on."""

    newest: Callable[[], FleetSnapshot | None]
    settings: Settings
    journal: Journal
    role: Role
    logs: Callable[[], Sequence[LogPlace]] = tuple
    env: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def as_role(self, role: Role) -> HostActs:
        """Return the same for a deck in another role."""
        return HostActs(self.newest, self.settings, self.journal, role, self.logs, self.env)

    def perform(self, ask: Ask, tell: Tell) -> AskAnswer:
        """Do what is asked for. Raises NotDoneError, OSError."""
        match ask.op:
            case Operation.JOURNAL:
                return self._journal(ask)
            case Operation.PLAN_RELEASE:
                plan = self._release_plan(ask)
                return AskAnswer(ask.nonce, PLANNED, body={**plan.to_json(), "evidence": [_seen(plan)]})
            case Operation.RELEASE:
                return self._release(ask, tell)
            case Operation.PLAN_CANCEL:
                ladder = self._cancel_plan(ask)
                evidence = [_rung_seen(ladder, rung) for rung in ladder.rungs]
                return AskAnswer(ask.nonce, PLANNED, body={**ladder.to_json(), "evidence": evidence})
            case Operation.CANCEL:
                return self._cancel(ask, tell)

    def _journal(self, ask: Ask) -> AskAnswer:
        reading = self.journal.read()
        limit = min(ask.limit, MOST_ENTRIES) if ask.limit > 0 else MOST_ENTRIES
        entries, notes = list(reading.entries[-limit:]), list(reading.notes)
        while len(dumps(entries)) > MOST_JOURNAL_BYTES:
            del entries[: (len(entries) + 1) // 2]
        if len(entries) < len(reading.entries):
            notes.append(f"the newest {len(entries)} of {len(reading.entries)} entries are told")
        chain = {"brokenAt": reading.broken_at, "problem": reading.problem}
        body = {"path": self.journal.path, "entries": entries, "notes": notes, **chain}
        return AskAnswer(ask.nonce, PLANNED, body=body)

    def _release_plan(self, ask: Ask) -> ReleasePlan:
        from lockdeck.backend.actions.release.plan import plan_release
        from lockdeck.backend.actions.release.records import Override, Refusal

        view = next((view for view in self._fleet().locks if view.record.path == ask.target), None)
        if view is None:
            raise NotDoneError(f"no lock {ask.target} is seen there")
        look = partial(
            plan_release,
            view.record.path,
            ask.release_id,
            env=self.env,
            vouches=self.settings.vouch_for,
            patient=ask.patient,
        )
        plan = look()
        if ask.override and plan.view is not None and plan.view.judgement.verdict is Verdict.LEAKED:
            plan = look(override=Override(Verdict.LEAKED.value, ask.override))
        reasons = plan.refusal.reasons if plan.refusal else ()
        if plan.place is None or plan.place.root != view.record.root:
            reasons = ("this lock is in no root that this host serves", *reasons)
        if self._is_read_only(view.record.root):
            reasons = (READ_ONLY, *reasons)
        return replace(plan, refusal=Refusal(reasons) if reasons else None)

    def _release(self, ask: Ask, tell: Tell) -> AskAnswer:
        from lockdeck.backend.actions.release.newcomers import Newcomers, Patience, newcomers_at
        from lockdeck.backend.actions.release.recovery import recover
        from lockdeck.backend.actions.release.release import release
        from lockdeck.backend.actions.release.sentences import waiting

        if ask.release_id is None:
            raise NotDoneError("which hold is meant is not said: name its release id")
        for sentence in recover(self.journal):
            tell(f"recovered: {sentence}")
        plan = self._release_plan(ask)
        if plan.refusal is None and _seen(plan) not in ask.evidence:
            raise NotDoneError("this lock is not as it was shown: look again")

        def wait(seconds: float, newcomers: Newcomers) -> None:
            tell(waiting(seconds, newcomers))

        tell("proving everything a second time")
        outcome = release(
            plan,
            journal=self.journal,
            watch_s=min(max(0.0, ask.watch_s), LONGEST_WATCH_S),
            patience=Patience(newcomers_at, steady_time, tell=wait),
        )
        return AskAnswer(ask.nonce, outcome.status.value, outcome.sentences, outcome.to_json())

    def _cancel_plan(self, ask: Ask) -> CancelPlan:
        from lockdeck.backend.actions.cancel.plan import plan_cancel

        session, root = self._session(ask)
        plan = plan_cancel(session, root, env=self.env, logs=self.logs(), folder=self.journal.folder)
        if self._is_read_only(root.path):
            plan = replace(plan, refusal=(READ_ONLY, *plan.refusal))
        return _permitted(plan, self.role)

    def _cancel(self, ask: Ask, tell: Tell) -> AskAnswer:
        from lockdeck.backend.actions.cancel.cancel import cancel
        from lockdeck.backend.actions.cancel.context import CancelTools

        plan = self._cancel_plan(ask)
        allowed = [rung for rung in plan.rungs if rung.consent in ask.allow]
        if not plan.refusal and any(_rung_seen(plan, rung) not in ask.evidence for rung in allowed):
            raise NotDoneError("this run, or what ending it costs, is not as it was shown: plan again")
        outcome = cancel(plan, allow=ask.allow, tools=CancelTools(self.journal, report=tell))
        body = {**outcome.to_json(), "root": plan.root}
        return AskAnswer(ask.nonce, outcome.status, outcome.sentences, body)

    def _session(self, ask: Ask) -> tuple[SessionView, RootView]:
        fleet = self._fleet()
        of_key = [session for session in fleet.sessions if session.key == ask.target]
        sessions = [session for session in of_key if ask.root in ("", session.root)]
        if len(sessions) > 1:
            places = ", ".join(session.root for session in sessions)
            raise NotDoneError(f"{ask.target} is in several roots there ({places}): name one with --root")
        root = next((root for root in fleet.roots for each in sessions if root.path == each.root), None)
        if not sessions or root is None:
            raise NotDoneError(f"no session {ask.target} is seen there")
        return sessions[0], root

    def _fleet(self) -> FleetSnapshot:
        snapshot = self.newest()
        if snapshot is None:
            raise NotDoneError("that host has not looked at its roots yet")
        return snapshot

    def _is_read_only(self, root: str) -> bool:
        return self.settings.read_only or self.settings.root(root).read_only


def _permitted(plan: CancelPlan, role: Role) -> CancelPlan:
    """Leave out the rungs that a role may not do, with the reason."""
    from lockdeck.backend.actions.cancel.ladder import LeftOut

    if role is Role.ADMIN:
        return plan
    left_out = tuple(
        LeftOut(rung.name, f"it ends a process, which the role {role} may not")
        for rung in plan.rungs
        if rung.ends_process
    )
    rungs = tuple(rung for rung in plan.rungs if not rung.ends_process)
    return replace(plan, rungs=rungs, left_out=(*plan.left_out, *left_out))


def _seen(plan: ReleasePlan) -> str:
    """Return the digest of what a person decides on: the hold, its verdict, and who has it open."""
    view = plan.view
    facts: tuple[Any, ...] = (
        ()
        if view is None
        else (
            view.record.root,
            view.judgement.verdict.value,
            sorted(holder.pid for holder in view.evidence.openers),
        )
    )
    return _digest(plan.path, plan.release_id, *facts)


def _rung_seen(plan: CancelPlan, rung: Rung) -> str:
    """Return the digest of a rung as it is shown: whose run it ends, in which process, and what is lost with it."""
    run = (plan.key, plan.root, plan.pid, plan.holder_ticks, plan.run_id, plan.left_over)
    return _digest(*run, rung.name, rung.consent, rung.does, *rung.loses)


def _digest(*facts: Any) -> str:
    return hashlib.sha256(dumps(facts).encode()).hexdigest()
