"""Signs of progress: the ends of transcript and trajectory, and whether the holder is working."""

from __future__ import annotations

import os

from lockdeck.backend.model.runs.events import Event, PromptError, RunEnded
from lockdeck.backend.openclaw.transcript import (
    AttemptOutcome,
    ModelAnswer,
    TranscriptTail,
    trajectory_tail,
    transcript_tail,
)
from lockdeck.backend.system import procfs
from lockdeck.backend.system.suspension import suspension_of

WORKING_SHARE = 0.2
"""A holder counts as working when it used at least this share of one core since the last look.

An idle gateway's event loop stays far below."""


class Progress:
    """Remembers what was read last, so that nothing is read twice while it is the same.

    `answers` are the last good answers of models by the transcripts that tell them; `answers_count` grows when they change.
    `changed` are the transcripts that tell something else than before, until somebody takes them out.
    """

    def __init__(self) -> None:
        self.answers: dict[str, tuple[ModelAnswer, ...]] = {}
        self.answers_count = 0
        self.changed: set[str] = set()
        self._tails: dict[str, tuple[tuple[int, int], TranscriptTail]] = {}
        self._outcomes: dict[str, tuple[int, int]] = {}
        self._told: list[Event] = []
        self.asked: set[str] = set()
        """The transcripts that end with what a user asked."""
        self._asked: set[str] = set()
        self._busy: dict[tuple[int, int | None], tuple[float, float]] = {}
        self._worked: dict[tuple[int, int | None], float] = {}
        self._suspensions: dict[tuple[int, int | None], tuple[float, str | None]] = {}

    def transcript(self, path: str) -> TranscriptTail | None:
        """Return the end of a transcript; None where there is none (an attempt that never answered writes none)."""
        try:
            status = os.stat(path, follow_symlinks=False)
        except OSError:
            if self._tails.pop(path, None) is not None:
                self.changed.add(path)
                self.asked.discard(path)
                self._answered(path, ())
            return None
        signature = (status.st_size, status.st_mtime_ns)
        cached = self._tails.get(path)
        if cached is None or cached[0] != signature:
            cached = self._tails[path] = (signature, transcript_tail(path))
            self.changed.add(path)
            self._told += cached[1].events
            (self.asked.discard if cached[1].asked_at is None else self.asked.add)(path)
            self._answered(path, tuple(cached[1].answers))
        return cached[1]

    def _answered(self, path: str, answers: tuple[ModelAnswer, ...]) -> None:
        if self.answers.get(path, ()) != answers:
            self.answers_count += 1
            self.answers[path] = answers

    def news_of(self, transcript: str, since: float) -> tuple[Event, ...]:
        """Return what transcript and trajectory newly tell of attempts since `since` (epoch seconds).

        A run without a log line that names its session is joined to it by these (2026.4.5, 2026.7.35). Only the
        trajectory tells that an attempt goes on while no lock stands (2026.5.18).
        """
        self._asked.add(transcript)
        self.transcript(transcript)
        self._read_trajectory(transcript.removesuffix(".jsonl") + ".trajectory.jsonl")
        told, self._told = self._told, []
        return tuple(event for event in told if event.at >= since)

    def _read_trajectory(self, path: str) -> None:
        try:
            status = os.stat(path, follow_symlinks=False)
        except OSError:
            self._outcomes.pop(path, None)
            return
        signature = (status.st_size, status.st_mtime_ns)
        if self._outcomes.get(path) != signature:
            self._outcomes[path] = signature
            tail = trajectory_tail(path)
            self._told += [*tail.starts, *filter(None, map(_end_of, tail.outcomes))]

    def worked_at(self, pid: int, start_ticks: int | None, now: float) -> float | None:
        """Return when a holder was last seen working, epoch seconds; None when it has not been seen so."""
        key = (pid, start_ticks)
        last = self._busy.get(key)
        busy = procfs.busy_seconds(pid) if last is None or now - last[1] >= 1.0 else None
        if busy is not None:
            self._busy[key] = (busy, now)
            if last is not None and (busy - last[0]) / (now - last[1]) >= WORKING_SHARE:
                self._worked[key] = now
        return self._worked.get(key)

    def suspension(self, pid: int, start_ticks: int | None, now: float) -> str | None:
        """Say that a holder is stopped, as of the look at `now`, which asks once for all its locks; None where not."""
        key = (pid, start_ticks)
        cached = self._suspensions.get(key)
        if cached is None or cached[0] != now:
            cached = self._suspensions[key] = (now, suspension_of(pid))
        return cached[1]

    def forget(self, transcripts: set[str], holders: set[tuple[int, int | None]]) -> None:
        """Keep only what is still of interest, and what was asked for since the last time."""
        transcripts, self._asked = transcripts | self._asked, set()
        self._tails = {path: tail for path, tail in self._tails.items() if path in transcripts}
        self.asked &= self._tails.keys()
        for path in self.answers.keys() - self._tails.keys():
            del self.answers[path]
            self.answers_count += 1
        sidecars = {path.removesuffix(".jsonl") + ".trajectory.jsonl" for path in transcripts}
        self._outcomes = {path: at for path, at in self._outcomes.items() if path in sidecars}
        self._busy = {key: busy for key, busy in self._busy.items() if key in holders}
        self._worked = {key: at for key, at in self._worked.items() if key in holders}
        self._suspensions = {key: last for key, last in self._suspensions.items() if key in holders}


def _timed_out(outcome: AttemptOutcome) -> bool:
    return bool(outcome.timed_out or outcome.idle_timed_out or outcome.timed_out_by_run_budget)


def _end_of(outcome: AttemptOutcome) -> PromptError | RunEnded | None:
    """Return the event that an outcome is: a person's abort ends the run, an answer ends it well, else another try may follow."""
    if outcome.run_id is not None and (outcome.external_abort or outcome.status == "success"):
        well, aborted = not outcome.external_abort, bool(outcome.external_abort)
        return RunEnded(outcome.at, outcome.run_id, well, aborted, outcome.session_id)
    error = "timed out" if _timed_out(outcome) else outcome.error or outcome.status
    if error is None:
        return None
    return PromptError(
        outcome.at,
        outcome.run_id,
        outcome.session_id,
        outcome.provider,
        outcome.model,
        error,
        by_trajectory=True,
    )
