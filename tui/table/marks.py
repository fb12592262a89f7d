"""Marked rows, kept by identity: what is marked is a session or a lock, never a place in a list. Pure."""

from __future__ import annotations

from collections.abc import Container

from lockdeck.tui.view.names import RowKey

Marks = frozenset[RowKey]
NONE: Marks = frozenset()


def toggled(marks: Marks, key: RowKey) -> Marks:
    """Return the marks with one more, or with that one gone."""
    return marks ^ {key}


def present_marks(marks: Marks, rows: Container[RowKey]) -> Marks:
    """Return the marks of rows that are still there."""
    return frozenset(key for key in marks if key in rows)
