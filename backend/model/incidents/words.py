"""The one sentence that tells an incident, wherever it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from lockdeck.backend.model.incidents.records import Incident, IncidentKind, Symptom
from lockdeck.backend.model.words import plain_word, times

Clock = Callable[[float], str]
"""How a moment is written: with its zone, and with its date where it is another day."""

_SUBJECTS = {
    IncidentKind.GATEWAY: "the gateway of ",
    IncidentKind.LOCK: "the lock ",
    IncidentKind.HOST: "host ",
}
_SYMPTOMS = {
    Symptom.SILENT: ("answers nobody", "answer nobody", "answered nobody"),
    Symptom.DRAINS: ("drains and takes no work", "drain and take no work", "drained and took no work"),
    Symptom.BLOCKS: ("makes no progress", "make no progress", "made no progress"),
    Symptom.GONE: ("is gone", "are gone", "was gone"),
    Symptom.LOCKED: ("keeps everybody out", "keep everybody out", "kept everybody out"),
    Symptom.DESERTED: (
        "has no gateway that lives",
        "have no gateway that lives",
        "had no gateway that lived",
    ),
    Symptom.UNSEEN: ("is not seen", "are not seen", "was not seen"),
}
"""Of one subject, of several, and in the past."""


def incident_sentence(incident: Incident, clock: Clock) -> str:
    """Return an incident as one sentence, with its counts and until when.

    `github-copilot answers nobody since 22:38:00 CET: 4 agents, 12 attempts, 0 answers, 7 callers refused; over by
    itself by 22:45:34 CET`
    """
    over = f"; over by itself by {clock(incident.free_by)}" if incident.free_by is not None else ""
    return f"{incident_head(incident, clock)}: {', '.join(incident_counts(incident))}{over}"


def shorter_sentences(incident: Incident, clock: Clock) -> Iterator[str]:
    """Yield an incident without its beginning, and then without its counts: what is wrong and until when stays."""
    undated = replace(incident, since=None)
    yield incident_sentence(undated, clock)
    over = f"; over by {clock(incident.free_by)}" if incident.free_by is not None else ""
    yield f"{incident_head(undated, clock)}{over}"


def incident_head(incident: Incident, clock: Clock) -> str:
    """Return what is wrong and since when; of what is over, from when to when."""
    one, several, past = _SYMPTOMS[incident.symptom]
    *first, last = incident.subjects
    names = f"{', '.join(first)} and {last}" if first else last
    reason = f" ({plain_word(incident.reason)})" if incident.reason is not None else ""
    subject = f"{_SUBJECTS.get(incident.kind, '')}{names}"
    if incident.until is not None:
        start = f" from {clock(incident.since)}" if incident.since is not None else ""
        return f"{subject} {past}{reason}{start} to {clock(incident.until)}"
    start = f" since {clock(incident.since)}" if incident.since is not None else ""
    return f"{subject} {several if first else one}{reason}{start}"


def incident_counts(incident: Incident) -> Iterator[str]:
    """Yield what the claim is made of: agents, attempts with their answers, callers."""
    yield times(len(incident.agents), "agent")
    if len(incident.members) != len(incident.agents):
        yield times(len(incident.members), "session")
    if incident.attempts:
        yield times(incident.attempts, "attempt")
        yield times(incident.answers, "answer")
    if incident.callers:
        yield f"{times(incident.callers, 'caller')} refused"
