"""Log lines in the shape of OpenClaw 2026.4.5: one JSON object a line, shared by gateway and CLI."""

from __future__ import annotations

import json
import os
from pathlib import Path

from lockdeck.backend.simulate.clock import iso_local, iso_utc

_LEVELS = {"INFO": 3, "WARN": 4, "ERROR": 5}
SIZE_LIMIT = 16 * 1024 * 1024
"""Bytes after which a demo that was left running starts its log afresh."""


class Log:
    """Appends to one log file; every line is a single write, so two processes never mix within a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def say(self, level: str, subsystem: str, message: str) -> None:
        """Write a message of a subsystem."""
        name = _compact({"subsystem": subsystem})
        self._write(level, name, {"0": name, "1": message}, "logToFile")

    def event(self, subsystem: str, message: str, meta: dict[str, object]) -> None:
        """Write a WARN with a meta object."""
        name = _compact({"subsystem": subsystem})
        self._write("WARN", name, {"0": name, "1": meta, "2": message}, "logToFile")

    def console(self, level: str, text: str) -> None:
        """Write what the program printed: no subsystem, text at `"0"`."""
        self._write(level, "openclaw", {"0": text}, f"console.{'log' if level == 'INFO' else 'error'}")

    def trim(self) -> None:
        """Start afresh when the file has outgrown its limit."""
        if self._path.stat().st_size > SIZE_LIMIT:
            os.truncate(self._path, 0)

    def _write(self, level: str, name: str, body: dict[str, object], method: str) -> None:
        meta = {
            "runtime": "node",
            "runtimeVersion": "24.21.0",
            "hostname": "unknown",
            "name": name,
            "parentNames": ["openclaw"],
            "date": iso_utc(),
            "logLevelId": _LEVELS[level],
            "logLevelName": level,
            "path": {"fileName": "subsystem.js", "fileNameWithLine": "subsystem.js:326", "method": method},
        }
        if name == "openclaw":
            del meta["parentNames"]
        line = _compact({**body, "_meta": meta, "time": iso_local()}).encode() + b"\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
