"""Transcripts as 2026.4.5 appends them (session version 3): what a run leaves behind per attempt."""

from __future__ import annotations

import json
import os
import uuid

from lockdeck.backend.model.runs.chain import Candidate
from lockdeck.backend.simulate.cast import Session
from lockdeck.backend.simulate.clock import epoch_ms, iso_utc

_NO_USAGE = {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 0}


class Transcript:
    """Appends to one session's transcript; entries are chained by `parentId` as far as this process wrote them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._leaf: str | None = None

    def begin(self, workspace: str) -> None:
        """Write the header line of a new transcript."""
        header = {"type": "session", "version": 3, "id": self._session.session_id}
        self._write({**header, "timestamp": iso_utc(), "cwd": workspace})

    def ask(self, text: str) -> None:
        """Append what the user said. A retry appends the same text again, as the real one does."""
        self._message({"role": "user", "content": [{"type": "text", "text": text}]})

    def answer(self, candidate: Candidate, text: str) -> None:
        """Append a complete reply."""
        self._assistant(candidate, [{"type": "text", "text": text}], {"stopReason": "stop"})

    def give_up(self, candidate: Candidate, run_id: str) -> None:
        """Append what a timed-out or aborted attempt leaves: the prompt error and an empty reply."""
        named = {"provider": candidate.provider, "model": candidate.model, "api": "openai-completions"}
        data = {"timestamp": epoch_ms(), "runId": run_id, "sessionId": self._session.session_id, **named}
        self._entry("custom", {"customType": "openclaw:prompt-error", "data": {**data, "error": "aborted"}})
        self._assistant(candidate, [], {"stopReason": "aborted", "errorMessage": "Request was aborted."})

    def stopped(self) -> None:
        """Append the line that the gateway adds after a stop by a person."""
        injected = Candidate("openclaw", "gateway-injected")
        self._assistant(injected, [{"type": "text", "text": "⚙️ Agent was aborted."}], {"stopReason": "stop"})

    def _assistant(self, candidate: Candidate, content: list[dict[str, str]], end: dict[str, str]) -> None:
        named = {"api": "openai-completions", "provider": candidate.provider, "model": candidate.model}
        self._message({"role": "assistant", "content": content, **named, "usage": _NO_USAGE, **end})

    def _message(self, message: dict[str, object]) -> None:
        self._entry("message", {"message": {**message, "timestamp": epoch_ms()}})

    def _entry(self, kind: str, fields: dict[str, object]) -> None:
        entry_id = uuid.uuid4().hex[:8]
        self._write({"type": kind, "id": entry_id, "parentId": self._leaf, "timestamp": iso_utc(), **fields})
        self._leaf = entry_id

    def _write(self, entry: dict[str, object]) -> None:
        line = json.dumps(entry, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        descriptor = os.open(
            self._session.transcript, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)
