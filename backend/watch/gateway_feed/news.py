"""The news of one gateway."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.gateway.rows import SessionRow, Sign
from lockdeck.backend.openclaw.gateway.trouble import Trouble


class FeedNews(Struct, frozen=True):
    """The word of a gateway. `events` are new since the last `take`; all else is as it was told last.

    `sessions` is None as long as no gateway has answered, `told_at` (epoch seconds) when it last did. `queued`
    counts waiting messages, `progress` is the last sign of work (epoch seconds), both by session key, as is
    `active_since`: since when a session was never seen without an active run.
    `dropped` counts events lost to floods. `problem` is one sentence, None while connected.
    """

    events: tuple[Event, ...] = ()
    sessions: tuple[SessionRow, ...] | None = None
    told_at: float | None = None
    queued: Mapping[str, int] | None = None
    progress: Mapping[str, Sign] | None = None
    active_since: Mapping[str, float] | None = None
    problem: str | None = None
    trouble: Trouble | None = None
    log_path: str | None = None
    connected: bool = False
    connected_at: float | None = None
    version: str | None = None
    dropped: int = 0

    @property
    def from_log(self) -> bool:
        """Return whether no gateway has told any session, so that log and process table are all there is."""
        return self.sessions is None
