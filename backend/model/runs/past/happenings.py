"""One happening while it goes on: what several lines tell of it, and how often it has happened."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct, field

from lockdeck.backend.model.moments import same_scale
from lockdeck.backend.model.runs.events import (
    Event,
    GatewayRefused,
    LaneWait,
    LockBlocked,
    RecoveryOutcome,
    TurnRefused,
)
from lockdeck.backend.model.runs.past.sessions import SessionRef

TOLD_TWICE_S = 0.5
"""One thing is told by several lines, or by a log and its console, within this many seconds."""
GOES_ON_S = 600.0
"""What is told again within this many seconds, with nothing else of its session between, goes on."""
_WAITS = LaneWait.handling.counted_as
_LOCKED = LockBlocked.handling.counted_as
_REFUSED = TurnRefused.handling.counted_as


def kind_of(event: Event) -> str:
    """Return the kind of a happening; whoever tells of a failure on a lock or a refusal, it is that of a caller.

    A recovery that was skipped is not the same again as one that did something.
    """
    if event.lock_timeouts:
        return _LOCKED
    if isinstance(event, RecoveryOutcome) and event.status == "skipped":
        return f"{event.counted_as}, skipped"
    return event.counted_as if event.caller_failure() is None else _REFUSED


class Ongoing(Struct):
    """A happening from `at` to `until` (moments). `waited_s` is the longest time that a caller waited.

    Each kind of line tells of one happening once: `tellings` counts them.
    """

    kind: str
    at: float
    until: float
    sentence: str = ""
    subject: SessionRef = SessionRef()
    run_ids: set[str] = field(default_factory=set)
    bad: bool = False
    waited_s: float = 0.0
    tellings: Counter[str] = field(default_factory=Counter)
    last: dict[str, tuple[float, str]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """The number of times it happened, by the most telling kind of line."""
        return max(self.tellings.values(), default=1)

    @property
    def waits_for_session(self) -> bool:
        """Return whether somebody wanted the session and did not get it."""
        return self.kind in (_WAITS, _LOCKED, _REFUSED)

    def goes_on(self, event: Event) -> bool:
        """Return whether an event of the same session tells the same again."""
        if self.kind != kind_of(event) or not same_scale(self.until, event.at):
            return False
        return event.at - self.until <= GOES_ON_S

    def add(self, event: Event, run_id: str | None, subject: SessionRef) -> None:
        """Take in one more line."""
        sentence, telling = _sentence(event), _telling(event)
        at, previous = self.last.get(telling, (event.at, ""))
        if event.at - at > TOLD_TWICE_S or sentence != previous:
            self.tellings[telling] += 1
        at_once = event.at - self.until <= TOLD_TWICE_S
        self.sentence = max(self.sentence, sentence, key=len) if at_once else sentence
        self.last[telling] = (event.at, sentence)
        self.subject, self.until = self.subject.or_else(subject), event.at
        self.bad = self.bad or event.handling.bad
        self.run_ids |= set() if run_id is None else {run_id}
        waits = [event.waited_ms or 0] if isinstance(event, LaneWait) else [0]
        waits += [timeout.timeout_ms or 0 for timeout in event.lock_timeouts]
        self.waited_s = max(self.waited_s, max(waits) / 1000)


def _telling(event: Event) -> str:
    failure = event.caller_failure()
    if failure is not None:
        return failure.source
    # A recovery is told twice: what was tried, and its outcome.
    tried = isinstance(event, RecoveryOutcome) and event.status is None
    return f"{event.counted_as} tried" if tried else event.counted_as


def _sentence(event: Event) -> str:
    reason = event.reason if isinstance(event, GatewayRefused) else None
    return f"{event.sentence()}: {reason}" if reason else event.sentence()
