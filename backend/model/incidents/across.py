"""The causes that several hosts have in common: one provider that answers nobody is one, however many hosts ask it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from lockdeck.backend.model.fleet import SessionView
from lockdeck.backend.model.hosts import HostView
from lockdeck.backend.model.incidents.records import Incident, IncidentKind, Symptom


def across_hosts(incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    """Return the incidents of several hosts, those of one provider or model as one; the widest first, lost hosts last.

    Each host has proven its own: what is counted is the sum, and what one says of the end holds when all are there.
    """
    groups: dict[tuple[object, ...], list[Incident]] = {}
    for incident in incidents:
        groups.setdefault((*incident.identity, incident.symptom, incident.until is None), []).append(incident)
    causes = (_as_one(parts) for parts in groups.values())
    return tuple(sorted(causes, key=_place))


def _place(incident: Incident) -> tuple[object, ...]:
    """Return what the first has the least of: nothing can be done from here about a host that is not seen."""
    lost = incident.kind is IncidentKind.HOST
    return (lost, -len(incident.members), incident.since or 0.0, incident.subject, incident.hosts)


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
    hosts = sorted({host for incident in parts for host in incident.hosts})
    ends = [incident.free_by for incident in parts]
    return replace(
        first,
        subjects=tuple(dict.fromkeys(subject for incident in parts for subject in incident.subjects)),
        since=min((incident.since for incident in parts if incident.since is not None), default=None),
        until=max((incident.until for incident in parts if incident.until is not None), default=None),
        agents=tuple(sorted({agent for incident in parts for agent in incident.agents})),
        members=tuple(sorted({member for incident in parts for member in incident.members})),
        attempts=sum(incident.attempts for incident in parts),
        answers=sum(incident.answers for incident in parts),
        callers=sum(incident.callers for incident in parts),
        evidence=tuple(
            f"{host}: {word}" for incident in parts for host in incident.hosts for word in incident.evidence
        ),
        free_by=None if None in ends else max(end for end in ends if end is not None),
        hosts=tuple(hosts),
    )
