"""The asks that were begun on this host, each a file named by its nonce: what was begun once is never begun again.

The files are those of an account, for an agent lives only as long as its connection. Who does what is asked has the file
locked until it has written the answer into it; the kernel lets go of that lock however its process ends.
"""

from __future__ import annotations

import fcntl
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec

from lockdeck.backend.hosts.asks import END_NOT_KNOWN, NEVER_BEGUN, AskAnswer, Recall
from lockdeck.backend.system.clocks import wall_time
from lockdeck.backend.system.folders import private_folder

MOST_A_MINUTE = 30
"""So many asks are begun in a minute, whoever asks."""
KEPT_S = 24 * 3600.0
"""So long (seconds) it is remembered what became of an ask."""
_FOLDER = "asks"
_MINUTE_S = 60.0
_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


class NoClaimError(Exception):
    """An ask may not be begun; the text says why."""


class NoClaimYetError(NoClaimError):
    """Too much was asked just now; in `again_s` seconds the next ask may be begun."""

    def __init__(self, count: int, again_s: float) -> None:
        super().__init__(
            f"{count} asks came within a minute: nothing more is begun for {math.ceil(again_s)} s"
        )
        self.again_s = again_s


class NonceClaim:
    """The right to do what is asked under one nonce, until `end`."""

    def __init__(self, file: int) -> None:
        self._file = file

    def end(self, answer: AskAnswer) -> None:
        """Remember the answer. OSError, after which its end is not known."""
        try:
            _write(self._file, answer)
        finally:
            os.close(self._file)


class Claims:
    """The asks of this account, in lockdeck's `state` folder."""

    def __init__(self, state: str, clock: Callable[[], float] = wall_time) -> None:
        self._state = state
        self._clock = clock

    def claim(self, nonce: str) -> NonceClaim:
        """Begin what is asked under a nonce. Raises NoClaimError, OSError."""
        with self._alone() as folder:
            self._make_room(folder)
            try:
                file = os.open(nonce, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
            except FileExistsError:
                raise NoClaimError("this ask was made before: what was begun once is not repeated") from None
            fcntl.flock(file, fcntl.LOCK_EX)
            os.fsync(folder)
        return NonceClaim(file)

    def recall(self, recall: Recall) -> AskAnswer | None:
        """Say what became of an ask, None while it is under way. What was never begun is void from now on. OSError."""
        if recall.not_after < self._clock() - KEPT_S / 2:
            too_old = "it was asked too long ago to be remembered: the journal tells it"
            return AskAnswer(recall.nonce, END_NOT_KNOWN, (too_old,))
        with self._alone() as folder:
            try:
                file = os.open(recall.nonce, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
            except FileExistsError:
                return _answer_in(recall.nonce, folder)
            answer = AskAnswer(recall.nonce, NEVER_BEGUN, ("it did not arrive: nothing was done",))
            try:
                _write(file, answer)
            finally:
                os.close(file)
            os.fsync(folder)
            return answer

    @contextmanager
    def _alone(self) -> Iterator[int]:
        """Have the folder to ourselves among all agents of this account."""
        with private_folder(self._state, _FOLDER) as folder:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield folder

    def _make_room(self, folder: int) -> None:
        """Forget what is old. Raises NoClaimYetError where too much was asked just now."""
        now, recent = self._clock(), list[float]()
        for name in os.listdir(folder):
            with suppress(FileNotFoundError):
                written_at = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
                if written_at < now - KEPT_S:
                    os.unlink(name, dir_fd=folder)
                recent += [written_at] if written_at > now - _MINUTE_S else []
        if len(recent) >= MOST_A_MINUTE:
            enough_have_passed = sorted(recent)[-MOST_A_MINUTE] + _MINUTE_S
            raise NoClaimYetError(len(recent), min(enough_have_passed - now, _MINUTE_S))


def _answer_in(nonce: str, folder: int) -> AskAnswer | None:
    file = os.open(nonce, _FLAGS, dir_fd=folder)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        with open(file, "rb", closefd=False) as source:
            return msgspec.json.decode(source.read(), type=AskAnswer)
    except BlockingIOError:
        return None
    except msgspec.DecodeError:
        ended = "it was begun, and who did it ended before it was over: the journal of that host tells how far it came"
        return AskAnswer(nonce, END_NOT_KNOWN, (ended,))
    finally:
        os.close(file)


def _write(file: int, answer: AskAnswer) -> None:
    data = msgspec.json.encode(answer)
    while data:
        data = data[os.write(file, data) :]
    os.fsync(file)
