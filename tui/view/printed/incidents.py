"""What several sessions have in common, in words for people: with local times and their zone. All pure."""

from __future__ import annotations

from functools import partial

from lockdeck.backend.model.changes import IncidentChange
from lockdeck.backend.model.incidents.records import Incident
from lockdeck.backend.model.incidents.words import incident_head, incident_sentence, shorter_sentences
from lockdeck.backend.model.words import zoned_time
from lockdeck.backend.system.text import SafeText, safe


def incident_text(incident: Incident, now: float) -> SafeText:
    """Return an incident as one sentence, its times as seen at `now` (epoch seconds)."""
    return safe(incident_sentence(incident, partial(zoned_time, now=now)), 4096)


def incident_tellings(incident: Incident, now: float) -> tuple[SafeText, ...]:
    """Return the tellings of an incident, the whole sentence first and the shortest last."""
    shorter = shorter_sentences(incident, partial(zoned_time, now=now))
    return (incident_text(incident, now), *(safe(one, 4096) for one in shorter))


def incident_change_text(change: IncidentChange, now: float) -> SafeText:
    """Return how an incident stands now; of one that is over only what is no longer so."""
    if change.new is not None:
        return incident_text(change.new, now)
    return safe(f"no longer so: {incident_head(change.view, partial(zoned_time, now=now))}", 4096)
