"""A log and a transcript on the disk for the session that leads the incident, and the door to both."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.model.sessions.loglines import LogLine
from lockdeck.backend.openclaw.log.place import named_log
from lockdeck.backend.openclaw.transcriptshape import TranscriptShape
from lockdeck.backend.system.text import SafeText
from lockdeck.backend.watch.records.loglines import Readable
from lockdeck.backend.watch.records.records import SessionRecords
from tests.tui.samples import NOW, incident

SAID = "the prompt nobody may see"
TOKEN = "ghp_0123456789abcdefghij"


class Written(SessionRecords):
    """Files of the session that leads the incident; `key` is its row."""

    def __init__(self, folder: Path) -> None:
        self.log_path, self.transcript_path = folder / "openclaw-2026-04-05.log", folder / "s.jsonl"
        super().__init__(lambda: Readable((named_log(str(self.log_path)),)))
        self.session = incident().sessions[1]
        attempts = self.session.rotation.attempts if self.session.rotation else ()
        self.moments = [attempt.ended_at for attempt in attempts if attempt.ended_at is not None]
        self.log_path.write_bytes(
            b"".join(
                _log_line(at, _timed_out(number), self.session.key)
                for number, at in enumerate(self.moments, 1)
            )
        )
        self.add(NOW - 5, f"nothing lockdeck knows \x1b[2J Authorization: Bearer {TOKEN}")
        self.transcript_path.write_text("".join(f"{json.dumps(entry)}\n" for entry in records()))

    def add(self, at: float, words: str, key: str | None = None) -> None:
        """Append a line about the session to the log."""
        with self.log_path.open("ab") as log:
            log.write(_log_line(at, words, key or self.session.key))

    def transcript(self, path: str, below: str | None) -> TranscriptShape:
        return super().transcript(str(self.transcript_path), None)

    def text(self, path: str, record: object, shape: TranscriptShape, below: str | None) -> SafeText:
        return super().text(str(self.transcript_path), record, shape, None)  # type: ignore[arg-type]


def telling(written: Written, *, sentences: tuple[str, ...] = ()) -> FleetSnapshot:
    """Return the incident; what the log tells of its first session are the profiles that timed out."""
    snapshot = with_transcripts(incident())
    told = [
        LogLine(at, f"profile copilot:{n} timed out", bad=True) for n, at in enumerate(written.moments, 1)
    ]
    told += [LogLine(NOW - 1, sentence) for sentence in sentences]
    first, leader, *rest = snapshot.sessions
    return replace(snapshot, sessions=(first, replace(leader, log=tuple(told)), *rest))


def with_transcripts(snapshot: FleetSnapshot) -> FleetSnapshot:
    """Return a fleet whose sessions have a transcript each."""
    sessions = (replace(view, transcript=f"{view.root}/{view.agent}.jsonl") for view in snapshot.sessions)
    return replace(snapshot, sessions=tuple(sessions))


def records() -> Iterable[dict[str, object]]:
    """Yield the entries of a short transcript."""
    text = [{"type": "text", "text": SAID}]
    call = [{"type": "toolCall", "name": "read_file", "arguments": {"path": "/etc/hosts"}}]
    yield {"type": "session", "version": 3, "timestamp": _iso(NOW - 300)}
    yield _message(NOW - 200, {"role": "user", "content": text})
    yield _message(NOW - 190, {"role": "assistant", "content": call, "stopReason": "toolUse", "model": "o1"})
    yield _message(NOW - 189, {"role": "toolResult", "toolName": "read_file", "content": text})
    yield _message(NOW - 100, {"role": "assistant", "content": [], "stopReason": "aborted", "model": "o1"})


def _message(at: float, message: dict[str, object]) -> dict[str, object]:
    return {"type": "message", "timestamp": _iso(at), "message": message}


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _timed_out(number: int) -> str:
    return f"Profile copilot:{number} timed out. Trying next account..."


def _log_line(at: float, words: str, key: str) -> bytes:
    record = {"0": json.dumps({"subsystem": "agent/embedded"}), "1": {"sessionKey": key}, "2": words}
    return json.dumps(record | {"time": _iso(at)}).encode() + b"\n"
