"""Plan a release: look at the lock, and say what releasing it would mean or why that is refused.  Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lockdeck.backend.actions.release import sentences
from lockdeck.backend.actions.release.newcomers import Newcomers, newcomers_at
from lockdeck.backend.actions.release.proof import Look, can_be_overridden, current_view, refusals
from lockdeck.backend.actions.release.records import Override, Refusal, ReleasePlan
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.openclaw.roots.discovery import Vouches, place_of
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system.clocks import steady_time, wall_time
from lockdeck.backend.system.text import safe

Clock = Callable[[], float]


def plan_release(
    path: str,
    release_id: str | None,
    *,
    env: Mapping[str, str],
    vouches: Vouches,
    clock: Clock = wall_time,
    override: Override | None = None,
    look: Look = current_view,
    patient: bool = True,
) -> ReleasePlan:
    """Plan the release of the lock at a path; `env` helps to find the root that the path belongs to."""
    place = place_of(path, env, vouches)
    return plan_at(place, release_id, clock=clock, override=override, look=look, patient=patient)


def plan_at(
    place: Place,
    release_id: str | None,
    *,
    clock: Clock = wall_time,
    steady: Clock = steady_time,
    override: Override | None = None,
    look: Look = current_view,
    young: Callable[[Place], Newcomers] = newcomers_at,
    patient: bool = True,
) -> ReleasePlan:
    """Plan the release of the lock at a place.

    `release_id` names the hold that the person saw; None plans for whatever is there now. `young` finds the newcomers
    that the release will wait for; one that is not `patient` is refused then.
    """
    dwell_from, now = steady(), clock()
    view = look(place, now)
    overridden = override is not None
    reasons = (*_wrong_hold(view, release_id), *_bad_override(view, place, override))
    reasons += refusals(view, place, overridden)
    newcomers = () if reasons else young(place)
    if not patient:
        reasons += tuple(one.sentence for one in newcomers)
    return ReleasePlan(
        path=place.path,
        release_id=view.release_id,
        looked_at=now,
        place=place,
        view=view,
        refusal=Refusal(reasons) if reasons else None,
        effects=() if reasons else sentences.effects(newcomers),
        safe_because=() if reasons else sentences.safe_because(view, overridden),
        then=sentences.then(view),
        override=override,
        dwell_from=dwell_from,
        newcomers=newcomers,
        patient=patient,
    )


def _wrong_hold(view: LockView, release_id: str | None) -> tuple[str, ...]:
    if release_id is None or release_id == view.release_id:
        return ()
    now = view.release_id or "no readable lock"
    return (f"this is another hold than the one named: {safe(release_id)} was asked for, {now} is there now",)


def _bad_override(view: LockView, place: Place, override: Override | None) -> tuple[str, ...]:
    if override is None:
        return ()
    if override.verdict != Verdict.LEAKED.value:
        return (
            f"only a leaked lock is released on a person's word, not one that is {safe(override.verdict)}",
        )
    if not can_be_overridden(view):
        return (f"there is nothing to override: this lock counts as {view.judgement.verdict}, not as leaked",)
    if override.typed_path != place.path:
        return (f"the path typed for the override is not exactly the lock's: {safe(place.path)}",)
    return ()
