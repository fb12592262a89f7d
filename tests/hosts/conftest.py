"""Two hosts with a real sshd each, for `make hosts`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from tests.hosts.network import network
from tests.hosts.sshd import SSHD, SshDeck, SshHost, running
from tests.isolation import own_folders, own_processes

__all__ = ["own_folders", "own_processes"]


class Fleet(Struct, frozen=True):
    """Two hosts, and the deck that reaches them as `ssh://alpha` and `ssh://beta`."""

    alpha: SshHost
    beta: SshHost
    deck: SshDeck


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """Two hosts that can be reached over ssh."""
    if SSHD is None:
        pytest.skip("needs an sshd: `apt-get install openssh-server`, or that of your system")
    with network() as deck:
        pair = [
            SshHost(tmp_path / name, name, machine)
            for name, machine in zip(("alpha", "beta"), deck.machines, strict=True)
        ]
        fleet = Fleet(*pair, SshDeck(tmp_path / "deck", deck, pair))
        monkeypatch.setenv("PATH", str(fleet.deck.path), prepend=":")
        with running(pair):
            yield fleet


@pytest.fixture
def cable(hosts: Fleet) -> Fleet:
    """The same, joined by cables that can be pulled."""
    if not hosts.alpha.machine.cable:
        pytest.skip("needs network namespaces: root, outside a locked-down container")
    return hosts
