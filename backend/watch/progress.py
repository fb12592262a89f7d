"""Signs of progress: the ends of transcript and trajectory, and whether the holder is working."""

from __future__ import annotations

import os

from lockdeck.backend.model.runs.events import PromptError
from lockdeck.backend.openclaw.transcript import (
    AttemptOutcome,
    TranscriptTail,
    trajectory_tail,
    transcript_tail,
)
from lockdeck.backend.system import procfs

WORKING_SHARE = 0.2
"""A holder counts as working when it used at least this share of one core since the last look.

An idle gateway's event loop stays far below."""


class Progress:
    """Remembers what was read last, so that nothing is read twice while it is the same."""

    def __init__(self) -> None:
        self._tails: dict[str, tuple[tuple[int, int], TranscriptTail]] = {}
        self._outcomes: dict[str, tuple[int, int]] = {}
        self._told: list[PromptError] = []
        self._busy: dict[tuple[int, int | None], tuple[float, float]] = {}
        self._worked: dict[tuple[int, int | None], float] = {}

    def transcript(self, path: str) -> TranscriptTail | None:
        """The end of a transcript; None where there is none (an attempt that never answered writes none)."""
        try:
            found = os.stat(path, follow_symlinks=False)
        except OSError:
            self._tails.pop(path, None)
            return None
        signature = (found.st_size, found.st_mtime_ns)
        known = self._tails.get(path)
        if known is None or known[0] != signature:
            known = self._tails[path] = (signature, transcript_tail(path))
            self._told += known[1].events
        return known[1]

    def attempts_told(self, transcript: str, since: float) -> tuple[PromptError, ...]:
        """What transcript and trajectory of a session newly tell of failed attempts after `since` (epoch seconds).

        A run without a log line that names its session is joined to it by these (2026.4.5, 2026.7.35).
        """
        self.transcript(transcript)
        self._read_trajectory(transcript.removesuffix(".jsonl") + ".trajectory.jsonl")
        told, self._told = self._told, []
        return tuple(event for event in told if event.at >= since)

    def _read_trajectory(self, path: str) -> None:
        try:
            found = os.stat(path, follow_symlinks=False)
        except OSError:
            self._outcomes.pop(path, None)
            return
        signature = (found.st_size, found.st_mtime_ns)
        if self._outcomes.get(path) != signature:
            self._outcomes[path] = signature
            self._told += [_failure(one) for one in trajectory_tail(path).outcomes if _timed_out(one)]

    def worked_at(self, pid: int, start_ticks: int | None, now: float) -> float | None:
        """When a holder was last seen working, epoch seconds; None when it has not been seen so."""
        key = (pid, start_ticks)
        busy = procfs.busy_seconds(pid)
        before = self._busy.get(key)
        if busy is not None and (before is None or now - before[1] >= 1.0):
            self._busy[key] = (busy, now)
            if before is not None and (busy - before[0]) / (now - before[1]) >= WORKING_SHARE:
                self._worked[key] = now
        return self._worked.get(key)

    def forget(self, transcripts: set[str], holders: set[tuple[int, int | None]]) -> None:
        """Keep only what is still of interest."""
        self._tails = {path: tail for path, tail in self._tails.items() if path in transcripts}
        sidecars = {path.removesuffix(".jsonl") + ".trajectory.jsonl" for path in transcripts}
        self._outcomes = {path: seen for path, seen in self._outcomes.items() if path in sidecars}
        self._busy = {key: busy for key, busy in self._busy.items() if key in holders}
        self._worked = {key: at for key, at in self._worked.items() if key in holders}


def _timed_out(outcome: AttemptOutcome) -> bool:
    return bool(outcome.timed_out or outcome.idle_timed_out or outcome.timed_out_by_run_budget)


def _failure(outcome: AttemptOutcome) -> PromptError:
    return PromptError(
        outcome.at, outcome.run_id, outcome.session_id, outcome.provider, outcome.model, "timed out"
    )
