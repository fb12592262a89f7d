"""The sources of a root: what is read of it, how fresh that is, and what can't be known without it.

The rule: nothing is green that no source would contradict if it were otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from lockdeck.backend.model.words import duration, time_of_day

STARTED_S = 60.0
"""A gateway logs its start: after so many seconds a log that was not written since is not its own."""
START_SLACK_S = 5.0
"""Seconds by which the start of a process, or the time of a file, may be off."""
SILENT_DAY_S = 86_400.0
"""A log in which nothing was written for so long (seconds) while something runs is not the one that is written."""
NO_LOG = "no log is read, so a rotation would not be seen"
NAME_LOG = "name the log with --log FILE"


class SourceKind(StrEnum):
    """The kinds of sources, in the words of `status --json`."""

    LOG = "log"
    GATEWAY = "gateway"
    LOCKS = "locks"
    STORE = "store"
    TRANSCRIPT = "transcript"
    PROCESSES = "processes"


class SourceState(StrEnum):
    """The state of a source. `not needed`: nothing that it could tell would change the picture."""

    READ = "read"
    MISSING = "missing"
    REFUSED = "refused"
    STALE = "stale"
    NOT_NEEDED = "not needed"


class SourceView(Struct, frozen=True):
    """One source. `as_of`: what it says is of then (epoch seconds).

    `lost`: what can't be known without it, and the way out; None where nothing is.
    """

    kind: SourceKind
    where: str
    state: SourceState
    as_of: float | None = None
    lost: str | None = None

    def age(self, now: float) -> str:
        """Return how old what it says is at `now` (epoch seconds), to be put behind a word; empty where nobody knows."""
        return "" if self.as_of is None else f" {duration(max(0.0, now - self.as_of))} ago"


class SourceLook(Struct, frozen=True):
    """The result of looking at one place where a source is or may be; `why` it is not read, in words."""

    where: str
    state: SourceState
    as_of: float | None = None
    why: str = ""


class LogLook(SourceLook, frozen=True):
    """The result of looking at one place of a log. `named`: a person named it, and what it tells is wanted.

    `unread`: lines in it look like OpenClaw's and could not be read, told in a sentence. `broken`: it came by itself and
    does so no more; what it would tell now is not known, whatever else is seen. `empty`: a service manager's, in which nothing stands.
    """

    named: bool = False
    unread: str | None = None
    broken: bool = False
    empty: bool = False


class Activity(Struct, frozen=True):
    """All that says whether something can be running in a root at `now` (epoch seconds).

    `gateway_lives` is also true where its life can't be seen from here; `gateway_began` is when it started. Where it has
    no lock of its own that is seen, it is the gateway that holds sessions.
    `held`: a session's lock stands that is not provably left behind. `occupied`: that, or a store or an event says that
    something runs; a store may say so for ever after a failed run (seen on 2026.4.5).
    """

    now: float
    gateway_lives: bool
    gateway_pid: int | None = None
    gateway_began: float | None = None
    held: bool = False
    occupied: bool = False

    @property
    def possible(self) -> bool:
        """Return whether anything can be running."""
        return self.gateway_lives or self.occupied


def log_sources(looks: Sequence[LogLook], activity: Activity, gateway_tells: bool) -> Iterator[SourceView]:
    """Yield the logs of a root. `gateway_tells`: its gateway says itself what it does.

    Of the places where OpenClaw logs by itself one is enough, and the best stands for all. A log that a person named may
    be the only one that tells of this root: each has to be readable.
    """
    judged = [_with_age(look, activity) for look in looks]
    judged.sort(key=lambda look: (look.state is not SourceState.READ, -(look.as_of or 0.0)))
    best = judged[0] if judged else LogLook("", SourceState.MISSING)
    shown = judged if best.named else [best]
    for look in shown:
        lost = None
        if activity.possible and not gateway_tells:
            lost = _lost_log(look, judged, best)
        state = look.state
        if look.broken:
            lost = f"{look.where}: {look.why}"
        elif state is not SourceState.READ and not activity.possible:
            state = SourceState.NOT_NEEDED
        yield SourceView(SourceKind.LOG, look.where, state, look.as_of, lost)


def _lost_log(look: LogLook, judged: Sequence[LogLook], best: LogLook) -> str | None:
    """Say what is not known because a log is not read, or not wholly."""
    if look.state is SourceState.READ:
        return None if look.unread is None else f"{look.unread}: what they tell is not known"
    if best.state is SourceState.READ:
        return f"{look.where} is not read ({look.why}): what it tells is not known"
    tried = "; ".join(dict.fromkeys(f"{other.where}: {other.why or other.state}" for other in judged))
    return f"{NO_LOG}: {tried or 'there is none'}; {NAME_LOG}"


def _with_age(look: LogLook, activity: Activity) -> LogLook:
    """Return a log as stale where it provably is not the one that is written now; a quiet log is none."""
    if look.state is not SourceState.READ or look.as_of is None:
        return look
    began, now = activity.gateway_began, activity.now
    if (
        look.empty
        and not look.named
        and (began is None or look.as_of <= began + START_SLACK_S < now - STARTED_S)
    ):
        # A service manager makes the file for what a gateway may say there; where else it logs is not known.
        return _stale(look, "nothing was ever written into it")
    written = f"written last at {time_of_day(look.as_of, now)}"
    if began is not None and now - began > STARTED_S and look.as_of < began - START_SLACK_S:
        pid = "" if activity.gateway_pid is None else f" (pid {activity.gateway_pid})"
        return _stale(look, f"{written}, before the gateway{pid} started at {time_of_day(began, now)}")
    if activity.held and now - look.as_of > SILENT_DAY_S:
        return _stale(look, f"{written}, more than a day ago, and a session is held")
    return look


def _stale(look: LogLook, why: str) -> LogLook:
    return LogLook(look.where, SourceState.STALE, look.as_of, why, look.named, look.unread)


def gateway_source(
    look: SourceLook | None,
    where: str,
    activity: Activity,
    log_is_read: bool,
    version: str | None,
    broken_off: str | None = None,
) -> SourceView:
    """Return the gateway's word as a source; `look` is None where files tell all that it could.

    `log_is_read`: the log is, and in this release it shows what the gateway would tell. `broken_off` says that the
    gateway ended without a word on what ran in it.
    """
    if broken_off is not None and not activity.gateway_lives:
        return SourceView(SourceKind.GATEWAY, where, SourceState.MISSING, None, broken_off)
    if look is None or not activity.possible:
        return SourceView(SourceKind.GATEWAY, where, SourceState.NOT_NEEDED)
    lost = None
    if look.state is not SourceState.READ and not log_is_read:
        lost = (
            f"the gateway tells nothing, and the log alone of OpenClaw {version or 'of an unknown release'} does not show "
            f"every run: {look.why}"
        )
    return SourceView(SourceKind.GATEWAY, look.where or where, look.state, look.as_of, lost)
