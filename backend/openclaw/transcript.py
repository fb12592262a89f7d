"""The end of a session's transcript, and of its trajectory sidecar: outcomes and times, never content.

Transcript: version 3 lines, `openclaw:prompt-error` entries join runs to sessions (seen on 2026.4.5).
Trajectory (`<id>.trajectory.jsonl`, from 2026.4.24): outcome flags per attempt (seen on 2026.7.35). Both
hold prompts and answers; nothing of these is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.model.runs.events import AttemptStarted, PromptError
from lockdeck.backend.model.runs.records import ProviderError
from lockdeck.backend.openclaw.log.files import open_regular, read_end
from lockdeck.backend.openclaw.log.objects import decode_object
from lockdeck.backend.openclaw.log.values import clock, flag, ident, model_name, number, shown
from lockdeck.backend.system.text import SafeText, safe

TAIL = 256 * 1024
"""How much of the end is read by default, in bytes."""

_NO_ANSWER = frozenset({None, "error", "aborted"})
_STATUS = late_pattern(r"([45]\d\d)\b")
_REASONS = {"429": "rate_limit", "401": "auth", "403": "auth"}
_Entry = Mapping[str, object]


class ModelAnswer(Struct, frozen=True):
    """An answer that a model gave whole, at `at` (epoch seconds)."""

    at: float
    provider: str
    model: str | None


class TranscriptTail(Struct, frozen=True):
    """The word of the end of a transcript.

    Times are epoch seconds; `size` bytes; `last_entry_at` is of the last entry that whoever has the session wrote:
    lines of users, of callers that failed and of the gateway say nothing of its run. `asked_at` is of a user's message that
    nothing has come after. `answered_at` is of the last message of a model or a tool that no abort and no error cut off. `last_model` is `provider/model` of the last answer, `answers` are
    the last good ones of each model, `provider_errors` those that were an HTTP status. `problem` says in words why nothing
    could be read.
    """

    events: tuple[PromptError, ...] = ()
    last_entry_at: float | None = None
    answered_at: float | None = None
    last_stop_reason: str | None = None
    last_model: str | None = None
    size: int = 0
    mtime: float | None = None
    problem: SafeText | None = None
    answers: tuple[ModelAnswer, ...] = ()
    provider_errors: tuple[ProviderError, ...] = ()
    asked_at: float | None = None


class AttemptOutcome(Struct, frozen=True):
    """The end of one attempt, as the trajectory tells it. None: the version does not say."""

    at: float
    run_id: str | None
    session_id: str | None = None
    session_key: str | None = None
    provider: str | None = None
    model: str | None = None
    timed_out: bool | None = None
    idle_timed_out: bool | None = None
    timed_out_by_run_budget: bool | None = None
    timed_out_during_compaction: bool | None = None
    aborted: bool | None = None
    external_abort: bool | None = None
    status: str | None = None
    error: str | None = None


class TrajectoryTail(Struct, frozen=True):
    """The attempts at the end of a trajectory, oldest first: their begins and ends. `problem` as in `TranscriptTail`."""

    starts: tuple[AttemptStarted, ...] = ()
    outcomes: tuple[AttemptOutcome, ...] = ()
    size: int = 0
    mtime: float | None = None
    problem: SafeText | None = None


def transcript_tail(path: str, max_bytes: int = TAIL) -> TranscriptTail:
    """Read at most the last `max_bytes` of a transcript. Raises nothing; a symlink is not followed."""
    try:
        entries, status = _end_of(path, max_bytes)
    except OSError as error:
        return TranscriptTail(problem=_sentence(path, error))
    errors: list[PromptError] = []
    answers: dict[tuple[str, str | None], ModelAnswer] = {}
    provider_errors: list[ProviderError] = []
    last_at = answered_at = asked_at = stop_reason = model = None
    for entry in entries:
        at = _time_of(entry)
        last_at = at if at is not None and not _of_others(entry) else last_at
        asked_at = _asked_at(entry, at, asked_at)
        answer = _answer(entry)
        if answer is not None:
            stop_reason = ident(answer.get("stopReason"))
            model = model_name(answer.get("provider"), answer.get("model"))
            provider = ident(answer.get("provider"))
            if at is not None and provider is not None and stop_reason not in _NO_ANSWER:
                of_model = ident(answer.get("model"))
                answers[provider, of_model] = ModelAnswer(at, provider, of_model)
            provider_errors += _provider_error(answer, at)
        if at is not None and _goes_on(entry, stop_reason):
            answered_at = at
        prompt_error = _prompt_error(entry, at if at is not None else status.st_mtime)
        if prompt_error is not None:
            errors.append(prompt_error)
    return TranscriptTail(
        tuple(errors),
        last_at,
        answered_at,
        stop_reason,
        model,
        status.st_size,
        status.st_mtime,
        answers=tuple(answers.values()),
        provider_errors=tuple(provider_errors),
        asked_at=asked_at,
    )


def trajectory_tail(path: str, max_bytes: int = TAIL) -> TrajectoryTail:
    """Read the begins and ends in the last `max_bytes` of a trajectory. Raises nothing; follows no symlink."""
    try:
        entries, status = _end_of(path, max_bytes)
    except OSError as error:
        return TrajectoryTail(problem=_sentence(path, error))
    whole = list(entries)
    starts = (_start(entry) for entry in whole if entry.get("type") == "session.started")
    return TrajectoryTail(
        tuple(start for start in starts if start is not None),
        tuple(_outcomes(whole)),
        status.st_size,
        status.st_mtime,
    )


def _end_of(path: str, max_bytes: int) -> tuple[Iterator[_Entry], os.stat_result]:
    descriptor = open_regular(path)
    try:
        raw, status = read_end(descriptor, max_bytes)
    finally:
        os.close(descriptor)
    decoded = (decode_object(line) for line in raw.split(b"\n") if line.startswith(b"{"))
    return (entry for entry in decoded if entry is not None), status


def _sentence(path: str, error: OSError) -> SafeText:
    return safe(f"{path}: {error.strerror or error}")


def _time_of(entry: _Entry) -> float | None:
    at = clock(entry.get("timestamp"))
    if at is not None:
        return at
    message = _part(entry, "message")
    millis = number(message.get("timestamp"))
    return None if millis is None else millis / 1000


def _asked_at(entry: _Entry, at: float | None, before: float | None) -> float | None:
    """Return when a user asked what nothing has come after, entry by entry."""
    role = _part(entry, "message").get("role")
    if role is None and entry.get("customType") != "openclaw:prompt-error":
        return before
    return at if role == "user" else None


def _of_others(entry: _Entry) -> bool:
    """Return whether an entry may have been appended by somebody who has not got the session.

    A message that arrives, the header, the error of a caller that failed, what the gateway injects (2026.4.5: also
    while another process has the lock).
    """
    message = _part(entry, "message")
    if entry.get("type") == "session" or entry.get("customType") == "openclaw:prompt-error":
        return True
    return message.get("role") == "user" or _is_injected(message)


def _is_injected(message: _Entry) -> bool:
    return message.get("model") == "gateway-injected" or message.get("provider") == "openclaw"


def _answer(entry: _Entry) -> _Entry | None:
    """Return the message of an answer; those that the gateway itself injected are none."""
    message = _part(entry, "message")
    if message.get("role") != "assistant" or _is_injected(message):
        return None
    return message


def _provider_error(answer: _Entry, at: float | None) -> Iterator[ProviderError]:
    """Yield the error that an answer is, where it begins with an HTTP status: a call that broke off has none."""
    message = answer.get("errorMessage")
    match = _STATUS.match(message) if isinstance(message, str) else None
    if at is not None and match is not None and answer.get("stopReason") == "error":
        yield ProviderError(at, _REASONS.get(match[1], "provider_error"))


def _goes_on(entry: _Entry, stop_reason: str | None) -> bool:
    """Return whether an entry is an answer of a model or a tool; an attempt that failed leaves an empty one."""
    if _part(entry, "message").get("role") == "toolResult":
        return True
    return _answer(entry) is not None and stop_reason not in ("aborted", "error")


def _prompt_error(entry: _Entry, at: float) -> PromptError | None:
    if entry.get("customType") != "openclaw:prompt-error":
        return None
    data = _part(entry, "data")
    error = data.get("error")
    return PromptError(
        at=at,
        run_id=ident(data.get("runId")),
        session_id=ident(data.get("sessionId")),
        provider=ident(data.get("provider")),
        model=ident(data.get("model")),
        error=shown(error) if isinstance(error, str) else None,
    )


def _start(entry: _Entry) -> AttemptStarted | None:
    """Return the attempt that an entry says to begin, by its session's id: two roots may have a session of one key."""
    at, run_id = clock(entry.get("ts")), ident(entry.get("runId"))
    if at is None or run_id is None:
        return None
    return AttemptStarted(
        at,
        run_id,
        ident(entry.get("sessionId")),
        provider=ident(entry.get("provider")),
        model=ident(entry.get("modelId")),
    )


def _outcomes(entries: Iterable[_Entry]) -> Iterator[AttemptOutcome]:
    """Yield one outcome per attempt: that of `session.ended`, or of a `model.completed` nothing follows."""
    open_one: AttemptOutcome | None = None
    for entry in entries:
        kind = entry.get("type")
        if kind == "session.started" and open_one is not None:
            yield open_one
            open_one = None
        elif kind == "model.completed":
            open_one = _outcome(entry) or open_one
        elif kind == "session.ended":
            ended = _outcome(entry) or open_one
            if ended is not None:
                yield ended
            open_one = None
    if open_one is not None:
        yield open_one


def _outcome(entry: _Entry) -> AttemptOutcome | None:
    at, data = clock(entry.get("ts")), _part(entry, "data")
    if at is None:
        return None
    return AttemptOutcome(
        at=at,
        run_id=ident(entry.get("runId")),
        session_id=ident(entry.get("sessionId")),
        session_key=ident(entry.get("sessionKey")),
        provider=ident(entry.get("provider")),
        model=ident(entry.get("modelId")),
        timed_out=flag(data.get("timedOut")),
        idle_timed_out=flag(data.get("idleTimedOut")),
        timed_out_by_run_budget=flag(data.get("timedOutByRunBudget")),
        timed_out_during_compaction=flag(data.get("timedOutDuringCompaction")),
        aborted=flag(data.get("aborted")),
        external_abort=flag(data.get("externalAbort")),
        status=ident(data.get("status")),
        error=shown(error) if isinstance(error := data.get("promptError"), str) else None,
    )


def _part(entry: _Entry, key: str) -> _Entry:
    value = entry.get(key)
    return value if isinstance(value, dict) else {}
