"""Faults that keep a path from being a root, with the path that was probably meant."""

from __future__ import annotations

import os
import stat

from msgspec import Struct

from lockdeck.backend.openclaw.roots.budgets import READ_S
from lockdeck.backend.openclaw.roots.environment import CONFIG_NAMES
from lockdeck.backend.system.text import SafeText, safe

_MARKS = ("agents", *CONFIG_NAMES, "state/openclaw.sqlite")


class RootFault(Struct, frozen=True):
    """A reason why a path can't be used as a root. `unseen`: what is there can't be seen; else there is no root there."""

    sentence: SafeText
    unseen: bool = False


def fault_of_root(path: str) -> RootFault | None:
    """Say why `path` can't be used as a root, and whether that hides what is there; None when it can."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return RootFault(safe(f"{path} does not exist"))
    except (OSError, ValueError) as error:
        return RootFault(safe(f"{path} can't be looked at: {reason_of(error)}"), unseen=True)
    if not stat.S_ISDIR(status.st_mode):
        return RootFault(safe(_with_hint(path, f"{path} is a file, not a state directory")))
    try:
        os.scandir(path).close()
    except OSError as error:
        return RootFault(safe(f"{path} can't be listed: {reason_of(error)}"), unseen=True)
    try:
        if _has_mark(path):
            return None
    except OSError as error:
        return RootFault(safe(f"{path} can't be looked into: {reason_of(error)}"), unseen=True)
    sentence = f"{path} has no agents directory and no openclaw.json: not an OpenClaw root"
    return RootFault(safe(_with_hint(path, sentence)))


def silent_root(path: str) -> RootFault:
    """Return the fault of a root whose file system does not answer."""
    sentence = f"{path}: its files were not read within {READ_S:g} s; it is looked at again when they answer"
    return RootFault(safe(sentence), unseen=True)


def reason_of(error: OSError | ValueError) -> str:
    """Return the system's own words for an error."""
    return getattr(error, "strerror", None) or str(error)


def _has_mark(path: str) -> bool:
    """Return whether a directory looks like a root; raises OSError where that can't be seen."""
    denied: OSError | None = None
    for mark in _MARKS:
        try:
            os.stat(os.path.join(path, mark))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            denied = error
        else:
            return True
    if denied is not None:
        raise denied
    return False


def _is_root(path: str) -> bool:
    return any(os.path.exists(os.path.join(path, mark)) for mark in _MARKS)


def _with_hint(path: str, sentence: str) -> str:
    """Add the root that was probably meant: the one above `path`, or the one inside a home directory."""
    parts = os.path.abspath(path).split(os.sep)
    for index in range(len(parts) - 1, 0, -1):
        above = os.sep.join(parts[:index]) or os.sep
        if parts[index] in ("agents", *CONFIG_NAMES) and _is_root(above):
            return f"{sentence}; it belongs to the root {above}"
    below = os.path.join(path, ".openclaw")
    return f"{sentence}; did you mean {below}?" if _is_root(below) else sentence
