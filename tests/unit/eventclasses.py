"""The event classes that lockdeck itself declares."""

from __future__ import annotations

from collections.abc import Iterator

from lockdeck.backend.model.runs import events as ev


def event_classes() -> list[type[ev.Event]]:
    """Every event class, without the abstract ones and without those that a test makes up."""
    return sorted(
        {kind for kind in _below(ev.Event) if kind.__module__.startswith("lockdeck.") and not missing(kind)},
        key=lambda kind: kind.__name__,
    )


def missing(kind: type[ev.Event]) -> set[str]:
    """What an event class does not declare."""
    return {name for name in dir(kind) if getattr(getattr(kind, name), "__isabstractmethod__", False)}


def _below(kind: type[ev.Event]) -> Iterator[type[ev.Event]]:
    for below in kind.__subclasses__():
        yield below
        yield from _below(below)
