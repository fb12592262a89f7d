"""Names of rotated logs: which files are one log, and which of them is older. Pure.

`x.log.2.gz` (logrotate, newsyslog, docker's `-json.log.1`), `x.log-20260409` (logrotate's dateext),
`openclaw-2026-04-09.1.log` (OpenClaw, 1 is the newest), `0.log.20260409-120000.gz` (kubelet),
`out__2026-04-09_00-00-00.log` (pm2-logrotate), `@4000….s` beside `current` (runit, s6).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from msgspec import Struct

from lockdeck.backend.model.pattern import late_pattern

_PACKED = late_pattern(r"\.(?:gz|xz|bz2|zst|zstd|lz4|Z)\Z")
_DATE = late_pattern(
    r"(?:^|__|[-_.])"
    r"(?P<year>(?:19|20)\d\d)-?(?P<month>0[1-9]|1[0-2])-?(?P<day>0[1-9]|[12]\d|3[01])"
    r"(?:-(?P<epoch>\d{9,10})|[-_T.]?(?P<time>[0-2]\d(?:[-:_]?[0-5]\d){0,2}))?"
    r"(?=[-_.Z]|\Z)"
)
_NUMBER = late_pattern(r"\.(\d{1,4})(?=\.[A-Za-z]+\Z|\Z)")
_TAI = late_pattern(r"@([0-9a-f]{24})\.[a-z]")
_LOG_NAME = late_pattern(r"\.(?:log|out|err)\Z|\A(?:current|syslog|messages|stdout|stderr)\Z")
_NEWEST = "~"
"""Sorts behind every date."""


class RotationPlace(Struct, frozen=True, order=True):
    """The place of a file among the files of one log: `moment` first, then the higher `number` is older."""

    moment: str
    age: int
    name: str


def family_of(name: str) -> tuple[str, RotationPlace]:
    """Return the name that the current file of a log has or would have, and the place of the file named `name`."""
    stem = _PACKED.sub("", name)
    tai = _TAI.fullmatch(stem)
    if tai is not None:
        return "current", RotationPlace(tai[1], 0, name)
    moment, number = _NEWEST, 0
    date = _DATE.search(stem)
    if date is not None:
        time = re.sub(r"\D", "", date["time"] or "")
        moment = f"{date['year']}{date['month']}{date['day']}{date['epoch'] or time.ljust(6, '0')}"
        stem = stem[: date.start()] + stem[date.end() :]
    numbers = _NUMBER.search(stem)
    if numbers is not None and numbers.start():
        number = int(numbers[1]) + 1
        stem = stem[: numbers.start()] + stem[numbers.end() :]
    return stem or name, RotationPlace(moment, -number, name)


def has_log_name(name: str) -> bool:
    """Return whether logs, rotated and packed ones too, have such names."""
    family, _ = family_of(name)
    return _LOG_NAME.search(family) is not None


def in_sets(paths: Iterable[str]) -> dict[str, list[str]]:
    """Return the paths of each log, by folder and family, its oldest first."""
    sets: dict[str, list[tuple[RotationPlace, str]]] = {}
    for path in paths:
        folder, name = os.path.split(path)
        family, place = family_of(name)
        sets.setdefault(os.path.normpath(os.path.join(folder, family)), []).append((place, path))
    return {name: [path for _, path in sorted(files)] for name, files in sets.items()}
