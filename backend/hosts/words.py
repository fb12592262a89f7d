"""The words by which a command line names other hosts, for who has to know no more than whether any is meant."""

from __future__ import annotations

SCHEME = "ssh://"
USUAL_FLEET = "main"
"""The fleet of a NATS server where none is named."""


def is_address(word: str) -> bool:
    """Return whether a word of a command line names a host rather than a root."""
    return word.startswith(SCHEME)
