"""Hosts that are simulated: real lockdecks behind real pipes, each on a small fleet of its own. They end with us."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.asks import Role
from lockdeck.backend.simulate.fleet import SimulatedFleet
from lockdeck.backend.simulate.tempo import DEFAULT_PACE
from lockdeck.backend.system.folders import import_folder
from lockdeck.tui.cli.hosts.places import SERVE

_STARTS = 4
"""So many fleets are started at the same time."""


@contextmanager
def simulated_hosts(count: int, pace: float = DEFAULT_PACE) -> Iterator[tuple[HostAddress, ...]]:
    """Have so many hosts until the block ends; what a deck asks of one is done there. Raises OSError, FleetError."""
    fleets = [SimulatedFleet(pace=pace) for _ in range(count)]
    with ExitStack() as undo:
        for fleet in fleets:
            undo.callback(fleet.close)
        with ThreadPoolExecutor(_STARTS) as pool:
            for starting in [pool.submit(fleet.start) for fleet in fleets]:
                starting.result()
        yield tuple(_address(f"claw-{number}", fleet) for number, fleet in enumerate(fleets, 1))


def _address(name: str, fleet: SimulatedFleet) -> HostAddress:
    """Return what leads to a lockdeck that sees a fleet and nothing else."""
    own = os.path.join(fleet.root, "lockdeck")
    env = {
        **fleet.env,
        "LOCKDECK_STATE_DIR": own,
        "LOCKDECK_CONFIG_DIR": own,
        "PYTHONPATH": os.pathsep.join((import_folder(), *sys.path)),
    }
    pairs = (f"{key}={value}" for key, value in env.items())
    options = ("--role", Role.OPERATOR.value, "--log", str(fleet.log_file), str(fleet.root))
    return HostAddress(name, ("env", *pairs, sys.executable, *SERVE, *options), group="demo")
