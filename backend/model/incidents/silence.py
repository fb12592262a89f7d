"""Providers and models that answer nobody: by the calls of all sessions, with every answer as counter-evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from lockdeck.backend.model.identity import Identity
from lockdeck.backend.model.incidents.calls import Call
from lockdeck.backend.model.incidents.records import Incident, IncidentKind, Symptom
from lockdeck.backend.model.incidents.streaks import Streak, follows, streaks_of
from lockdeck.backend.model.words import plain_word, times

LIVELY_S = 300.0
"""A provider that nobody has asked for so long (seconds) may well answer by now."""

Callers = Callable[[Iterable[Identity], float, float], int]
"""How many callers of some sessions were refused or waited from one moment to another."""


class _Claim(Struct, frozen=True):
    """Streaks that are one incident, by provider, the first to fail first; `model` where only one of its models is meant."""

    streaks: Mapping[str, Streak]
    model: str | None = None

    @property
    def failures(self) -> list[Call]:
        return [call for streak in self.streaks.values() for call in streak.failures]

    @property
    def since(self) -> float:
        return min(streak.since for streak in self.streaks.values())

    @property
    def until(self) -> float:
        return max(streak.until for streak in self.streaks.values())

    @property
    def sessions(self) -> frozenset[Identity]:
        return frozenset().union(*(streak.sessions for streak in self.streaks.values()))


class CallBook(Struct, frozen=True):
    """Finished calls, each once, and what they claim: read once, asked at every look."""

    calls: tuple[Call, ...] = ()
    claims: tuple[_Claim, ...] = ()

    @classmethod
    def of(cls, calls: Iterable[Call]) -> CallBook:
        """Read calls; those under way are left out."""
        finished = tuple(call for call in dict.fromkeys(calls) if call.ended_at is not None)
        return cls(finished, tuple(_claims(finished)))


def silences(
    book: CallBook,
    callers: Callers,
    free_by: Mapping[Identity, float | None],
    now: float | None = None,
    under_way: Sequence[Call] = (),
) -> Iterator[Incident]:
    """Yield the providers and models that answered nobody, oldest first.

    At `now` (epoch seconds) only those that answer nobody now, with the calls `under_way`; without it, all that the past
    tells. `free_by` has the sessions that are still at it, and when each is free at the latest.
    """
    for claim in book.claims:
        lasting = claim if now is None else _lasting(claim, under_way, now)
        if lasting is not None:
            waiting = _under_way(lasting, under_way) if now is not None else ()
            yield _incident(lasting, waiting, book.calls, callers, free_by, over=now is None)


def _lasting(claim: _Claim, under_way: Sequence[Call], now: float) -> _Claim | None:
    """Return what of a claim is so at `now`: somebody waits, or nobody has been answered and it was not long ago.

    When one of several providers answers again, of the others only those are meant that somebody still waits for.
    """
    asked = {call.provider for call in _under_way(claim, under_way)}
    silent = {name: streak for name, streak in claim.streaks.items() if streak.answered_at is None}
    if len(silent) < len(claim.streaks):
        silent = {name: streak for name, streak in silent.items() if name in asked}
    lasting = _Claim(silent, claim.model)
    return lasting if silent and (asked & set(silent) or now - lasting.until <= LIVELY_S) else None


def _under_way(claim: _Claim, calls: Iterable[Call]) -> list[Call]:
    """Return the calls for whose answers the sessions of a claim wait."""
    return [
        call
        for call in calls
        if call.provider in claim.streaks
        and call.session in claim.sessions
        and claim.model in (None, call.model)
    ]


def _claims(calls: Sequence[Call]) -> list[_Claim]:
    by_provider: dict[str, list[Call]] = {}
    for call in calls:
        by_provider.setdefault(call.provider, []).append(call)
    models = [claim for name, of_it in by_provider.items() for claim in _model_claims(name, of_it)]
    answers = [call for call in calls if call.answered and call.ended_at is not None]
    whole = [
        (name, streak)
        for name, of_it in by_provider.items()
        for streak in streaks_of(of_it)
        if streak.is_claim and not any(_covers(claim, name, streak) for claim in models)
    ]
    return sorted([*_merged(whole, answers), *models], key=lambda claim: (claim.since, sorted(claim.streaks)))


def _model_claims(provider: str, calls: Sequence[Call]) -> Iterator[_Claim]:
    """Yield the models of a provider that answered nobody while another of its models answered, and none of them failed."""
    for model in sorted({call.model for call in calls if call.model is not None}):
        rest = [call for call in calls if call.model != model]
        for streak in streaks_of(call for call in calls if call.model == model):
            meanwhile = [call for call in rest if _meets(call, streak)]
            answered = any(call.answered for call in meanwhile)
            if streak.is_claim and answered and not any(call.failed for call in meanwhile):
                yield _Claim({provider: streak}, model)


def _covers(claim: _Claim, provider: str, streak: Streak) -> bool:
    mine = claim.streaks.get(provider)
    return mine is not None and set(streak.failures) <= set(mine.failures)


def _merged(streaks: Iterable[tuple[str, Streak]], answers: Sequence[Call]) -> list[_Claim]:
    """Put the silences of several providers together that the same sessions met one after the other."""
    claims: list[_Claim] = []
    for provider, streak in sorted(streaks, key=lambda pair: (pair[1].since, pair[0])):
        for index, claim in enumerate(claims):
            wider = _Claim({**claim.streaks, provider: streak})
            goes_on = claim.sessions & streak.sessions and follows(streak.since, claim.until)
            if provider not in claim.streaks and goes_on and not _answered(wider, answers):
                claims[index] = wider
                break
        else:
            claims.append(_Claim({provider: streak}))
    return claims


def _answered(claim: _Claim, answers: Iterable[Call]) -> bool:
    """Return whether one of the providers answered anybody in the whole time of a claim."""
    return any(
        call.provider in claim.streaks and claim.since <= (call.ended_at or 0.0) <= claim.until
        for call in answers
    )


def _meets(call: Call, streak: Streak) -> bool:
    """Return whether a call ended while a streak lasted."""
    return call.ended_at is not None and streak.since <= call.ended_at and call.begins <= streak.until


def _incident(
    claim: _Claim,
    under_way: Sequence[Call],
    calls: Sequence[Call],
    callers: Callers,
    free_by: Mapping[Identity, float | None],
    *,
    over: bool,
) -> Incident:
    failures, sessions = claim.failures, claim.sessions
    at_it = [free_by[session] for session in sessions if session in free_by]
    known = [at for at in at_it if at is not None]
    reason, _ = Counter(call.reason for call in failures).most_common(1)[0]
    return Incident(
        kind=IncidentKind.PROVIDER if claim.model is None else IncidentKind.MODEL,
        subjects=tuple(name if claim.model is None else f"{name}/{claim.model}" for name in claim.streaks),
        symptom=Symptom.SILENT,
        since=claim.since,
        until=claim.until if over else None,
        agents=tuple(sorted({call.agent for call in failures})),
        members=tuple(sorted(sessions)),
        attempts=len(failures) + len(under_way),
        callers=callers(sessions, claim.since, claim.until),
        evidence=tuple(_evidence(claim, under_way, calls)),
        free_by=max(known) if known and len(known) == len(at_it) else None,
        reason=None if reason == "timeout" else reason,
    )


def _evidence(claim: _Claim, under_way: Sequence[Call], calls: Sequence[Call]) -> Iterator[str]:
    for provider, streak in claim.streaks.items():
        models = sorted({call.model for call in streak.failures if call.model is not None})
        name = f"{provider}/{models[0]}" if len(models) == 1 else provider
        reasons = Counter(call.reason or "" for call in streak.failures)
        counts = ", ".join(f"{number} by {plain_word(reason)}" for reason, number in sorted(reasons.items()))
        sessions = times(len(streak.sessions), "session")
        again = "none was answered" if streak.answered_at is None else "the next one was answered"
        yield f"{name}: {times(len(streak.failures), 'attempt')} of {sessions} failed ({counts}), {again}"
    if under_way:
        yield f"{times(len(under_way), 'attempt')} of these sessions under way"
    answers = Counter(
        _name(call, claim)
        for call in calls
        if call.answered and call.ended_at is not None and claim.since <= call.ended_at <= claim.until
    )
    if answers:
        told = ", ".join(f"{name} {times(number, 'time')}" for name, number in sorted(answers.items()))
        yield f"others answered meanwhile: {told}"
    else:
        yield "no answer of any other provider is known from that time"


def _name(call: Call, claim: _Claim) -> str:
    return call.provider if claim.model is None or call.model is None else f"{call.provider}/{call.model}"
