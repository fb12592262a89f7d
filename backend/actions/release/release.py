"""Release one stale session lock: the acts of a release, in their order.

1. plan       look at the lock, and say what releasing it would mean or why that is refused (`plan.py`,
              in the words of `sentences.py`); a person confirms it
2. wait       for a moment in which no young process of OpenClaw may be clearing locks away (`newcomers.py`; whose
              process it is: `belonging.py`)
3. turn       have the sessions directory to ourselves among all lockdecks (`../turns.py`)
4. proof      look a second time, at least DWELL_S later: all must be the same; pin the very file (`proof.py`)
5. begin      journal what is about to be done, so that it can be recovered (`entries.py`)
6. stand-in   start the process that the name will belong to meanwhile (`standin.py`; whose it has to be: `account.py`)
7. swap       put the stand-in's lock at the name in one step, check what came out, free the name (`swap.py`,
              at the site that `site.py` opens)
8. restore    put everything in order, whatever came of the swap (`restore.py`); the lock file goes to the
              quarantine (`quarantine.py`)
9. end        journal how it ended (`entries.py`)
10. aftermath watch who takes the name next (`aftermath.py`)

A lockdeck that dies between 5 and 9 leaves a stand-in, which then turns into the recovery (`recovery.py`).
The steps hand on the records of `records.py`.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.release.account import account_for
from lockdeck.backend.actions.release.aftermath import (
    TranscriptState,
    append_aftermath,
    transcript_state,
    watch_name,
)
from lockdeck.backend.actions.release.entries import append_begin, append_end
from lockdeck.backend.actions.release.newcomers import Patience, await_quiet, newcomers_at, outlive
from lockdeck.backend.actions.release.proof import (
    Look,
    Search,
    current_view,
    holder_of,
    is_pinned,
    open_pin,
    prove_again,
)
from lockdeck.backend.actions.release.records import ReleaseOutcome, ReleasePlan, Status
from lockdeck.backend.actions.release.restore import Restoration, half_done, restore
from lockdeck.backend.actions.release.site import StepHook, no_hook, open_site
from lockdeck.backend.actions.release.standin import lock_payload, run_stand_in
from lockdeck.backend.actions.release.swap import DRAIN_S, swap_out
from lockdeck.backend.actions.turns import TURN_S, NotOurTurnError, turn
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import LockIdentity
from lockdeck.backend.model.wire import evidence_json
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system.clocks import steady_time, wall_time
from lockdeck.backend.system.folders import ForeignFolderError
from lockdeck.backend.system.text import safe

Wait = Callable[[float], object]
Clock = Callable[[], float]


class ReleaseTools(Struct, frozen=True):
    """The tools of a release: journal, clocks, waiting, looks, the search for a holder, and the tests' step hook.

    `clock` gives epoch seconds, `steady` the seconds of a clock that nobody can set.
    """

    journal: Journal
    clock: Clock
    steady: Clock
    wait: Wait
    look: Look
    search: Search
    step: StepHook
    patience: Patience


def release(
    plan: ReleasePlan,
    *,
    journal: Journal,
    clock: Clock = wall_time,
    steady: Clock = steady_time,
    wait: Wait = time.sleep,
    watch_s: float = 30.0,
    on_step: StepHook = no_hook,
    look: Look = current_view,
    search: Search = holder_of,
    patience: Patience | None = None,
) -> ReleaseOutcome:
    """Do what a confirmed plan says: prove it again, act, verify, and watch for `watch_s` seconds.

    Every outcome is journaled, refusals too.  Never raises for what the file system or a race does; when the
    journal can't be written nothing is done and the outcome is failed.
    """
    patience = patience or Patience(newcomers_at, steady)
    tools = ReleaseTools(journal, clock, steady, wait, look, search, on_step, patience)
    place, view = plan.place, plan.view
    try:
        if plan.refusal is not None or place is None or view is None:
            reasons = plan.refusal.reasons if plan.refusal else ("the plan names no lock",)
            return append_end(journal, _outcome(plan, Status.REFUSED, reasons))
        transcript = transcript_state(place.path)
        if reasons := _not_quiet(plan, place, patience):
            return append_end(journal, _outcome(plan, Status.REFUSED, reasons))
        with turn(journal.folder, os.path.dirname(place.path), TURN_S):
            outcome = _prove_and_act(plan, place, view, tools)
        if outcome.status is not Status.RELEASED or watch_s <= 0:
            return outcome
    except NotOurTurnError:
        reason = "another lockdeck is releasing a lock in this sessions directory"
        return append_end(journal, _outcome(plan, Status.REFUSED, (reason,)))
    except ForeignFolderError as error:
        return _outcome(plan, Status.REFUSED, (safe(error, 1000),))
    except OSError as error:
        return _outcome(plan, Status.FAILED, (f"{type(error).__name__}: {safe(error)}",))
    return _watch(outcome, place, transcript, watch_s, tools)


def _not_quiet(plan: ReleasePlan, place: Place, patience: Patience) -> tuple[str, ...]:
    """Wait for a quiet moment; where the plan is not to wait, return why this is none."""
    if plan.patient:
        await_quiet(place, patience)
        return ()
    return tuple(one.sentence for one in patience.look(place))


def _prove_and_act(plan: ReleasePlan, place: Place, first: LockView, tools: ReleaseTools) -> ReleaseOutcome:
    view, reasons = prove_again(plan, place, first, tools.look, tools.clock, tools.steady, tools.wait)
    identity = view.record.identity
    if reasons or identity is None:
        return _refuse(plan, view, reasons or ("the lock can't be read",), tools)
    pin = open_pin(place.path)
    if pin is None:
        return _refuse(plan, view, ("the lock is gone from its name",), tools)
    try:
        if not is_pinned(pin, identity):
            return _refuse(plan, view, ("the lock changed right after the second look",), tools)
        return _act(plan, place, view, identity, pin, tools)
    finally:
        os.close(pin)


def _act(
    plan: ReleasePlan, place: Place, view: LockView, identity: LockIdentity, pin: int, tools: ReleaseTools
) -> ReleaseOutcome:
    action = secrets.token_hex(6)
    try:
        problem, restored = _swap_and_restore(plan, place, view, identity, pin, tools, action)
    except _HalfDoneError as error:
        # Without `action` the entry ends nothing: whoever recovers next goes on.
        return append_end(tools.journal, _outcome(plan, Status.FAILED, error.reasons, view))
    outcome = _result(plan, view, problem, restored)
    return append_end(tools.journal, outcome, action, unfinished=bool(restored.displaced))


class _HalfDoneError(Exception):
    """The restoration failed half-way: it leaves the stand-in's block, so that the watchman tries it again at once."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__(*reasons)
        self.reasons = reasons


def _swap_and_restore(
    plan: ReleasePlan,
    place: Place,
    view: LockView,
    identity: LockIdentity,
    pin: int,
    tools: ReleaseTools,
    action: str,
) -> tuple[tuple[Status, str] | None, Restoration]:
    """Swap the lock out behind a stand-in and bring everything in order; return what went wrong, and how it is."""
    account = account_for(os.fstat(pin), os.stat(place.directory), place.owners)
    begin = append_begin(tools.journal, action, plan, view, identity)
    tools.step("begun")
    with run_stand_in(tools.journal.path, account) as stand_in:
        tools.step("stand-in started")
        with open_site(place.path, action, tools.step, make=True, owners=place.owners, pin=pin) as site:
            payload = lock_payload(stand_in, action, tools.clock())
            problem = swap_out(site, payload, pin, identity, tools.search, partial(_drain, place, tools))
            try:
                return problem, restore(site, begin, tools.journal.folder, tools.search, tools.wait)
            except OSError as error:
                reasons = (problem[1],) if problem else ()
                raise _HalfDoneError((*reasons, half_done(site, error))) from error


def _drain(place: Place, tools: ReleaseTools) -> None:
    """Keep the name until who is young now, and may have judged the lock that stood there, is old or gone."""
    young = tools.patience.look(place)
    tools.wait(DRAIN_S)
    outlive(young, place, tools.patience)


def _result(
    plan: ReleasePlan, view: LockView, problem: tuple[Status, str] | None, restored: Restoration
) -> ReleaseOutcome:
    if restored.released:
        sentence = f"released {safe(plan.path)} (release id {plan.release_id})"
        outcome = _outcome(plan, Status.RELEASED, (sentence, *restored.sentences), view)
        return replace(outcome, quarantined=restored.quarantined)
    status, reason = problem or (Status.FAILED, "the lock could not be taken off its name")
    return _outcome(plan, status, (reason, *restored.sentences), view)


def _watch(
    outcome: ReleaseOutcome, place: Place, transcript: TranscriptState, watch_s: float, tools: ReleaseTools
) -> ReleaseOutcome:
    """Watch after a release; whatever ends the watch, the lock is off its name, and the outcome says so."""
    try:
        aftermath = watch_name(place, transcript, watch_s, tools.steady, tools.wait)
    except KeyboardInterrupt:
        return replace(outcome, sentences=(*outcome.sentences, "the watch after it was interrupted"))
    sentences = append_aftermath(tools.journal, place, outcome.release_id, aftermath)
    return replace(outcome, aftermath=aftermath, sentences=(*outcome.sentences, *sentences))


def _refuse(
    plan: ReleasePlan, view: LockView, reasons: tuple[str, ...], tools: ReleaseTools
) -> ReleaseOutcome:
    return append_end(tools.journal, _outcome(plan, Status.REFUSED, reasons, view))


def _outcome(
    plan: ReleasePlan, status: Status, sentences: tuple[str, ...], view: LockView | None = None
) -> ReleaseOutcome:
    latest = view or plan.view
    evidence = evidence_json(latest.evidence) if latest is not None else {}
    return ReleaseOutcome(status, plan.path, plan.release_id, sentences, evidence)
