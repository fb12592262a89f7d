"""How decks reach the agent of a host: the pipe that it was started with, or a socket of this machine."""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
import threading
from contextlib import suppress

from lockdeck.backend.hosts.agent import HostAgent

SLEEPS_S = 30
"""A deck on a socket that takes nothing for so long (seconds) is dropped."""
_BLOCK = 1 << 16


def serve_pipe(agent: HostAgent, stop: threading.Event) -> None:
    """Serve the deck on stdin and stdout, and end with it. Call it once."""
    descriptors = os.dup(0), os.dup(1)

    def send(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptors[1], view) :]

    def serve() -> None:
        try:
            agent.serve_viewer(send, lambda: os.read(descriptors[0], _BLOCK))
        except OSError:
            pass
        finally:
            stop.set()

    threading.Thread(target=serve, name="lockdeck-viewer", daemon=True).start()
    agent.run()


def serve_socket(agent: HostAgent, path: str, stop: threading.Event) -> None:
    """Serve every deck that connects to a socket, which only our account may. Raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        _bind(listener, path)
        ours = os.lstat(path).st_ino
        acceptor = threading.Thread(
            target=_accept, args=(listener, agent), name="lockdeck-viewer", daemon=True
        )
        acceptor.start()
        try:
            agent.run()
        finally:
            stop.set()
            with suppress(FileNotFoundError):
                if os.lstat(path).st_ino == ours:  # another may have replaced us
                    os.unlink(path)


def _bind(listener: socket.socket, path: str) -> None:
    """Bind to a path, mode 0600, in place of what a dead agent left there. Raises OSError."""
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise FileExistsError(errno.EEXIST, "this is no socket", path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(path) == 0:
                raise FileExistsError(errno.EADDRINUSE, "another lockdeck serves here", path)
    fresh = f"{path}.{os.getpid()}"
    before = os.umask(0o177)
    try:
        listener.bind(fresh)
    finally:
        os.umask(before)
    listener.listen()
    os.rename(fresh, path)


def _accept(listener: socket.socket, agent: HostAgent) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connection, agent), name="lockdeck-viewer", daemon=True).start()


def _serve(connection: socket.socket, agent: HostAgent) -> None:
    with connection:
        # Of what is sent; a deck may well say nothing for ever.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SLEEPS_S, 0))
        try:
            agent.serve_viewer(connection.sendall, lambda: connection.recv(_BLOCK))
        except OSError:
            return
