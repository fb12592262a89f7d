"""Lock paths as other processes see them: a container may have the same session under another prefix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_PARTS = 4
"""`agents/<agent>/sessions/<file>`: what of a lock's path is OpenClaw's own."""


def place_of(path: str) -> str | None:
    """Return the part of a lock's path that is the same under every prefix; None for another layout."""
    parts = path.replace("\\", "/").split("/")[-_PARTS:]
    if len(parts) < _PARTS or parts[0] != "agents" or parts[2] != "sessions" or not all(parts):
        return None
    return "/".join(parts)


def same_lock(path: str, other: str) -> bool:
    """Return whether two paths can be one lock: they are equal, or differ in their prefix alone."""
    place = place_of(path)
    return path == other or (place is not None and place == place_of(other))


def known_paths(paths: Iterable[str], directories: Iterable[str]) -> Mapping[str, str]:
    """Return for each path below no known sessions directory the one path here that it means.

    Left out is what could be meant in several directories: nothing is joined by guessing.
    """
    ends: dict[str, set[str]] = {}
    known = set(directories)
    for directory in known:
        place = place_of(f"{directory}/x")
        if place is not None:
            ends.setdefault(place[:-2], set()).add(directory)
    meant: dict[str, str] = {}
    for path in paths:
        place = place_of(path)
        if place is None or path.replace("\\", "/").rpartition("/")[0] in known:
            continue
        folder, _, name = place.rpartition("/")
        candidates = ends.get(folder, set())
        if len(candidates) == 1:
            meant[path] = f"{next(iter(candidates))}/{name}"
    return meant
