"""One real OpenClaw on loopback: its state folder, its gateway, its model provider."""

from __future__ import annotations

import atexit
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from tests.live import isolation, state
from tests.live.gateway_client import GatewayClient, Run
from tests.live.install import Release
from tests.live.provider import AGENT_MARK, Provider
from tests.live.waiting import eventually

START_SECONDS = 300
STOP_SECONDS = 30
CLOSE_SECONDS = 10


class Instance:
    """An isolated OpenClaw. Use as a context manager, or call `start()` and `close()`."""

    def __init__(
        self,
        release: Release,
        folder: Path,
        *,
        run_timeout: int = 600,
        idle_timeout: int | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the state of a new instance below `folder`; nothing runs yet but the provider.

        `run_timeout`: seconds a run may take (2026.4.5: each attempt). `idle_timeout`: seconds without a
        byte from the model; None leaves OpenClaw's default. `config` is laid over `openclaw.json`.
        """
        self.release = release
        self.folder = folder
        self.provider = Provider()
        """The fake provider: `provider.mode("hang")`, `provider.requests`, `provider.open_requests`."""
        self.root = folder / "home" / ".openclaw"
        """The state folder, as `lockdeck status ROOT` wants it."""
        self.port = _free_port()
        """The gateway's loopback port; the same after `restart()`."""
        self.token = secrets.token_hex(16)
        """The gateway's token."""
        self.refused = folder / "refused.jsonl"
        """One line for each connection that would have left this machine (absent: none)."""
        self.env = isolation.environment(release, folder / "home", self.root, self.refused)
        """Environment of the instance's processes; also for running lockdeck against it."""
        self.runs: list[Run] = []
        """Every run that was started since the last `begin_anew()`."""
        self._gateway: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None
        self._client: GatewayClient | None = None
        self._pid = 0
        self._locks_left: list[Path] = []
        self._needs_doctor = state.DIALECTS[release.version].credentials_by_doctor
        whole = state.config(
            release.version,
            self.root,
            self.port,
            self.token,
            self.provider.base_url,
            run_timeout,
            idle_timeout,
        )
        state.write_state(self.root, state.merged(whole, config or {}))
        atexit.register(self.close)

    @property
    def gateway_pid(self) -> int:
        """Pid of the process that listens on `port` (after SIGKILL: the last one)."""
        return self._pid

    @property
    def running(self) -> bool:
        """Whether the gateway process is there."""
        return self._gateway is not None and self._gateway.poll() is None

    @property
    def log_file(self) -> Path:
        """The JSON log this instance writes, as seen from here; today's name while there is none yet."""
        folder = isolation.log_folder(self.folder / "log")
        written = sorted(folder.glob("openclaw-*.log"))
        return written[-1] if written else folder / f"openclaw-{time.strftime('%Y-%m-%d')}.log"

    @property
    def gateway_lock(self) -> Path:
        """The gateway's single-instance lock: JSON with pid and configPath; SIGKILL leaves it behind."""
        return state.gateway_lock(self.release.version, self.root)

    @property
    def console(self) -> str:
        """What the gateway has printed so far, over all its starts."""
        return (self.folder / "gateway.out").read_text(errors="replace")

    @property
    def client(self) -> GatewayClient:
        """A connection to the gateway with all scopes, opened when first used and after each start."""
        if self._client is None:
            signature = state.DIALECTS[self.release.version].signature
            self._client = GatewayClient(self.port, self.token, signature)
        return self._client

    def command(self, *arguments: str) -> list[str]:
        """The command line of an `openclaw` of this instance (run it with `env`); logs go to `log_file`."""
        whole = [str(self.release.node), str(self.release.entry), *arguments]
        return isolation.with_own_logs(self.folder / "log", whole)

    def start(self) -> Self:
        """Start the gateway and return once it is ready; AssertionError with its output when it is not."""
        if self.running:
            return self
        if self._needs_doctor:
            self._import_credentials()
            self._needs_doctor = False
        theirs, ours = os.pipe()
        with (self.folder / "gateway.out").open("ab") as out:
            self._gateway = subprocess.Popen(
                self.command("gateway", "run", "--port", str(self.port), "--bind", "loopback"),
                cwd=self.folder / "home",
                env={**self.env, "LOCKDECK_LIFELINE": str(theirs)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs,),
                start_new_session=True,
            )
        os.close(theirs)
        self._lifeline = ours
        self._pid = 0
        eventually(self._ready, START_SECONDS, lambda: f"a ready gateway; it printed: {self.console[-2000:]}")
        self._pid = _listener(self._gateway.pid, self.port)
        return self

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End the gateway with SIGTERM and wait for it; SIGKILL and AssertionError if that takes too long.

        2026.9.6 first lets active runs come to their end, for up to 315 s; the others cut them off.
        """
        if not self._end(signal.SIGTERM, seconds):
            raise AssertionError(f"the gateway was still there {seconds:g} s after SIGTERM")

    def sigkill(self) -> None:
        """Kill the gateway as a crash would: nothing is cleaned up. Returns when it is gone."""
        self._end(signal.SIGKILL, STOP_SECONDS)

    def restart(self) -> None:
        """Stop the gateway if it runs, and start it again on the same state and port."""
        self.stop()
        self.start()

    def warm_up(self) -> None:
        """Restart without cooldowns, where timeouts cause them (2026.2 and 2026.3); elsewhere nothing is done."""
        if state.DIALECTS[self.release.version].idle is None:
            self.begin_anew()

    def begin_anew(self) -> None:
        """End whatever goes on, and start without locks and cooldowns that it left.

        2026.3.13 was seen to take the lock of a killed gateway for one that runs.
        """
        self.sigkill()
        self.runs.clear()
        for lock in (*self.lock_files(), self.gateway_lock):
            lock.unlink(missing_ok=True)
        if not state.DIALECTS[self.release.version].credentials_by_doctor:
            state.write_credentials(self.root)
        self.start()

    def hide_token(self) -> None:
        """Have the next gateway take its token from its own environment: the configuration tells none."""
        self.env["OPENCLAW_GATEWAY_TOKEN"] = self.token
        path = self.root / state.CONFIG_NAME
        whole = json.loads(path.read_text())
        whole["gateway"]["auth"] = {"mode": "token"}
        path.write_text(json.dumps(whole))

    def upgrade(self, release: Release) -> None:
        """Put another release in the place of this one, on the state as it is; starts nothing."""
        assert not self.running, "the old gateway still runs"
        self._locks_left.append(self.gateway_lock)
        self.release = release
        self.env = isolation.environment(release, self.folder / "home", self.root, self.refused)

    def start_run(self, agent: str, via: str = "agent", message: str = "status check, please") -> Run:
        """Start a run in `agent:<agent>:main`; returns once accepted, the run goes on by itself.

        `via`: `agent` (RPC of that name, as `openclaw agent` does) or `chat` (`chat.send`, as WebChat does).
        """
        run = self.client.start(agent, f"{message} {AGENT_MARK.format(agent=agent)}", via)
        self.runs.append(run)
        return run

    def lock_files(self) -> tuple[Path, ...]:
        """The session locks there are now, sorted by path."""
        return tuple(sorted(self.root.glob("agents/*/sessions/*.jsonl.lock")))

    def close(self) -> None:
        """End the gateway (SIGTERM, SIGKILL when it takes too long) and the provider.

        May be called twice; also called when Python exits. Should Python be killed, the lifeline sends
        the gateway SIGTERM.
        """
        atexit.unregister(self.close)
        try:
            self._end(signal.SIGTERM, CLOSE_SECONDS)
        finally:
            self.provider.close()
            for lock in (self.gateway_lock, *self._locks_left):
                lock.unlink(missing_ok=True)  # in /tmp, where a killed gateway's would stay

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _import_credentials(self) -> None:
        done = subprocess.run(
            self.command("doctor", "--fix", "--yes", "--non-interactive"),
            cwd=self.folder / "home",
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"openclaw doctor --fix: exit {done.returncode}: {done.stderr[-2000:]}"

    def _ready(self) -> bool:
        assert self._gateway is not None
        code = self._gateway.poll()
        if code is not None:
            raise AssertionError(f"the gateway ended with {code}; it printed: {self.console[-2000:]}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            if not state.DIALECTS[self.release.version].has_readyz:
                connection.connect()
                return "log file:" in self.console
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _end(self, how: signal.Signals, seconds: float) -> bool:
        """Send the gateway the signal and wait for it and its helpers; False when only SIGKILL ended it."""
        started, self._gateway = self._gateway, None
        if started is None:
            return True
        processes = _family(started.pid)
        for process in processes:
            if process.pid == (self._pid or started.pid):
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(how)
        _, left = psutil.wait_procs(processes, seconds)
        for process in left:
            process.kill()
        started.wait()
        self._let_go()
        return not any(process.pid == self._pid for process in left)

    def _let_go(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _family(started: int) -> list[psutil.Process]:
    """The started process and everything below it (2026.9.6 has helper processes)."""
    try:
        first = psutil.Process(started)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _listener(started: int, port: int) -> int:
    """Pid that listens on `port`: the started process or one of its children."""
    for process in _family(started):
        for connection in process.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                return int(process.pid)
    raise AssertionError(f"nobody below pid {started} listens on port {port}")
