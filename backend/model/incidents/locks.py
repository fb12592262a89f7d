"""Locks that keep candidates of several sessions out: the store's lock, or one that a dead process left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from lockdeck.backend.model.identity import Identity
from lockdeck.backend.model.incidents.records import Incident, IncidentKind, Symptom
from lockdeck.backend.model.runs.records import LOCKED
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.words import held_by, times

STANDS_S = 300.0
"""A failure on a lock says for so long (seconds) that it keeps others out."""
MANY = 3
"""From so many failures on a lock is the cause of several sessions' trouble."""


class LockFailure(Struct, frozen=True):
    """A candidate or caller of a session that failed on a lock. `at` is a moment; `pid` the holder as it was told, `candidate` the run and its attempt."""

    path: str
    session: Identity
    agent: str
    at: float
    pid: int | None = None
    candidate: str = ""


def lock_failures_of(run: Run, session: Identity, agent: str) -> Iterator[LockFailure]:
    """Yield the candidates of a run that failed on a lock, where its lines name one lock only."""
    paths = {timeout.path for timeout in run.lock_timeouts if timeout.path is not None}
    if len(paths) != 1:
        return
    (path,) = paths
    pid = next((timeout.pid for timeout in run.lock_timeouts if timeout.pid is not None), None)
    for attempt in run.attempts:
        if attempt.reason == LOCKED and attempt.ended_at is not None:
            yield LockFailure(path, session, agent, attempt.ended_at, pid, f"{run.run_id} {attempt.index}")


def obstructing(
    failures: Iterable[LockFailure],
    free_by: Mapping[str, float | None],
    now: float | None = None,
    gone: frozenset[str] = frozenset(),
) -> Iterator[Incident]:
    """Yield the locks on which several sessions have failed, oldest first; at `now` those that still do.

    `free_by` says by lock path when its holder lets go at the latest; the locks in `gone` stand no more.
    """
    by_path: dict[str, list[LockFailure]] = {}
    for failure in dict.fromkeys(failures):
        by_path.setdefault(failure.path, []).append(failure)
    claims = [_incident(path, of_it, free_by.get(path), over=now is None) for path, of_it in by_path.items()
              if _is_claim(of_it, now) and path not in gone]  # fmt: skip
    yield from sorted(claims, key=lambda incident: (incident.since or 0.0, incident.subject))


def _is_claim(failures: list[LockFailure], now: float | None) -> bool:
    last = max(failure.at for failure in failures)
    if now is not None and now - last > STANDS_S:
        return False
    return len({failure.session for failure in failures}) > 1 and len(failures) >= MANY


def _incident(path: str, failures: list[LockFailure], free_by: float | None, *, over: bool) -> Incident:
    holder = held_by(failure.pid for failure in failures)
    sessions = {failure.session for failure in failures}
    candidates = times(len(failures), "candidate")
    runs = {failure.candidate.partition(" ")[0] for failure in failures}
    return Incident(
        kind=IncidentKind.LOCK,
        subjects=(path,),
        symptom=Symptom.LOCKED,
        since=min(failure.at for failure in failures),
        until=max(failure.at for failure in failures) if over else None,
        agents=tuple(sorted({failure.agent for failure in failures})),
        members=tuple(sorted(sessions)),
        attempts=len(failures),
        callers=len(runs),
        evidence=(
            f"{candidates} of {len(sessions)} sessions failed on one lock{holder}: these are no failures of a model",
        ),
        free_by=free_by,
    )
