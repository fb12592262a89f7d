"""A log of the past as its events, for tests that only need those."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from itertools import count

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.log.inputs.opening import OpenInput
from lockdeck.backend.openclaw.log.inputs.reading import SetReader
from lockdeck.backend.openclaw.log.stream import LineCounts


def read_events(path: str | os.PathLike[str], counts: LineCounts | None = None) -> Iterator[Event]:
    """Read one file from start to end; `counts` is filled on the way."""
    reader = SetReader(count())
    with closing(OpenInput(os.fspath(path))) as source:
        yield from reader.read(source, LineCounts() if counts is None else counts)
    yield from reader.finish()
