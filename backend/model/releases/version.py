"""OpenClaw's versions, comparable in the order in which they were released."""

from __future__ import annotations

import re

from msgspec import Struct

from lockdeck.backend.model.pattern import late_pattern

_PATTERN = late_pattern(
    r"v?(\d{4})\.(\d{1,2})\.(\d{1,4})(?:-(?:(\d{1,4})|([a-z]{1,12})(?:\.(\d{1,4}))?))?", re.ASCII
)
_PRE_RELEASE, _RELEASE = -1, 0


class Version(Struct, frozen=True, order=True):
    """One release: `2026.7.1-2` is a later build of 2026.7.1, `2026.8.1-beta.3` comes before 2026.8.1."""

    year: int
    month: int
    patch: int
    stage: int = _RELEASE
    label: str = ""
    build: int = 0

    @classmethod
    def parse(cls, text: object) -> Version | None:
        """Return the version that `text` names ("2026.4.5", "v2026.7.1-2"); None for anything else."""
        match = _PATTERN.fullmatch(text.strip()) if isinstance(text, str) and len(text) < 64 else None
        if match is None:
            return None
        year, month, patch = int(match[1]), int(match[2]), int(match[3])
        if match[5]:
            return cls(year, month, patch, _PRE_RELEASE, match[5], int(match[6] or 0))
        return cls(year, month, patch, build=int(match[4] or 0))

    @property
    def series(self) -> str:
        """The month of the release: `2026.7`."""
        return f"{self.year}.{self.month}"

    def __str__(self) -> str:
        number = f"{self.series}.{self.patch}"
        if self.stage == _PRE_RELEASE:
            return f"{number}-{self.label}.{self.build}" if self.build else f"{number}-{self.label}"
        return f"{number}-{self.build}" if self.build else number
