"""All logs that come by themselves: the pipes that were named, and the log commands of roots."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.model.sources import LogLook, SourceState
from lockdeck.backend.model.words import times
from lockdeck.backend.openclaw.log.stream import LineCounts
from lockdeck.backend.system.clocks import steady_time

if TYPE_CHECKING:
    from lockdeck.backend.watch.live.kept import KeptBytes
    from lockdeck.backend.watch.live.reader import LiveReader
    from lockdeck.backend.watch.live.source import LiveSource
    from lockdeck.backend.watch.logs.writers import Writers

LOOK_S = 5.0
"""A single look reads live logs for at most so long (seconds)."""
SILENT_S = 0.5
"""It has read enough of one that has told something and is silent since (seconds)."""

Commands = Mapping[str, Sequence[str]]


class LiveLogs:
    """Owned by the collector's thread; `wake` is called in any, when there is something to read.

    `config_file` is where the commands stand. `kept` are the last bytes of each stream, with its name: any thread may read them.
    """

    def __init__(self, pipes: Sequence[str], config_file: str, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._config_file = config_file
        self._changed = threading.Event()
        self._single_look = False
        self._began: float | None = None
        self._refused: dict[str, str] = {}
        self._readers: dict[LiveSource, tuple[LiveReader, ...]] = {}
        self._pipes: list[LiveSource] = []
        self.kept: tuple[tuple[str, KeptBytes], ...] = ()
        if pipes:
            from lockdeck.backend.watch.live.pipe import PipeSource

            self._pipes += [PipeSource(path, self._ring) for path in dict.fromkeys(pipes)]

    def keep(self, commands: Commands) -> None:
        """Start what is to be read (`commands` by root), and stop what no longer is."""
        if self._began is None:
            self._began = steady_time()
            for pipe in self._pipes:
                self._start(pipe)
        for source in [source for source in self._readers if source.root not in (None, *commands)]:
            source.stop()
            del self._readers[source]
        running = {source.root for source in self._readers}
        self._refused = {}
        for root in commands.keys() - running:
            self._run(root, commands[root])

    def read(self, now: float, counts: LineCounts) -> list[Event]:
        """Return the events of all that came since (`now`: epoch seconds), by time."""
        events: list[Event] = []
        for readers in self._readers.values():
            for reader in readers:
                events += reader.read(now, counts)
        return sorted(events, key=lambda event: event.at)

    def wait_more(self) -> bool:
        """For a single look: wait until something can be read; False once enough was, or the time is over."""
        self._single_look = True
        until = (self._began or steady_time()) + LOOK_S
        while True:
            self._changed.clear()
            now = steady_time()
            if now >= until:
                return False
            if any(reader.waiting for readers in self._readers.values() for reader in readers):
                return True
            rests = [rest for source in self._readers if (rest := _rest(source, until)) > now]
            if not rests:
                return False
            self._changed.wait(min(rests) - now)

    def looks(self, root: str, now: float) -> tuple[LogLook, ...]:
        """Return what is seen of the logs that tell of a root, at `now` (epoch seconds)."""
        refused = self._refused.get(root)
        looks = [
            _look(self._of_source(source, readers), source, readers, now)
            for source, readers in self._readers.items()
            if source.root in (None, root)
        ]
        if refused is not None:
            looks.append(LogLook("log_command", SourceState.REFUSED, None, refused, named=True, broken=True))
        return tuple(looks)

    def unsure(self, oldest: float) -> Iterator[str]:
        """Yield which lines read since (epoch seconds) tell no date, so that nobody knows whether they are of now."""
        for source, readers in self._readers.items():
            undated = sum(reader.undated for reader in readers if reader.undated_at >= oldest)
            if undated:
                yield (
                    f"{source.label}: {times(undated, 'line')} without a date may be old and count for nothing; "
                    "let what writes them add timestamps"
                )

    def writers(self) -> Iterator[tuple[str, Writers]]:
        """Yield who writes each stream, with its name."""
        for source, readers in self._readers.items():
            yield from ((source.label, reader.writers) for reader in readers)

    def notes(self) -> Iterator[str]:
        """Yield what a single look did not wait for."""
        for source in self._readers if self._single_look else ():
            if source.heard_at is not None and not source.finished and not source.problem:
                yield f"{source.label} goes on: what it tells later isn't in this picture"

    def close(self) -> None:
        """End all; does not wait for them."""
        for source in (*self._readers, *self._pipes):
            source.stop()

    def _of_source(self, source: LiveSource, readers: tuple[LiveReader, ...]) -> str | None:
        """Say why a source tells nothing of now; None where it does, or where it has told nothing yet."""
        if not self._single_look:
            return None if source.problem is None else source.problem + source.outlook
        if any(reader.waiting for reader in readers):
            return f"more came than was read within {LOOK_S:g} s: the latest isn't seen"
        return None if _is_complete(source) else source.problem

    def _run(self, root: str, argv: Sequence[str]) -> None:
        from lockdeck.backend.watch.live.command import CommandSource
        from lockdeck.backend.watch.live.permission import why_not_run

        reason = why_not_run(self._config_file)
        if reason is None:
            self._start(CommandSource(argv, root, self._ring))
        else:
            self._refused[root] = reason

    def _start(self, source: LiveSource) -> None:
        from lockdeck.backend.watch.live.reader import LiveReader

        self._readers[source] = tuple(LiveReader(buffer) for buffer in source.buffers)
        self.kept = tuple(
            (of.label, reader.kept) for of, readers in self._readers.items() for reader in readers
        )
        source.start()

    def _ring(self) -> None:
        self._changed.set()
        self._wake()


def _look(problem: str | None, source: LiveSource, readers: Sequence[LiveReader], now: float) -> LogLook:
    from lockdeck.backend.watch.live.shape import latest, why_no_log

    where, heard_at = source.label, source.heard_at
    as_of = None if heard_at is None else now - max(0.0, steady_time() - heard_at)
    shapes = latest((reader.last_shape, reader.shape) for reader in readers)
    no_log = why_no_log(shapes)
    silent = all(shape.silent for shape in shapes)
    if no_log is not None and source.problem is None and all(reader.shape.silent for reader in readers):
        no_log, silent = None, True  # of a stream that ended; the next has told nothing yet
    # A command that failed says why on its stderr: that is the fault, not that those words are no log.
    if no_log is not None and (source.problem is None or not source.code):
        return LogLook(where, SourceState.REFUSED, as_of, no_log, named=True, broken=True)
    if problem is not None:
        state = SourceState.MISSING if as_of is None else SourceState.STALE
        return LogLook(where, state, as_of, problem, named=True, broken=True)
    if silent:
        return LogLook(where, SourceState.MISSING, None, "it has told nothing yet", named=True)
    return LogLook(where, SourceState.READ, as_of, named=True)


def _rest(source: LiveSource, until: float) -> float:
    """Return until when (of `steady_time`) a single look waits for a source."""
    if source.finished or (source.problem is not None and not source.awaited):
        return 0.0
    return until if source.heard_at is None else min(until, source.heard_at + SILENT_S)


def _is_complete(source: LiveSource) -> bool:
    """Return whether a source that has ended told all that a single look asks for."""
    return source.code == 0 if source.root is not None else source.heard_at is not None or source.finished
