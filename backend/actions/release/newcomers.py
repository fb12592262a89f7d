"""Processes of OpenClaw that have just started: they may be clearing away the same lock themselves.

A start-up of OpenClaw judges locks and then deletes them by path, and may be slow in between: what it deletes need not be
what it judged. Only who was there while the lock stood can have judged it. So a release waits for a moment without
such a process, NEWCOMER_S at most; and whoever is young when the stand-in takes the name is outlived by the stand-in.
Who starts later finds the stand-in and judges that. However many start meanwhile, the waits end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

from lockdeck.backend.actions.release.belonging import may_serve
from lockdeck.backend.model.words import duration
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system.clocks import time_asleep
from lockdeck.backend.system.endings import await_an_end
from lockdeck.backend.system.processes import ProcessIdentity, openclaw_processes
from lockdeck.backend.system.procfs import age_of
from lockdeck.backend.system.text import SafeText

NEWCOMER_S = 30.0
"""A gateway or command line younger than this (seconds) may just be reclaiming the same lock."""
_TICK_S = 1.0


class Newcomer(Struct, frozen=True):
    """A process of OpenClaw that may have run for less than NEWCOMER_S.

    `age_s`: for how many seconds it has run at least, None where it can't be told. Nothing tells when the machine slept,
    so all of its sleep (`asleep_s`) is taken for time in which the process could not run.
    """

    pid: int
    name: SafeText
    age_s: float | None
    asleep_s: float = 0.0

    @property
    def remaining_s(self) -> float:
        """Seconds until it is old enough, if it does not end before."""
        return NEWCOMER_S if self.age_s is None else max(0.0, NEWCOMER_S - self.age_s)

    @property
    def sentence(self) -> str:
        """What it is, and why it matters."""
        start = "at an unknown time" if self.age_s is None else f"{duration(max(0.0, self.age_s))} ago"
        if self.asleep_s >= 1.0 and self.age_s is not None:
            start += f" (not counting the {duration(self.asleep_s)} that this machine has slept)"
        event = f"pid {self.pid} ({self.name}) of OpenClaw started {start}"
        return f"{event}: it may be reclaiming locks itself, {duration(NEWCOMER_S)} must pass or it must end"


Newcomers = tuple[Newcomer, ...]


class Patience(Struct, frozen=True):
    """The way a release waits for newcomers, and the tests' place to do it on another clock.

    `look` finds those of a place, `pause` waits until one of some pids ends or so many seconds have passed, `tell` hears
    how long it may still take and for whom.
    """

    look: Callable[[Place], Newcomers]
    steady: Callable[[], float]
    pause: Callable[[Collection[int], float], object] = await_an_end
    tell: Callable[[float, Newcomers], object] = lambda _seconds, _newcomers: None


def newcomers_at(place: Place) -> Newcomers:
    """Return the processes of OpenClaw that started within the last NEWCOMER_S and may work where a lock stands."""
    return newcomers_among(openclaw_processes(), place)


def newcomers_among(running: Sequence[ProcessIdentity], place: Place) -> Newcomers:
    """Return those of some processes that are newcomers. One whose root or age can't be told counts."""
    newcomers, asleep = [], time_asleep()
    for process in running:
        age = None if process.start_ticks is None else max(0.0, age_of(process.start_ticks) - asleep)
        if (age is None or age < NEWCOMER_S) and may_serve(process.pid, process.argv, place):
            newcomers.append(Newcomer(process.pid, process.name, age, asleep))
    return tuple(newcomers)


def longest_wait(newcomers: Newcomers) -> float:
    """Return for how many seconds a release would wait for these at most."""
    return max((one.remaining_s for one in newcomers), default=0.0)


def await_quiet(place: Place, patience: Patience) -> None:
    """Wait for a moment without a newcomer, or until all that were there at the beginning are old or gone."""
    until = patience.steady() + NEWCOMER_S
    while (newcomers := patience.look(place)) and (left := until - patience.steady()) > 0:
        _pause(newcomers, min(left, longest_wait(newcomers)), patience)


def outlive(newcomers: Newcomers, place: Place, patience: Patience) -> None:
    """Wait until each of these is old or gone; who comes meanwhile does not matter."""
    pids = {one.pid for one in newcomers}
    until = patience.steady() + longest_wait(newcomers)
    while pids and (left := until - patience.steady()) > 0:
        young = tuple(one for one in patience.look(place) if one.pid in pids)
        pids = {one.pid for one in young}
        if pids:
            _pause(young, min(left, longest_wait(young)), patience)


def _pause(newcomers: Newcomers, seconds: float, patience: Patience) -> None:
    patience.tell(seconds, newcomers)
    patience.pause([one.pid for one in newcomers], min(_TICK_S, seconds))
