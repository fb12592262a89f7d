"""The files of one log, read one after the other as one stream of events."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lockdeck.backend.model.moments import LogEnd
from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.log.datings import Origins
from lockdeck.backend.openclaw.log.inputs.opening import OpenInput
from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts


class SetReader:
    """What a rotation has cut is whole again: lines, their parts and the time around them go on in the next file.

    `numbers` tell apart the streams that are read together; `ends` are where the log ends, by who wrote it.
    """

    __slots__ = ("_counts", "_numbers", "_stream", "ends")

    def __init__(self, numbers: Iterator[int]) -> None:
        self._stream: EventStream | None = None
        self._numbers = numbers
        self.ends: dict[Origins, tuple[LogEnd, ...]] = {}
        self._counts = LineCounts()

    @property
    def origins(self) -> Origins:
        """Who wrote the line of the event yielded last, as what stands around it names them."""
        return () if self._stream is None else self._stream.origins

    def read(
        self, source: OpenInput, counts: LineCounts, note: Callable[[int], None] | None = None
    ) -> Iterator[Event]:
        """Yield the events of one file; `note` is told how many bytes of it were read. Raises OSError."""
        previous, self._counts = self._counts, counts
        goes_on = self._stream is not None
        stream = self._stream = self._stream or EventStream(self._numbers)
        for piece in source.pieces():
            if goes_on:
                yield from stream.next_file(piece, previous)
                goes_on = False
            if note is not None:
                note(source.done)
            yield from stream.feed(piece, counts)

    def finish(self) -> Iterator[Event]:
        """Yield the event of a last line without newline: the log has no further file, or its next can't be read."""
        if self._stream is not None:
            yield from self._stream.finish(self._counts)
            for origins, ends in self._stream.ends().items():
                self.ends[origins] = (*self.ends.get(origins, ()), *ends)
        self._stream = None
