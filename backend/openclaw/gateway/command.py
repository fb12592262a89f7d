"""Gateway calls through `openclaw gateway call`: for credentials that only OpenClaw itself can resolve.

It costs seconds per call (3 to 20 s seen on 2026.4.5), finds URL, SecretRefs, device and scopes by itself, and
prints the payload as JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from typing import Any

from lockdeck.backend.model.words import duration
from lockdeck.backend.openclaw.gateway import frames
from lockdeck.backend.openclaw.gateway.frames import Frame, Hello
from lockdeck.backend.openclaw.gateway.redaction import Redaction
from lockdeck.backend.openclaw.gateway.secret import secrets_of
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble, refusal
from lockdeck.backend.system.text import safe

LONGEST_S = 60.0
"""After so many seconds the command is ended."""
_CALL_S = 10.0
_MOST_BYTES = 16 << 20


def find_command(env: Mapping[str, str]) -> str | None:
    """Return the path of the `openclaw` command on the environment's PATH; None where there is none."""
    return shutil.which("openclaw", path=env.get("PATH", os.defpath))


class CommandGateway:
    """The same face as `Gateway`, by one `openclaw` process per call. It hears no events."""

    transport = "openclaw gateway call"

    def __init__(self, command: str, root: str, config_path: str, env: Mapping[str, str]) -> None:
        """Nothing is run yet; `env` is all that the command gets. The command does not tell the gateway's version: ask `status` for it."""
        self.url = f"`openclaw gateway call` for {safe(root, 120)}"
        self.hello = Hello(None, None, None, frozenset(), root)
        self._command = command
        self._redaction = Redaction(secret.reveal() for secret in secrets_of(env))
        self._env = {**env, "OPENCLAW_STATE_DIR": root, "OPENCLAW_CONFIG_PATH": config_path, "NO_COLOR": "1"}

    def call(self, method: str, params: Mapping[str, Any] | None = None, seconds: float = _CALL_S) -> Frame:
        """Run the command and return the payload; GatewayError when it fails, says no JSON or takes too long."""
        argv = [self._command, "gateway", "call", method, "--params", json.dumps(params or {}), "--json"]
        argv += ["--timeout", str(int(max(seconds, _CALL_S) * 1000))]
        try:
            code, output, errors = _run(argv, self._env)
        except OSError as error:
            raise GatewayError(Trouble.COMMAND, f"{self._command} can't be run: {error.strerror}") from None
        if code != 0:
            message = self._redaction.words(_last_line(errors))
            raise refusal(method, {"code": f"exit {code}", "message": message})
        payload = frames.decode(output[max(0, output.find(b"{")) :], self._redaction)
        if payload is None:
            sentence = f"{method}: `openclaw gateway call` printed no JSON; run it by hand to see why"
            raise GatewayError(Trouble.COMMAND, sentence)
        return payload

    def run_events(self) -> tuple[()]:
        """No events this way."""
        return ()

    def close(self) -> None:
        """Nothing is open."""


def _run(argv: list[str], env: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    with subprocess.Popen(
        argv,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=LONGEST_S)
        except BaseException as error:
            # It starts a second Node: the whole group has to go.
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                sentence = f"`openclaw gateway call` took longer than {duration(LONGEST_S)}: the gateway may be blocked"
                raise GatewayError(Trouble.SILENT, sentence) from None
            raise
    return process.returncode, output[:_MOST_BYTES], errors


def _last_line(errors: bytes) -> str:
    lines = [line for line in errors[-4096:].decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
