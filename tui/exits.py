"""The exit codes of the command line and of the dashboard; part of the contract."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The answer of a process to its caller."""

    OK = 0
    """Nothing needs a person, or the action reached its goal."""
    ATTENTION = 1
    """Something needs a person, or the action did not reach its goal."""
    USAGE = 2
    """Wrong use or wrong configuration."""
    REFUSED = 3
    """Refused because unsafe; the output says why."""
    NOTHING = 4
    """Nothing to watch was found; the output says where was looked."""
    INTERRUPTED = 130
    """Interrupted by ctrl+c."""
