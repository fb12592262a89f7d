"""OpenClaw's versions, comparable, and what is known to differ between them."""

from __future__ import annotations

import re

from msgspec import Struct

_PATTERN = re.compile(
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

    def __str__(self) -> str:
        number = f"{self.year}.{self.month}.{self.patch}"
        if self.stage == _PRE_RELEASE:
            return f"{number}-{self.label}.{self.build}" if self.build else f"{number}-{self.label}"
        return f"{number}-{self.build}" if self.build else number


FIRST_WITH_LONG_RUNS = Version(2026, 4, 5)
"""From here on a run may take 48 hours by default; 600 s in 2026.3.13."""
FIRST_WITH_SHORT_COMPACTION = Version(2026, 6, 11)
"""From here on a compaction may take 180 s by default, 900 s before (the longest hold of 2026.5.28 and 2026.6.11)."""
FIRST_WITH_TERMINAL_ABORT = Version(2026, 4, 12)
"""From here on a person's abort ends the rotation instead of driving it on (read in 2026.4.12)."""
FIRST_WITH_LONG_IDLE = Version(2026, 4, 15)
"""From here on the idle timeout of a model is 120 s by default, 60 s before (read in 2026.4.15)."""
FIRST_WITH_LONG_ACQUIRE = Version(2026, 5, 7)
"""From here on a caller waits 60 s for a lock by default, 10 s up to 2026.4.29 (read in 2026.5.7)."""
FIRST_WITHOUT_LOCK_CASCADE = Version(2026, 5, 19)
"""From here on a lock timeout is rethrown at once (openclaw#66646; absent from the code of 2026.5.18)."""
FIRST_WITHOUT_LOCK_FILES = Version(2026, 8, 1)
"""From here on sessions are kept in SQLite and there is no `.jsonl.lock` (read in 2026.8.1)."""
FIRST_WITH_SAME_MODEL_RETRIES = Version(2026, 9, 1)
"""From here on a hanging model is tried again before the next profile: seen on 2026.9.6, absent from 2026.8.2.

The versions between were not read; the worst case counts the retries for them too.
"""


def default_acquire_timeout_ms(version: Version) -> int:
    """How long a caller waits for a session lock before it fails, in milliseconds, unless configured."""
    return 60_000 if version >= FIRST_WITH_LONG_ACQUIRE else 10_000


def default_idle_timeout_s(version: Version) -> float:
    """After how many silent seconds a model counts as hung, unless configured."""
    return 120.0 if version >= FIRST_WITH_LONG_IDLE else 60.0


def default_run_timeout_s(version: Version) -> float:
    """How long one run may take, in seconds, unless configured (172,800 s read in 2026.4.5 and later)."""
    return 172_800.0 if version >= FIRST_WITH_LONG_RUNS else 600.0


def default_compaction_timeout_s(version: Version) -> float:
    """How long one compaction may take, in seconds, unless configured."""
    return 180.0 if version >= FIRST_WITH_SHORT_COMPACTION else 900.0


def has_lock_files(version: Version) -> bool:
    """Whether this version keeps `.jsonl.lock` files at all (2026.2.9 to 2026.7.35 were read)."""
    return version < FIRST_WITHOUT_LOCK_FILES


def exposed_to_rotation_under_lock(version: Version) -> bool:
    """Whether a hung provider makes it rotate with the session locked (openclaw#62351).

    No release with lock files carries the proposed fix; first better: `FIRST_WITHOUT_LOCK_FILES`.
    """
    return has_lock_files(version)


def exposed_to_lock_cascade(version: Version) -> bool:
    """Whether one lock timeout is taken for a model failure and tried on every candidate (openclaw#66646).

    Changelog and code differ: listed under 2026.5.12, first in the code of `FIRST_WITHOUT_LOCK_CASCADE`.
    """
    return version < FIRST_WITHOUT_LOCK_CASCADE


def reclaims_dead_locks_itself(version: Version) -> bool:
    """Whether the next writer removes the lock of a dead pid by itself (read in 2026.2.9 to 2026.7.35).

    From `FIRST_WITHOUT_LOCK_FILES` on nothing reads a lock that was left behind.
    """
    return has_lock_files(version)
