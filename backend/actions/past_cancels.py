"""Cancels of the past, as the journal tells them: for the rows of the sessions whose runs they ended."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from msgspec import Struct

from lockdeck.backend.actions.journal import default_journal
from lockdeck.backend.actions.journal_chain import Entry, parse_entry
from lockdeck.backend.model.cancel import OURS, Cancel
from lockdeck.backend.openclaw.log.values import clock
from lockdeck.backend.system.folders import NoHomeError
from lockdeck.backend.system.text import safe

NEWEST_BYTES = 1 << 20
"""So much of the end of a journal is read: its newest few hundred entries."""
LATE_EFFECT_S = 600.0
"""A run that is over so soon (seconds) after a rung of ours that was answered was ended by it."""

Session = tuple[str, str]


class PastCancels:
    """The cancels in one journal, read on as it grows. Any call may come from another thread than the last."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._read: _Reading = _Reading()

    def by_session(self) -> Mapping[Session, Cancel]:
        """Return the newest cancel of each session, by root and session key; also one that is under way."""
        read = self._read_on()
        return {**read.newest, **read.under_way} if read.under_way else read.newest

    def by_run(self) -> Mapping[str, Cancel]:
        """Return the cancel of each run that is named, by its id."""
        return self._read_on().by_run

    def _read_on(self) -> _Reading:
        """Read what was added since; a journal that can't be read, or that others could write, tells nothing."""
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            self._read = _Reading()
            return self._read
        try:
            status = os.fstat(file)
            if not _is_ours(status):
                self._read = _Reading()
            elif status.st_ino != self._read.inode or status.st_size < self._read.offset:
                self._read = _Reading(status.st_ino, max(0, status.st_size - NEWEST_BYTES))
            if status.st_size > self._read.offset and _is_ours(status):
                self._read.take(os.pread(file, NEWEST_BYTES, self._read.offset))
        except OSError:
            pass
        finally:
            os.close(file)
        return self._read


def past_cancels() -> PastCancels:
    """Return the cancels in the journal of this user; none where there is no place for one."""
    try:
        return PastCancels(default_journal().path)
    except NoHomeError:
        return PastCancels(os.devnull)


class _Reading:
    """What was read of a journal up to `offset`. A line that is not whole yet is read again when it is."""

    def __init__(self, inode: int = 0, offset: int = 0) -> None:
        self.inode = inode
        self.offset = offset
        self.newest: dict[Session, Cancel] = {}
        self.by_run: dict[str, Cancel] = {}
        self.under_way: dict[Session, Cancel] = {}
        self._tried: dict[Session, float] = {}

    def take(self, data: bytes) -> None:
        """Take in the whole lines of what comes next."""
        whole = data[: data.rfind(b"\n") + 1]
        # A line longer than all that is read at once is no entry of ours.
        self.offset += len(whole) or (len(data) if len(data) == NEWEST_BYTES else 0)
        for line in whole.splitlines():
            told = _entry_of_cancel(line)
            if isinstance(told, _CancelEnd):
                self._file(told)
            elif told is not None:
                session, begun = told
                self.under_way = {**self.under_way, session: begun}

    def _file(self, end: _CancelEnd) -> None:
        self.under_way = {
            session: begun for session, begun in self.under_way.items() if session != end.session
        }
        tried_at = self._tried.pop(end.session, None)
        late = end.is_over and tried_at is not None and end.cancel.at - tried_at <= LATE_EFFECT_S
        if end.worked or late:
            self.newest = {**self.newest, end.session: end.cancel}
            if end.cancel.run_id is not None:
                self.by_run = {**self.by_run, end.cancel.run_id: end.cancel}
        elif end.answered:
            self._tried[end.session] = end.cancel.at


class _CancelEnd(Struct, frozen=True):
    """The end of one rung. `answered`: a call was, and did not seem to work; `is_over`: nothing was left to end."""

    session: Session
    cancel: Cancel
    worked: bool
    answered: bool
    is_over: bool


def _entry_of_cancel(line: bytes) -> _CancelEnd | tuple[Session, Cancel] | None:
    """Return what a line tells of a rung: its end, or its session and itself where it begins; None of anything else."""
    if b'"cancel-end"' not in line and b'"cancel-begin"' not in line:
        return None
    entry = parse_entry(line)
    if entry is None or entry.get("kind") not in ("cancel-begin", "cancel-end"):
        return None
    root, key, at, outcome = (entry.get(name) for name in ("root", "key", "at", "outcome"))
    told_at = clock(at)
    if not isinstance(root, str) or not isinstance(key, str) or told_at is None:
        return None
    begins = entry.get("kind") == "cancel-begin"
    by = (_word(entry, "user"), _word(entry, "rung"), _word(entry, "runId"))
    cancel = Cancel(told_at, OURS, *by, under_way=begins)
    if begins:
        return (root, key), cancel
    step = outcome if isinstance(outcome, dict) else {}
    return _CancelEnd(
        (root, key),
        cancel,
        worked=step.get("worked") is True,
        answered=bool(step.get("answer")),
        is_over=isinstance(outcome, str),  # instead of a step: there was nothing to end
    )


def _word(entry: Entry, name: str) -> str | None:
    value = entry.get(name)
    return safe(value, 200) if isinstance(value, str) and value else None


def _is_ours(status: os.stat_result) -> bool:
    """Return whether nobody but us or root can have written a journal."""
    others = stat.S_IWGRP | stat.S_IWOTH
    return stat.S_ISREG(status.st_mode) and status.st_uid in (0, os.geteuid()) and not status.st_mode & others
