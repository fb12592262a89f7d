"""Times of lines that tell no date: what their stream tells of it, and nothing else.

A clock of day has the date of a dated line above it only where both show the same wall clock, or where the clock tells
its zone. Else the lines of a stream have an order, and differences where they have clocks, but no date
(`backend/model/moments.py`); a dated line further down does not change that, and neither does the time of the file.
A line that arrives while its file is followed is witnessed by that.
"""

from __future__ import annotations

from lockdeck.backend.model.moments import (
    DAY_S,
    LINE_STEP_S,
    MOST_DAYS,
    YEAR_S,
    Telling,
    is_dated,
    on_scale,
)
from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.openclaw.log.arrivals import Arrivals
from lockdeck.backend.openclaw.log.framing.stamps import (
    LEAP_DAY,
    QUARTER_S,
    Clock,
    apart,
    day_of_year,
    read_clock,
    read_stamp,
)
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapped
from lockdeck.backend.openclaw.log.records import whole_time

BACK_S = 7200.0
"""A clock that steps back by less (seconds) is another writer's or was put back; by more, it has passed midnight."""
SAME_CLOCK_S = 60.0
"""The clock of a line and the one a dated line above shows are the same where they differ by at most so much (seconds)."""
_BANNER = late_pattern(r"Log file: \S{0,400}openclaw-(\d{4}-\d\d-\d\d)(?:\.\d{1,2})?\.log\s*$")
"""The first line that `openclaw logs` prints. A file has the lines of one day, where its writer runs."""


class Dating:
    """The times of the lines of one stream that tell no date, in the order of the stream.

    `stream` numbers the streams that are read together.
    """

    __slots__ = (
        "_above",
        "_arrivals",
        "_day",
        "_file_date",
        "_leapless",
        "_lines",
        "_moment",
        "_stream",
        "_tied",
        "_zone",
    )

    def __init__(self, stream: int = 0) -> None:
        self._stream = stream
        self._lines = 0
        self._above: tuple[float, str] | None = None
        self._file_date: str | None = None
        self._moment: float | None = None
        self._zone: float | None = None
        self._tied = False
        self._day: tuple[float, Clock] | None = None
        self._leapless = False
        self._arrivals = Arrivals()

    @property
    def follows(self) -> bool:
        """Return whether every line counts from here on: a midnight may pass between two that concern us."""
        return self._moment is not None or self._day is not None

    @property
    def moment(self) -> float | None:
        """The moment of the last clock without a date."""
        return self._day[0] if self._moment is None and self._day is not None else self._moment

    @property
    def needs_date(self) -> bool:
        """Return whether a line with a date above would date the next clock."""
        return not self.follows and self._arrivals.at is None

    def arrive(self, at: float | None) -> None:
        """Take note of when the next lines arrived."""
        self._arrivals.arrive(at)

    def pass_by(self, line: Unwrapped) -> None:
        """Take note of a line that does not concern us, but tells a date or that time has passed."""
        whole = whole_time(line)
        banner = _BANNER.match(line.text)
        if banner is not None:
            self._file_date = banner[1]
        if whole is not None:
            self._above = whole
            if self._tied and self._moment is not None:
                self._moment = max(self._moment, whole[0])
        elif line.clock is not None and line.own and self.follows and self._arrivals.at is None:
            self._by_clock(line.clock)

    def moment_of(self, line: Unwrapped) -> float:
        """Return the moment of a line that tells no date of its own."""
        moment = self._arrivals.moment_of(line.clock)
        if moment is None and line.clock is not None:
            moment = self._by_clock(line.clock)
        if moment is not None:
            return moment
        self._lines += 1
        return on_scale(Telling.ORDER, self._stream, self._lines * LINE_STEP_S)

    def _by_clock(self, clock: Clock) -> float | None:
        return self._of_day(clock) if clock.day is not None else self._of_clock(clock)

    def _of_clock(self, clock: Clock) -> float | None:
        if self._moment is None:
            self._begin(clock)
        moment = _next(self._moment or 0.0, self._seconds(clock))
        if not is_dated(moment) and moment > on_scale(Telling.CLOCK, self._stream, (MOST_DAYS - 1) * DAY_S):
            return None
        self._moment = moment
        return moment

    def _seconds(self, clock: Clock) -> float:
        """Return a clock in seconds after midnight: of UTC where the stream has a date, else of the stream's zone."""
        self._zone = clock.offset_s if self._zone is None else self._zone
        zone = self._zone or 0.0
        offset = zone if clock.offset_s is None else clock.offset_s
        return clock.seconds - offset + (0.0 if self._tied else zone)

    def _begin(self, clock: Clock) -> None:
        """Find the date of the first clock: a dated line's, or none."""
        self._zone = clock.offset_s
        if self._above is not None:
            above, stamp = self._above
            shown = read_clock(stamp[11:19])
            same = shown is not None and abs(apart(clock.seconds, shown.seconds)) <= SAME_CLOCK_S
            if clock.offset_s is None and shown is not None and same:
                self._zone = round(apart(shown.seconds, above) / QUARTER_S) * QUARTER_S
            if self._zone is not None:
                self._moment, self._tied = above, True
        if self._moment is None and self._file_date is not None and clock.offset_s is not None:
            midnight = read_stamp(f"{self._file_date}T00:00:00Z")
            if midnight is not None:
                self._moment, self._tied = midnight + clock.seconds - clock.offset_s, True
        if self._moment is None:
            self._moment = on_scale(Telling.CLOCK, self._stream, clock.seconds)

    def _of_day(self, clock: Clock) -> float | None:
        """Return the moment of a clock with month and day; the year is that of a dated line that shows the same."""
        if self._day is None:
            moment = self._year_above(clock)
            if moment is None:
                moment = on_scale(Telling.MONTH_DAY, self._stream, _place(clock))
        else:
            last, before = self._day
            passed = _place(clock) - _place(before)
            passed += YEAR_S if passed < -YEAR_S / 2 else 0.0
            # From February 28 to March 1 it is one day or two, and only the year tells.
            self._leapless |= (before.day or 0) < LEAP_DAY < (clock.day or 0) and passed > 0
            moment = last + passed
        end = on_scale(Telling.MONTH_DAY, self._stream, MOST_DAYS * DAY_S - YEAR_S)
        if self._leapless or (not is_dated(moment) and moment > end):
            return None
        self._day = (moment, clock)
        return moment

    def _year_above(self, clock: Clock) -> float | None:
        if self._above is None or clock.day is None:
            return None
        moment, stamp = self._above
        shown = read_clock(stamp[11:19])
        if shown is None or not stamp[:4].isdigit() or stamp[4:5] != "-":
            return None
        wall = moment + apart(shown.seconds, moment)
        ahead = clock.seconds - shown.seconds
        same = clock.day == day_of_year(wall) and abs(ahead) <= SAME_CLOCK_S
        return moment + ahead if same else None


def _next(last: float, seconds: float) -> float:
    """Return the moment at which it is so many seconds after midnight, the first one after the last line's."""
    return last + (seconds - last + BACK_S) % DAY_S - BACK_S


def _place(clock: Clock) -> float:
    return (clock.day or 0) * DAY_S + clock.seconds
