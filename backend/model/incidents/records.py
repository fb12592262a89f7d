"""Incidents: one cause that several sessions have in common."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from lockdeck.backend.model.identity import Identity


class IncidentKind(StrEnum):
    """The kind of thing that several sessions have in common."""

    PROVIDER = "provider"
    MODEL = "model"
    GATEWAY = "gateway"
    LOCK = "lock"
    HOST = "host"


class Symptom(StrEnum):
    """What the common thing does wrong."""

    SILENT = "silent"
    DRAINS = "drains"
    BLOCKS = "blocks"
    GONE = "gone"
    LOCKED = "locked"
    DESERTED = "deserted"
    UNSEEN = "unseen"


class Incident(Struct, frozen=True):
    """One cause of the trouble of several sessions. Times in epoch seconds (moments, where a log tells no date).

    `subjects` names the providers, model, root, lock or host, the first to fail first. `since` is the begin of the first
    attempt that counts, None where nothing tells it; `until` the end of what is over. `attempts` are those that failed
    or are under way, `answers` those that were answered, `callers` those who were refused or waited meanwhile.
    `free_by`: over by itself then at the latest, None where nothing bounds it. `members` are the `sessions` with their
    roots. `reason` is OpenClaw's word where it is no timeout. `hosts` are those it is on, none where this machine alone is
    watched.
    """

    kind: IncidentKind
    subjects: tuple[str, ...]
    symptom: Symptom
    since: float | None
    until: float | None = None
    agents: tuple[str, ...] = ()
    members: tuple[Identity, ...] = ()
    attempts: int = 0
    answers: int = 0
    callers: int = 0
    evidence: tuple[str, ...] = ()
    free_by: float | None = None
    reason: str | None = None
    hosts: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """The name of this incident while it widens or narrows; a provider is the same for every host."""
        return (self.kind, self.subjects[0], *(() if self.is_everywhere else self.hosts))

    @property
    def is_everywhere(self) -> bool:
        """Whether it is about something that is the same for every host."""
        return self.kind in (IncidentKind.PROVIDER, IncidentKind.MODEL)

    @property
    def subject(self) -> str:
        """All subjects in one word for JSON."""
        return ", ".join(self.subjects)

    def is_of_provider(self, name: str) -> bool:
        """Return whether it is about a provider, or a model, of this name."""
        return self.is_everywhere and name in self.subjects

    @property
    def sessions(self) -> tuple[str, ...]:
        """The keys of its sessions, each once."""
        return tuple(sorted({key for *_, key in self.members}))
