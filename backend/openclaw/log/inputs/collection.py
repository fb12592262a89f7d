"""The logs that are meant by words: files, pipes, folders and patterns, put together to whole logs."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from msgspec import Struct, field

from lockdeck.backend.openclaw.log.inputs.content import holds_log
from lockdeck.backend.openclaw.log.inputs.rotation import has_log_name, in_sets
from lockdeck.backend.openclaw.log.inputs.words import STDIN, is_stdin

MOST_FILES = 10_000
"""Files of a folder, or matches of a pattern, that are looked at."""
DEPTH = 8
"""Folders are looked into so deep."""


class LogSet(Struct, frozen=True):
    """One log: its current file and those rotated away that were asked for, the oldest first."""

    name: str
    paths: tuple[str, ...]


class Collection(Struct):
    """The logs that words mean.

    `searched` are those files that nobody named: it is no fault where one of them is no log. `left_out` counts the
    files of folders that have neither name nor content of a log.
    """

    sets: tuple[LogSet, ...] = ()
    searched: set[str] = field(default_factory=set)
    left_out: int = 0
    problems: list[str] = field(default_factory=list)


def collect(words: Iterable[str]) -> Collection:
    """Find the logs; each file once, whatever its names. What is missing is told by who opens it."""
    collection, paths, stdin = Collection(), dict[object, str](), False
    for word in words:
        if is_stdin(word):
            stdin = True
            continue
        for path in _paths_of(word, collection):
            paths.setdefault(_identity(path), path)
    sets = [LogSet(name, tuple(files)) for name, files in in_sets(paths.values()).items()]
    collection.sets = (*((LogSet("stdin", (STDIN,)),) if stdin else ()), *sets)
    return collection


def _paths_of(word: str, collection: Collection) -> Iterator[str]:
    path = word if os.path.lexists(word) else os.path.expanduser(word)
    if os.path.isdir(path):
        yield from _logs_in(path, collection)
    elif glob.has_magic(path) and not os.path.lexists(path):
        yield from _matches(path, collection)
    else:
        yield path


def _matches(pattern: str, collection: Collection) -> Iterator[str]:
    matches = list(islice(glob.iglob(pattern, recursive=True), MOST_FILES + 1))
    if not matches:
        collection.problems.append(f"{pattern}: no file has such a name")
    _cap(matches, pattern, collection)
    for path in sorted(matches):
        if not os.path.isdir(path):
            yield from _regular(path, collection, lambda _: True)
        elif "**" not in pattern:
            yield from _logs_in(path, collection)


def _logs_in(folder: str, collection: Collection) -> Iterator[str]:
    files = list(islice(_files_below(folder, collection), MOST_FILES + 1))
    _cap(files, folder, collection)
    logs = [path for file in sorted(files) for path in _regular(file, collection, _is_log)]
    if not logs:
        collection.problems.append(f"{folder} holds no log, looked at {len(files)} files")
    yield from logs


def _is_log(path: str) -> bool:
    return has_log_name(os.path.basename(path)) or holds_log(path)


def _regular(path: str, collection: Collection, is_log: Callable[[str], bool]) -> Iterator[str]:
    """Yield a path of a search if a regular file stands there that may be a log; nothing else is opened."""
    try:
        fits = stat.S_ISREG(os.stat(path).st_mode) and is_log(path)
    except (OSError, ValueError):
        fits = False
    if fits:
        collection.searched.add(path)
        yield path
    else:
        collection.left_out += 1


def _files_below(folder: str, collection: Collection) -> Iterator[str]:
    def note(error: OSError) -> None:
        collection.problems.append(f"{error.filename} can't be listed: {error.strerror or error}")

    top = folder.rstrip(os.sep).count(os.sep)
    for path, folders, names in os.walk(folder, onerror=note):
        folders[:] = sorted(folders) if path.count(os.sep) - top < DEPTH else []
        yield from (os.path.join(path, name) for name in sorted(names))


def _cap(paths: list[str], place: str, collection: Collection) -> None:
    if len(paths) > MOST_FILES:
        del paths[MOST_FILES:]
        collection.problems.append(f"{place}: more than {MOST_FILES} files; the rest is not looked at")


def _identity(path: str) -> object:
    """Return what all names of a file have in common."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return os.path.realpath(path)
    return status.st_dev, status.st_ino
