"""The causes that several hosts have in common: one provider that answers nobody is one, however many hosts ask it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from lockdeck.backend.model.fleet import SessionView
from lockdeck.backend.model.hosts import HostView
from lockdeck.backend.model.incidents.records import Incident, IncidentKind, Symptom


def across_hosts(incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    """Return the incidents of several hosts, those of one provider or model as one; the widest first.

    Each host has proven its own: what is counted is the sum, and what one says of the end holds when all are there.
    """
    groups: dict[tuple[object, ...], list[Incident]] = {}
    for incident in incidents:
        groups.setdefault((*incident.identity, incident.symptom, incident.until is None), []).append(incident)
    whole = (_as_one(parts) for parts in groups.values())
    return tuple(sorted(whole, key=lambda one: (-len(one.members), one.since or 0.0, one.subject, one.hosts)))


def lost_host(host: HostView, sessions: Sequence[SessionView]) -> Incident:
    """Return what the sessions of a host that is not seen any more have in common."""
    return Incident(
        kind=IncidentKind.HOST,
        subjects=(host.name,),
        symptom=Symptom.UNSEEN,
        since=host.heard_at,
        agents=tuple(sorted({session.agent for session in sessions})),
        members=tuple(sorted(session.identity for session in sessions)),
        evidence=(host.problem,) if host.problem else (),
        hosts=(host.name,),
    )


def _as_one(parts: Sequence[Incident]) -> Incident:
    first = parts[0]
    if len(parts) == 1:
        return first
    hosts = sorted({host for one in parts for host in one.hosts})
    ends = [one.free_by for one in parts]
    return replace(
        first,
        subjects=tuple(dict.fromkeys(subject for one in parts for subject in one.subjects)),
        since=min((one.since for one in parts if one.since is not None), default=None),
        until=max((one.until for one in parts if one.until is not None), default=None),
        agents=tuple(sorted({agent for one in parts for agent in one.agents})),
        members=tuple(sorted({member for one in parts for member in one.members})),
        attempts=sum(one.attempts for one in parts),
        answers=sum(one.answers for one in parts),
        callers=sum(one.callers for one in parts),
        evidence=tuple(f"{host}: {word}" for one in parts for host in one.hosts for word in one.evidence),
        free_by=None if None in ends else max(end for end in ends if end is not None),
        hosts=tuple(hosts),
    )
