"""Jobs that the dashboard has started, their pieces, and how each stands. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.fleet import Severity
from lockdeck.tui.targets import Target
from lockdeck.tui.view.names import RowKey, row_key

WAITING, WORKING, RELEASED = "waiting", "working", "released"


class Piece(Struct, frozen=True):
    """One lock or session of a job: its target, a word for how it stands, and sentences about it.

    `ended` once there is a result; what is learned afterwards (who took the lock next) is added to it.
    `next_rung` names the rung of the ladder that could be tried next. `remaining_lock` is the one that a cancel left
    behind without a holder, as it is now. `paced`: it waits until its host takes more asks.
    """

    target: Target
    word: str = WAITING
    severity: Severity = Severity.OK
    sentences: tuple[str, ...] = ()
    ended: bool = False
    next_rung: str | None = None
    remaining_lock: Target | None = None
    paced: bool = False

    def with_sentence(self, *sentences: str) -> Piece:
        """Return the piece with more sentences."""
        return replace(self, sentences=(*self.sentences, *sentences))


class Job(Struct, frozen=True):
    """Pieces of work that were confirmed together; `releases` says that they release locks."""

    number: int
    title: str
    pieces: tuple[Piece, ...]
    releases: bool = False

    @property
    def running(self) -> bool:
        """Return whether a piece has no result yet."""
        return not all(piece.ended for piece in self.pieces)

    @property
    def paced(self) -> bool:
        """Return whether a piece waits until its host takes more asks."""
        return any(piece.paced for piece in self.pieces)


class JobBoard:
    """All jobs since the dashboard was opened, by number."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._numbers = count(1)
        self.releases: Mapping[RowKey, bool] = {}
        """The rows whose lock is being released from here (False), or was (True)."""
        self.ended: Counter[str] = Counter()
        """So many pieces have a result, by the host of their row."""

    def open(self, title: str, targets: Sequence[Target], *, releases: bool = False) -> Job:
        """Enter a new job."""
        job = Job(next(self._numbers), title, tuple(Piece(target) for target in targets), releases)
        self._jobs[job.number] = job
        return job

    def job(self, number: int) -> Job:
        """Return a job as it stands."""
        return self._jobs[number]

    def put(self, number: int, index: int, piece: Piece) -> bool:
        """Take in how a piece stands now; return whether it has just got its result."""
        job = self._jobs[number]
        previous = job.pieces[index]
        pieces = (*job.pieces[:index], piece, *job.pieces[index + 1 :])
        self._jobs[number] = replace(job, pieces=pieces)
        if job.releases:
            self._note_release(piece)
        has_ended = piece.ended and not previous.ended
        self.ended[piece.target.row.host] += has_ended
        return has_ended

    def _note_release(self, piece: Piece) -> None:
        rows = {piece.target.row: piece.word == RELEASED}
        if piece.target.session is not None:
            rows[row_key(piece.target.session)] = piece.word == RELEASED
        remainder = {row: done for row, done in self.releases.items() if row not in rows}
        self.releases = remainder if piece.ended and piece.word != RELEASED else remainder | rows
