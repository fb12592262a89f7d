"""What the calls of the simulated gateway do to its runs, with the pitfalls of the version it plays.

As seen on 2026.4.5: an abort knows only runs of chat.send and leaves a last attempt on the next profile; the
stop command ends both kinds; fired between two attempts both answer normally and change nothing.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.simulate import store
from lockdeck.backend.simulate.attempt import Abort, Result
from lockdeck.backend.simulate.cast import Session
from lockdeck.backend.simulate.clock import epoch_ms
from lockdeck.backend.simulate.rpc import RefusedError
from lockdeck.backend.simulate.runs import Runs
from lockdeck.backend.simulate.transcript import Transcript
from lockdeck.backend.simulate.world import World

Params = Mapping[str, Any]
_PREFIX = re.compile(r"^\s*\[[^\]]*\]\s*")
_LINES = 500


class SessionMethods:
    """The calls on the sessions of one gateway."""

    def __init__(self, world: World, runs: Runs, version: str) -> None:
        self._world = world
        self._runs = runs
        self._traits = traits_of(Version.parse(version))
        self._sessions = {session.key: session for session in store.load_sessions(world.home)}
        self._started: set[asyncio.Task[Result]] = set()
        self._calls: dict[str, Callable[[Params], dict[str, object]]] = {
            "health": lambda _: {"ok": True, "ts": epoch_ms()},
            "sessions.list": self._list,
            "logs.tail": self._tail,
            "chat.send": self._chat_send,
            "chat.abort": lambda params: self._chat_abort(self._named(params, "sessionKey")),
            "sessions.abort": self._abort,
            "sessions.reset": self._reset,
            "agent": lambda params: self._start(self._named(params, "sessionKey"), params, chat=False),
        }

    def answer(self, method: str, params: Params) -> dict[str, object]:
        """Do a call; RefusedError in the gateway's words."""
        if method not in self._calls:
            raise RefusedError("INVALID_REQUEST", f"unknown method: {method}")
        return self._calls[method](params)

    def listen(self, hear: Callable[[dict[str, object]], None]) -> Callable[[], None]:
        """Let `hear` have the lifecycle of every attempt."""
        self._world.listeners.append(hear)
        return lambda: self._world.listeners.remove(hear)

    def _named(self, params: Params, name: str) -> Session:
        key = params.get(name)
        if not isinstance(key, str):
            raise RefusedError("INVALID_REQUEST", f"invalid params: must have required property '{name}'")
        if key not in self._sessions:
            raise RefusedError("INVALID_REQUEST", f"session not found: {key}")
        return self._sessions[key]

    def _list(self, params: Params) -> dict[str, object]:
        live = {run.session.key for run in self._runs.live()}
        rows: list[dict[str, object]] = []
        for session in self._sessions.values():
            if str(params.get("search", "")) in session.key:
                row: dict[str, object] = {"key": session.key, "sessionId": session.session_id}
                if self._traits.tells_active_runs:
                    row["hasActiveRun"] = session.key in live
                rows.append(row)
        return {"ts": epoch_ms(), "count": len(rows), "sessions": rows}

    def _tail(self, params: Params) -> dict[str, object]:
        path, cursor = self._world.home.log(), params.get("cursor")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(cursor if isinstance(cursor, int) and cursor <= size else max(0, size - 65536))
            text = file.read().decode("utf-8", "replace")
        lines = text.splitlines()[-min(int(params.get("limit", _LINES)), _LINES) :]
        return {"file": str(path), "cursor": size, "size": size, "lines": lines, "truncated": False}

    def _chat_send(self, params: Params) -> dict[str, object]:
        session, message = self._named(params, "sessionKey"), str(params.get("message", ""))
        if message.strip() == "/stop":
            return self._chat_abort(session)
        if _PREFIX.sub("", message).strip() == "/stop":
            self._runs.abort(session.key, Abort.STOP)
            return {"runId": params.get("idempotencyKey"), "status": "started"}
        return self._start(session, params, chat=True)

    def _chat_abort(self, session: Session) -> dict[str, object]:
        aborted = self._aborted(session)
        return {"ok": True, "aborted": aborted is not None, "runIds": [aborted] if aborted else []}

    def _abort(self, params: Params) -> dict[str, object]:
        aborted = self._aborted(self._named(params, "key"))
        return {"ok": True, "abortedRunId": aborted, "status": "aborted" if aborted else "no-active-run"}

    def _aborted(self, session: Session) -> str | None:
        """Abort as this version does and return the id of the run that it believes to have aborted."""
        how = Abort.STOP if self._traits.abort_ends_rotation else Abort.CHAT
        run = next((run for run in self._runs.live() if run.session.key == session.key), None)
        return run.run_id if run is not None and self._runs.abort(session.key, how) else None

    def _reset(self, params: Params) -> dict[str, object]:
        """End the run and begin the conversation anew; the old transcript is kept beside the new one."""
        session = self._named(params, "key")
        self._runs.abort(session.key, Abort.STOP)
        os.rename(session.transcript, f"{session.transcript}.reset.{epoch_ms()}")
        Transcript(session).begin(str(self._world.home.root / f"workspace-{session.agent}"))
        return {"ok": True, "key": session.key, "entry": {"sessionId": session.session_id}}

    def _start(self, session: Session, params: Params, *, chat: bool) -> dict[str, object]:
        task = asyncio.get_running_loop().create_task(self._runs.run(session, chat))
        self._started.add(task)
        task.add_done_callback(self._started.discard)
        return {"runId": params.get("idempotencyKey"), "status": "started" if chat else "accepted"}
