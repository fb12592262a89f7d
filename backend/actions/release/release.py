"""Release one stale session lock: plan, prove twice, take it without a gap, verify, record, watch."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.journal_chain import Entry
from lockdeck.backend.actions.release import sentences as advice
from lockdeck.backend.actions.release.aftermath import Trace, describe, trace, watch
from lockdeck.backend.actions.release.proof import (
    Look,
    Search,
    differences,
    fresh_look,
    holder_of,
    refusals,
)
from lockdeck.backend.actions.release.records import Outcome, Override, Refusal, ReleasePlan, Status
from lockdeck.backend.actions.release.recovery import BEGIN, Restoration, half_done, no_step, restore
from lockdeck.backend.actions.release.standin import lock_payload, standing_in
from lockdeck.backend.actions.release.swap import (
    LOCK,
    Site,
    Step,
    furnish,
    is_file,
    make_shop,
    open_site,
    take,
    vacate,
)
from lockdeck.backend.actions.turns import NotOurTurnError, turn
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import LockIdentity, Verdict
from lockdeck.backend.model.wire import evidence_json
from lockdeck.backend.openclaw.locks.deleted import deleted_holder
from lockdeck.backend.openclaw.roots.discovery import Vouches, place_of
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system.exchange import ExchangeUnsupported
from lockdeck.backend.system.text import safe

DWELL_S = 1.0
"""The evidence must be the same at two looks at least this many seconds apart."""
DRAIN_S = 0.25
"""How long the stand-in keeps the name after the proof: an OpenClaw up to 2026.5.7 that judged the old lock
stale a moment ago deletes by path whatever stands there, and must hit the stand-in, not the next lock."""
TURN_S = 10.0
"""How long, in seconds, another lockdeck at work in the same sessions directory is waited for."""

Wait = Callable[[float], object]
Clock = Callable[[], float]


class Means(Struct, frozen=True):
    """What a release works with: clock, waiting, looks, the search for a holder, and the tests' step hook."""

    journal: Journal
    clock: Clock
    wait: Wait
    look: Look
    search: Search
    step: Step


def plan_release(
    path: str,
    release_id: str | None,
    *,
    env: Mapping[str, str],
    vouches: Vouches,
    clock: Clock = time.time,
    override: Override | None = None,
    look: Look = fresh_look,
) -> ReleasePlan:
    """Plan the release of the lock at a path; `env` helps to find the root that the path belongs to."""
    return plan_at(place_of(path, env, vouches), release_id, clock=clock, override=override, look=look)


def plan_at(
    place: Place,
    release_id: str | None,
    *,
    clock: Clock = time.time,
    override: Override | None = None,
    look: Look = fresh_look,
) -> ReleasePlan:
    """Look at a lock and say what releasing it would mean, or why that is refused.  Changes nothing.

    `release_id` names the hold that the person saw; None plans for whatever is there now.
    """
    now = clock()
    view = look(place, now)
    overridden = override is not None
    reasons = (*_wrong_hold(view, release_id), *_bad_override(view, place, override))
    reasons += refusals(view, place.root, now, overridden)
    return ReleasePlan(
        path=place.path,
        release_id=view.release_id,
        looked_at=now,
        place=place,
        view=view,
        refusal=Refusal(reasons) if reasons else None,
        effects=() if reasons else advice.effects(place, view),
        why=() if reasons else advice.why(view, overridden),
        then=advice.then(view),
        override=override,
    )


def release(
    plan: ReleasePlan,
    *,
    journal: Journal,
    clock: Clock = time.time,
    wait: Wait = time.sleep,
    watch_s: float = 30.0,
    on_step: Step = no_step,
    look: Look = fresh_look,
    search: Search = holder_of,
) -> Outcome:
    """Do what a confirmed plan says: prove it again, act, verify, and watch for `watch_s` seconds.

    Every outcome is journaled, refusals too.  Never raises for what the file system or a race does; when the
    journal can't be written nothing is done and the outcome is failed.
    """
    means = Means(journal, clock, wait, look, search, on_step)
    place, view = plan.place, plan.view
    try:
        if plan.refusal is not None or place is None or view is None:
            reasons = plan.refusal.reasons if plan.refusal else ("the plan names no lock",)
            return _end(means, _outcome(plan, Status.REFUSED, reasons))
        before = trace(place.path.removesuffix(".lock"))
        with turn(journal.folder, os.path.dirname(place.path), TURN_S):
            outcome = _prove_and_act(plan, place, view, means)
        if outcome.status is not Status.RELEASED or watch_s <= 0:
            return outcome
    except NotOurTurnError:
        reason = "another lockdeck is releasing a lock in this sessions directory"
        return _end(means, _outcome(plan, Status.REFUSED, (reason,)))
    except OSError as error:
        return _outcome(plan, Status.FAILED, (f"{type(error).__name__}: {safe(error)}",))
    return _followed(outcome, place, before, watch_s, means)


def _followed(outcome: Outcome, place: Place, before: Trace, watch_s: float, means: Means) -> Outcome:
    """Watch after a release; whatever ends the watch, the lock is off its name, and the outcome says so."""
    try:
        after = watch(place, before, watch_s, means.clock, means.wait)
    except KeyboardInterrupt:
        return replace(outcome, sentences=(*outcome.sentences, "the watch after it was interrupted"))
    sentences = (*outcome.sentences, describe(after))
    try:
        means.journal.append("watched", path=place.path, releaseId=outcome.release_id, after=after.to_json())
    except OSError as error:
        sentences = (*sentences, f"what was seen after it can't be journaled: {safe(error)}")
    return replace(outcome, after=after, sentences=sentences)


def _prove_and_act(plan: ReleasePlan, place: Place, first: LockView, means: Means) -> Outcome:
    dwelt = means.clock() - plan.looked_at
    if dwelt < DWELL_S:
        means.wait(min(DWELL_S, DWELL_S - dwelt))
    now = means.clock()
    view = means.look(place, now)
    overridden = plan.override is not None and view.judgement.verdict is Verdict.LEAKED
    reasons = (*differences(first, view), *refusals(view, place.root, now, overridden))
    identity = view.record.identity
    if reasons or identity is None:
        return _end(means, _outcome(plan, Status.REFUSED, reasons or ("the lock can't be read",), view))
    pin = _open_pin(place.path)
    if pin is None:
        return _end(means, _outcome(plan, Status.REFUSED, ("the lock is gone from its name",), view))
    try:
        if not _is_pinned(pin, identity):
            reason = "the lock changed right after the second look"
            return _end(means, _outcome(plan, Status.REFUSED, (reason,), view))
        return _act(plan, place, view, identity, pin, means)
    finally:
        os.close(pin)


def _act(
    plan: ReleasePlan, place: Place, view: LockView, identity: LockIdentity, pin: int, means: Means
) -> Outcome:
    action = secrets.token_hex(6)
    try:
        problem, restored = _swap(plan, place, view, identity, pin, means, action)
    except _HalfDoneError as cut_off:
        # Without `action` the entry ends nothing: whoever recovers next goes on.
        return _end(means, _outcome(plan, Status.FAILED, cut_off.reasons, view))
    return _end(means, _judge_end(plan, view, problem, restored), action, restored)


class _HalfDoneError(Exception):
    """The restoration failed half-way: it leaves the stand-in's block, so that the watchman tries it again at once."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__(*reasons)
        self.reasons = reasons


def _swap(
    plan: ReleasePlan,
    place: Place,
    view: LockView,
    identity: LockIdentity,
    pin: int,
    means: Means,
    action: str,
) -> tuple[tuple[Status, str] | None, Restoration]:
    """Swap the lock out behind a stand-in and bring everything in order; return what went wrong, and how it is."""
    begun = means.journal.append(BEGIN, action=action, **_begin_facts(plan, place, view, identity))
    means.step("begun")
    with standing_in(means.journal.path) as stand_in:
        means.step("stand-in started")
        make_shop(place.path, action)
        means.step("folder made")
        with open_site(place.path, action, means.step) as site:
            payload = lock_payload(stand_in, action, means.clock())
            problem = _swap_out(site, payload, pin, identity, means)
            try:
                return problem, restore(site, begun, means.journal.folder, means.search, means.wait)
            except OSError as error:
                told = (problem[1],) if problem else ()
                raise _HalfDoneError((*told, half_done(site, error))) from error


def _swap_out(
    site: Site, payload: bytes, pin: int, identity: LockIdentity, means: Means
) -> tuple[Status, str] | None:
    """Take the lock out, verify it and free its name; otherwise say why not and leave the rest to `restore`."""
    try:
        furnish(site, payload)
        if not is_file(site.folder, site.name, pin):
            return Status.REFUSED, "the lock changed while the release was prepared"
        take(site)
        lost = _verify(site, pin, identity, means.search)
        if lost is not None:
            return Status.REFUSED, f"lost the race, nothing released: {lost}"
        means.wait(DRAIN_S)
        vacate(site)
    except ExchangeUnsupported as error:
        return Status.REFUSED, f"the file system can't swap two names atomically: {safe(error.strerror)}"
    except FileNotFoundError:
        return Status.REFUSED, "the lock is gone from its name: somebody removed it meanwhile"
    except OSError as error:
        return Status.FAILED, f"{type(error).__name__}: {safe(error)}"
    return None


def _verify(site: Site, pin: int, identity: LockIdentity, search: Search) -> str | None:
    """Say what is wrong with what came out.

    None: it is the pinned lock, unchanged, nobody holds it, and nobody holds an earlier one of its name.
    """
    if not is_file(site.shop, LOCK, pin):
        return "another lock had taken its place"
    if os.pread(pin, len(identity.raw) + 1, 0) != identity.raw:
        return "its bytes have changed"
    return search(pin) or deleted_holder(site.path)


def _open_pin(path: str) -> int | None:
    """Open the lock: while it is open its inode number can't be given to another file."""
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def _is_pinned(pin: int, identity: LockIdentity) -> bool:
    found = os.fstat(pin)
    same = (found.st_dev, found.st_ino, found.st_ctime_ns) == (identity.dev, identity.ino, identity.ctime_ns)
    return same and os.pread(pin, len(identity.raw) + 1, 0) == identity.raw


def _judge_end(
    plan: ReleasePlan, view: LockView, problem: tuple[Status, str] | None, restored: Restoration
) -> Outcome:
    if restored.released:
        told = (f"released {safe(plan.path)} (release id {plan.release_id})", *restored.sentences)
        return replace(_outcome(plan, Status.RELEASED, told, view), quarantined=restored.kept)
    status, reason = problem or (Status.FAILED, "the lock could not be taken off its name")
    return _outcome(plan, status, (reason, *restored.sentences), view)


def _end(
    means: Means, outcome: Outcome, action: str | None = None, restored: Restoration | None = None
) -> Outcome:
    """Journal how it ended, and say so where that can't be done.

    An action that left somebody's lock displaced, or could not be put right, has not ended: recovery goes on.
    """
    kind = "unfinished" if restored is not None and restored.left else outcome.status.value
    facts: dict[str, Any] = {} if action is None else {"action": action}
    try:
        means.journal.append(
            kind,
            **facts,
            path=outcome.path,
            releaseId=outcome.release_id,
            sentences=list(outcome.sentences),
            quarantined=outcome.quarantined,
            evidence=dict(outcome.evidence),
        )
    except OSError as error:
        return replace(outcome, sentences=(*outcome.sentences, f"this can't be journaled: {safe(error)}"))
    return outcome


def _begin_facts(plan: ReleasePlan, place: Place, view: LockView, identity: LockIdentity) -> Entry:
    digest = hashlib.sha256(identity.raw).hexdigest()
    original = {"dev": identity.dev, "ino": identity.ino, "size": len(identity.raw), "sha256": digest}
    return {
        "path": place.path,
        "releaseId": view.release_id,
        "original": original,
        "verdict": view.judgement.verdict.value,
        "reasons": list(view.judgement.reasons),
        "override": plan.override.verdict if plan.override else None,
        "operator": {"uid": os.getuid(), "pid": os.getpid(), "host": os.uname().nodename},
        "evidence": evidence_json(view.evidence),
    }


def _outcome(
    plan: ReleasePlan, status: Status, sentences: tuple[str, ...], view: LockView | None = None
) -> Outcome:
    seen = view or plan.view
    evidence = evidence_json(seen.evidence) if seen is not None else {}
    return Outcome(status, plan.path, plan.release_id, sentences, evidence)


def _wrong_hold(view: LockView, release_id: str | None) -> tuple[str, ...]:
    if release_id is None or release_id == view.release_id:
        return ()
    now = view.release_id or "no readable lock"
    return (f"this is another hold than the one named: {safe(release_id)} was asked for, {now} is there now",)


def _bad_override(view: LockView, place: Place, override: Override | None) -> tuple[str, ...]:
    if override is None:
        return ()
    if override.verdict != Verdict.LEAKED.value:
        return (f"only the verdict leaked can be overridden, not {safe(override.verdict)}",)
    if view.judgement.verdict is not Verdict.LEAKED:
        return (f"there is nothing to override: the verdict is {view.judgement.verdict}, not leaked",)
    if override.typed_path != place.path:
        return (f"the path typed for the override is not exactly the lock's: {safe(place.path)}",)
    return ()
