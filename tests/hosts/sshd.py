"""A real sshd on each of two machines, with a fleet each, and the system's own ssh on the deck's side."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from lockdeck.backend.watch.live.supervisor import supervised
from tests.folders import REPOSITORY
from tests.hosts.network import Deck, Machine
from tests.unit.fleetdir import FleetDir, environment, running_below

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
SSH = shutil.which("ssh")
NOTHING: Mapping[str, str] = {}
FORCED = "restrict,command={} "
"""Binds what a key may do to the key."""


class SshHost:
    """One machine with an sshd, whose account finds `lockdeck` and the fleet of this host."""

    def __init__(
        self, folder: Path, name: str, machine: Machine, env: Mapping[str, str] = NOTHING, log: str = ""
    ) -> None:
        """Make the host; `env` and `log`: of an OpenClaw that is its fleet instead."""
        folder.mkdir()
        self._env = env
        self.name, self.machine = name, machine
        self.fleet = FleetDir(folder)
        config = self.fleet.settings_file().rename(_made(folder / "lockdeck-config") / "config.toml")
        if log:
            config.write_text(f"logs = [{json.dumps(log)}]\n")
        self.keys = folder / "authorized_keys"
        self.known = f"[{machine.address}]:{machine.port}" if machine.port != 22 else machine.address
        self._folder = folder
        self._tools = folder / "bin"
        self._log = folder / "sshd.log"
        self._lifeline: int | None = None
        self._write()

    def start(self) -> None:
        """Start the sshd and wait until it listens."""
        theirs, self._lifeline = os.pipe()
        words = (*self.machine.enter, str(SSHD), "-D", "-e", "-f", str(self._folder / "sshd_config"))
        before = self._log.read_text().count("Server listening") if self._log.exists() else 0
        with open(self._log, "ab") as log:
            self._sshd = subprocess.Popen(
                supervised(theirs, words), stdin=subprocess.DEVNULL, stderr=log, pass_fds=[theirs]
            )
        os.close(theirs)
        while self._log.read_text().count("Server listening") == before:
            ended = self._sshd.poll() is not None
            assert not ended, self._log.read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        """End the sshd and all its connections, without a word."""
        if self._lifeline is None:
            return
        with suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self._sshd.pid).children(recursive=True):
                process.kill()
        os.close(self._lifeline)
        self._lifeline = None
        self._sshd.wait()

    def agents(self) -> list[psutil.Process]:
        """Return every lockdeck that runs on this host."""
        return running_below(self._tools)

    def _write(self) -> None:
        _keygen(self._folder / "host_key")
        tools = _made(self._tools)
        # Its place tells whose a process is.
        code = f"from lockdeck.tui.entry import main; main()  # {tools}"
        _script(tools / "lockdeck", f'exec {shlex.join((sys.executable, "-c", code))} "$@"')
        env = {**environment(self.fleet.env), **self._env}
        env |= {"PATH": f"{tools}:/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY)}
        pairs = " ".join(shlex.quote(f"{name}={value}") for name, value in env.items())
        (self._folder / "sshd_config").write_text(
            f"ListenAddress {self.machine.address}:{self.machine.port}\n"
            f"HostKey {self._folder / 'host_key'}\n"
            f"AuthorizedKeysFile {self.keys}\n"
            f"SetEnv {pairs}\n"
            "StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "PermitRootLogin prohibit-password\nPidFile none\nUseDNS no\nPrintMotd no\nPrintLastLog no\n"
        )


class SshDeck:
    """The deck's side: keys, known hosts, and an `ssh` on the path that reads these and no others."""

    def __init__(self, folder: Path, deck: Deck, hosts: list[SshHost]) -> None:
        folder.mkdir()
        self.path = _made(folder / "bin")
        self._folder = folder
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.write_text(
            "".join(f"{host.known} {(host.fleet.home / 'host_key.pub').read_text()}" for host in hosts)
        )
        words = (*deck.enter, str(SSH), "-F", str(folder / "config"))
        _script(self.path / "ssh", f'exec {shlex.join(words)} "$@"')
        (folder / "config").write_text("")
        for host in hosts:
            self.admit(host, host.name)

    def admit(self, host: SshHost, alias: str, forced: str = "") -> None:
        """Let a key of its own into a host, under a name; `forced`: the only command that it may run there."""
        key = self._folder / alias
        _keygen(key)
        options = FORCED.format(f'"{forced}"') if forced else ""
        with open(host.keys, "a") as keys:
            keys.write(options + key.with_name(f"{alias}.pub").read_text())
        with open(self._folder / "config", "a") as config:
            config.write(
                f"Host {alias}\nHostName {host.machine.address}\nPort {host.machine.port}\n"
                f"IdentityFile {key}\nIdentitiesOnly yes\nUserKnownHostsFile {self.known_hosts}\n"
                "GlobalKnownHostsFile none\nStrictHostKeyChecking yes\n"
            )


def kill(processes: list[psutil.Process]) -> None:
    """End processes as the kernel does: without a word."""
    assert processes, "nothing is there to be killed"
    for process in processes:
        process.kill()


@contextmanager
def running(hosts: list[SshHost]) -> Iterator[None]:
    """Have every host's sshd run until the block ends."""
    try:
        for host in hosts:
            host.start()
        yield
    finally:
        for host in hosts:
            host.stop()


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def _keygen(path: Path) -> None:
    words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path))
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, timeout=60)


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder
