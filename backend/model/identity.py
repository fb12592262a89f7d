"""The name of a session or lock among those of all hosts."""

from __future__ import annotations

Identity = tuple[str, str, str]
"""A session or lock through any re-sort: its host, its root (or the source of its log), and its key or path.

The host is empty where this machine alone is watched; on a deck of several hosts it is the name that the deck has for it.
"""
