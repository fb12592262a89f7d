"""A simulated OpenClaw fleet of four agents that lives through openclaw#62351 in fast motion.

    with SimulatedFleet() as fleet:
        watch(roots=[fleet.root], logs=[fleet.log_file], environment=fleet.env)

Name the log explicitly: discovery would also look into this host's own log folder.

Everything is real except OpenClaw: a gateway process and command-line processes, lock files they hold open,
transcripts, stores and log lines in the shape of 2026.4.5.  The fleet lives in a private directory and
ends with its owner: `close()`, the end of the `with` block, an exception, any signal, SIGKILL included.
One round takes about 7.5 attempts (46 s at the default pace) and begins again until the fleet is closed:
the outage starts 1 attempt in (5 s), agents are on their third attempt from 3.3 attempts on (20 s).

What a watcher finds: `agent:{main,silas,ezra,juno}:main` idle, running, rotating and failing; a blocked
caller on silas; `agent:main:release-notes` held by a command-line process; and two locks for a person to
judge, `agent:ezra:cron:nightly-digest` (dead) and `agent:juno:discord:channel:ops` (leaked).
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import select
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from lockdeck.backend.simulate.cast import TOKEN
from lockdeck.backend.simulate.home import Home, furnish
from lockdeck.backend.simulate.lifeline import remove_tree
from lockdeck.backend.simulate.tempo import DEFAULT_PACE
from lockdeck.backend.system.folders import import_folder

_START_LIMIT_S = 20.0
_END_LIMIT_S = 5.0
_INHERITED = ("TZ", "LANG", "LC_ALL", "LD_LIBRARY_PATH")


class FleetError(RuntimeError):
    """The simulated gateway did not come up; the text says what it printed."""


class SimulatedFleet:
    """Owns the processes and the directory of one fleet. Usable from any thread, one thread at a time.

    `directory` is where the fleet makes its own private directory (default: the system's temporary
    directory); only that private directory is ever removed.  `pace` is the length of one attempt under
    the hang in seconds, greater than 0; everything else scales with it.
    """

    def __init__(self, directory: Path | None = None, pace: float = DEFAULT_PACE) -> None:
        if not pace > 0:
            raise ValueError(f"pace must be greater than 0 seconds, not {pace}")
        self._directory = directory
        self._pace = pace
        self._undo = contextlib.ExitStack()
        self._home: Home | None = None
        self.port = 0
        """The gateway's port on 127.0.0.1 as its configuration names it; 0 before the start."""
        self.gateway_pid = 0
        """The pid of the gateway process; 0 before the start."""
        self.token = TOKEN
        """The gateway's token."""

    @property
    def root(self) -> Path:
        """The state directory, laid out like `~/.openclaw`. Raises RuntimeError before the start."""
        return self._started().root

    @property
    def log_file(self) -> Path:
        """The log of gateway and command line. Raises RuntimeError before the start."""
        return self._started().log()

    @property
    def env(self) -> dict[str, str]:
        """What discovery must see in place of the real environment: HOME, OPENCLAW_STATE_DIR, TMPDIR."""
        return self._started().environment()

    def start(self) -> None:
        """Lay out the directory and start the gateway; returns when it is up.

        Raises OSError when the directory can't be written and FleetError when the gateway does not come up;
        nothing is left behind then.
        """
        if self._home is not None:
            raise RuntimeError("a simulated fleet is started only once")
        with contextlib.ExitStack() as undo:
            self._build(undo)
            self._undo = undo.pop_all()

    def close(self) -> None:
        """End every process and remove the directory. May be called again and before `start`."""
        undo, self._undo = self._undo, contextlib.ExitStack()
        undo.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _started(self) -> Home:
        if self._home is None:
            raise RuntimeError("the simulated fleet has not been started")
        return self._home

    def _build(self, undo: contextlib.ExitStack) -> None:
        home = Home(_unused_name(self._directory))
        # Promised before it is made: ctrl+c may come between the two.
        undo.callback(remove_tree, home.path)
        home.path.mkdir(mode=0o700)
        with socket.socket() as server:
            # Bound but not listening: the port is ours, and clients are refused until the gateway serves it.
            server.bind(("127.0.0.1", 0))
            self.port = server.getsockname()[1]
            furnish(home, self.port, self._pace)
            gateway = _start_gateway(home, self._pace, server.fileno(), undo)
        self.gateway_pid = gateway.pid
        _await_up(gateway, home)
        self._home = home


def _unused_name(directory: Path | None) -> Path:
    """Where a fleet may make its directory: a name that nobody else can have chosen."""
    # Python looks for the temporary directory by writing to it; ctrl+c meanwhile would leave that file.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        place = Path(directory or tempfile.gettempdir()).resolve()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return place / f"lockdeck-demo-{secrets.token_hex(8)}"


def _start_gateway(
    home: Home, pace: float, server: int, undo: contextlib.ExitStack
) -> subprocess.Popen[bytes]:
    lifeline, our_end = os.pipe()
    close_our_end = undo.enter_context(contextlib.ExitStack())
    close_our_end.callback(os.close, our_end)
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment |= home.environment()
    environment |= {"PATH": f"{home.programs}:/usr/bin:/bin"}
    environment["PYTHONPATH"] = os.pathsep.join((import_folder(), *_libraries()))
    try:
        with home.errors.open("wb") as errors:
            gateway = subprocess.Popen(
                [
                    *("openclaw-gateway", "-S", "-P", "-m", "lockdeck.backend.simulate.gateway"),
                    *(str(home.path), str(pace), str(lifeline), str(server)),
                ],
                env=environment,
                cwd=home.path,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=(lifeline, server),
                # A session of its own: ctrl+c and a closing terminal reach the owner only, which then ends it.
                start_new_session=True,
            )
    finally:
        os.close(lifeline)
    undo.callback(_end_gateway, gateway, close_our_end)
    return gateway


def _libraries() -> list[str]:
    """Where the libraries of the protocol are: the gateway starts without site-packages, to start fast."""
    found = (importlib.util.find_spec(name) for name in ("websockets", "cryptography"))
    origins = (spec.origin for spec in found if spec is not None and spec.origin is not None)
    return sorted({str(Path(origin).parents[1]) for origin in origins})


def _await_up(gateway: subprocess.Popen[bytes], home: Home) -> None:
    assert gateway.stdout is not None
    with gateway.stdout as output:
        ready, _, _ = select.select([output], [], [], _START_LIMIT_S)
        line = output.readline() if ready else b""
    if not line:
        said = home.errors.read_text(encoding="utf-8", errors="replace")[-2000:].strip()
        raise FleetError(f"the simulated gateway did not come up: {said or 'it said nothing'}")


def _end_gateway(gateway: subprocess.Popen[bytes], our_end: contextlib.ExitStack) -> None:
    """Cut the lifeline: the gateway ends its children, removes the directory and exits."""
    our_end.close()
    try:
        gateway.wait(_END_LIMIT_S)
    except subprocess.TimeoutExpired:
        gateway.kill()
        gateway.wait()
