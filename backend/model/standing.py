"""How long an answer stands: the time that a rule is handed notes by itself when another answer would come.

A rule asks of time in steps: it takes moments from each other, compares lengths with limits, and rounds them for a
sentence. Each such step holds until a moment that follows from it, and the answer holds until the first of these. So no
rule has to say a second time, beside itself, when it changes, and none can forget to.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

SLACK_S = 0.001
"""A moment is told so much (seconds) early: sums of epoch seconds are not exact."""


class Standing:
    """Until when (epoch seconds) what is answered with `now` stays the answer, if nothing but time goes on.

    `until` is infinite as long as no answer depends on time, and not after the present where it can't be told, or is not
    `asked` for.
    """

    def __init__(self, now: float, *, asked: bool = True) -> None:
        self.until = math.inf if asked else now
        self._present = now
        self.now: float = _passing(now, 1.0, self) if asked else now

    def ends_in(self, seconds: float) -> None:
        """Note that another answer may come after some time."""
        self.until = min(self.until, self._present + seconds - SLACK_S)


def _as_now(operation: Callable[..., Any]) -> Any:
    """Return an operation that is made with what a number is now: how long that stands is not told."""
    return lambda passing, *numbers: operation(float(passing), *numbers)


def _turned(operation: Callable[..., Any]) -> Any:
    """Return an operation that is asked of its second number."""
    return _as_now(lambda passing, number: operation(number, passing))


class Passing(float):
    """A number that grows by `pace` a second: the present, or how long something has lasted or is still to last.

    What can't be told ahead (its digits, its bits) ends the standing at once.
    """

    __slots__ = ("pace", "standing")
    pace: float
    standing: Standing

    def _plain(self) -> float:
        return float.__add__(self, 0.0)

    def _compare(self, number: Any) -> float:
        """Return how much this is more than another number, and note when that turns."""
        more, pace = float.__sub__(self, number), self.pace
        if more is NotImplemented:
            return math.nan
        if type(number) is Passing:
            pace -= number.pace
        if pace and more / pace <= 0:
            self.standing.ends_in(-more / pace)
        return more

    def __add__(self, number: float) -> float:
        """Return a sum."""
        return _passing(float.__add__(self, number), self.pace + _pace_of(number), self.standing)

    __radd__ = __add__

    def __sub__(self, number: float) -> float:
        """Return a difference."""
        return _passing(float.__sub__(self, number), self.pace - _pace_of(number), self.standing)

    def __rsub__(self, number: float) -> float:
        """Return a difference."""
        return _passing(float.__rsub__(self, number), _pace_of(number) - self.pace, self.standing)

    def __mul__(self, number: float) -> float:
        """Return a product."""
        factor = float(number)
        return _passing(float.__mul__(self, factor), self.pace * factor, self.standing)

    __rmul__ = __mul__

    def __truediv__(self, number: float) -> float:
        """Return a quotient."""
        divisor = float(number)
        return _passing(float.__truediv__(self, divisor), self.pace / divisor, self.standing)

    def __neg__(self) -> float:
        """Return the opposite."""
        return _passing(float.__neg__(self), -self.pace, self.standing)

    def __abs__(self) -> float:
        """Return the distance from zero."""
        return -self if self < 0 else self

    def __lt__(self, number: float) -> bool:
        """Compare."""
        return self._compare(number) < 0

    def __le__(self, number: float) -> bool:
        """Compare."""
        return self._compare(number) <= 0

    def __gt__(self, number: float) -> bool:
        """Compare."""
        return self._compare(number) > 0

    def __ge__(self, number: float) -> bool:
        """Compare."""
        return self._compare(number) >= 0

    def __eq__(self, number: object) -> bool:
        """Compare."""
        return self._compare(number) == 0

    def __ne__(self, number: object) -> bool:
        """Compare."""
        return self._compare(number) != 0

    def __bool__(self) -> bool:
        """Return whether it is not zero."""
        return self != 0

    def __round__(self, digits: int | None = None) -> float:  # type: ignore[override]
        """Return it rounded; that stands until it comes out different."""
        step = 10.0 ** -(digits or 0)
        nearest = round(self._plain() / step) * step
        edge = nearest + math.copysign(step / 2, self.pace)
        self.standing.ends_in(max(0.0, (edge - self._plain()) / self.pace))
        return round(self._plain()) if digits is None else round(self._plain(), digits)

    def __float__(self) -> float:
        """Return it as it is now: that passes no more, and says nothing of later."""
        self.standing.ends_in(0.0)
        return self._plain()

    def __hash__(self) -> int:
        """Return the hash of what it is now."""
        return hash(float(self))

    __int__ = __trunc__ = _as_now(int)
    __floor__, __ceil__ = _as_now(math.floor), _as_now(math.ceil)
    __str__, __repr__, __format__ = _as_now(str), _as_now(repr), _as_now(format)
    __floordiv__, __mod__, __divmod__ = _as_now(operator.floordiv), _as_now(operator.mod), _as_now(divmod)
    __rfloordiv__, __rmod__, __rdivmod__ = _turned(operator.floordiv), _turned(operator.mod), _turned(divmod)
    __pow__, __rpow__, __rtruediv__ = _as_now(pow), _turned(pow), _turned(operator.truediv)


def _passing(value: float, pace: float, standing: Standing) -> float:
    """Return a number that passes, a plain one where it stands still."""
    if not pace:
        return value
    number = float.__new__(Passing, value)
    number.pace, number.standing = pace, standing
    return number


def _pace_of(number: float) -> float:
    return number.pace if type(number) is Passing else 0.0
