"""Regular expressions that are compiled when they are first asked: a start asks few of them, and compiling all takes long."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def late_pattern(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return a regular expression; what is wrong with it is raised when it is first asked."""
    return cast("re.Pattern[AnyStr]", LatePattern(source, flags))


class LatePattern:
    """A regular expression that becomes one when it is first asked; from then on the methods that were asked stand here."""

    def __init__(self, source: str | bytes, flags: int = 0) -> None:
        self._source = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        value = getattr(re.compile(self._source, self._flags), name)
        setattr(self, name, value)
        return value
