"""Where a log ends, by who wrote it: at its last date, and at its last clock without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lockdeck.backend.model.moments import LogEnd, is_dated
from lockdeck.backend.openclaw.log.datings import Datings, Origins
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapped
from lockdeck.backend.openclaw.log.records import whole_time


def ends_of(lines: Sequence[Unwrapped], datings: Datings) -> dict[Origins, tuple[LogEnd, ...]]:
    """Return the ends that the last lines of a log tell; the clocks among them pass by their datings."""
    dates: dict[Origins, LogEnd] = {}
    clocks: dict[Origins, Unwrapped] = {}
    for line in reversed(lines):
        whole = whole_time(line)
        if whole is not None:
            dates.setdefault(line.origins, LogEnd(whole[0], goes_on=line.origins in clocks))
        elif line.clock is not None:
            clocks.setdefault(line.origins, line)
    for line in clocks.values() if datings.follows else ():
        datings.pass_by(line)
    return _with_clocks(dates, datings.clocks())


def _with_clocks(
    dates: Mapping[Origins, LogEnd], clocks: Mapping[Origins, float]
) -> dict[Origins, tuple[LogEnd, ...]]:
    """Return the ends by both; below the one that stands above, the log goes on for a time that no line tells."""
    ends: dict[Origins, tuple[LogEnd, ...]] = {origins: (end,) for origins, end in dates.items()}
    for origins, moment in clocks.items():
        date = dates.get(origins)
        if date is not None and is_dated(moment):
            ends[origins] = (LogEnd(max(moment, date.moment)),)
        else:
            clock = LogEnd(moment, goes_on=date is not None and not date.goes_on)
            ends[origins] = (*ends.get(origins, ()), clock)
    return ends
