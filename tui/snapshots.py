"""The source of snapshots, the thread that runs it, and how often its snapshots are shown."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from msgspec.structs import replace

from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.nats.address import FleetAddress
from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.system.processes import ProcessDetails
from lockdeck.backend.system.text import SafeText, safe
from lockdeck.backend.watch.records.records import SessionRecords

_LOG = logging.getLogger("lockdeck.source")


class Source(Protocol):
    """Watches a fleet. The dashboard calls `run` once, in a thread of its own."""

    def run(self, publish: Callable[[FleetSnapshot], None], stop: threading.Event) -> None:
        """Publish a snapshot at every change, and at least every three seconds, until `stop` is set."""


@runtime_checkable
class Inspector(Protocol):
    """A source that can also tell about a process; the dashboard asks it while a holder is looked at."""

    def inspect(self, pid: int, start_ticks: int | None) -> ProcessDetails | None:
        """Return what a person wants to see of a process; None when it is gone or another one by now.

        Called in a thread of its own, not in that of `run`, at most every two seconds.
        """


@runtime_checkable
class RecordKeeper(Protocol):
    """A source that can also read again what was written about a session."""

    @property
    def records(self) -> SessionRecords:
        """The door to logs and transcripts, for threads of the dashboard's own."""


@runtime_checkable
class OfHosts(Protocol):
    """A source that watches hosts, each by a lockdeck of its own there: nothing it tells of can be read from here."""

    addresses: tuple[HostAddress | FleetAddress, ...]


@runtime_checkable
class Configurable(Protocol):
    """A source that goes by settings, and by others from its next look on; they may be set in any thread."""

    settings: Settings


class SourceThread:
    """Runs a source until told to stop.

    A daemon thread and not a Textual thread worker: Textual joins its workers at exit, so one read that
    hangs (a dead NFS mount) would keep the terminal.  A daemon thread ends with the process.
    """

    def __init__(
        self, source: Source, publish: Callable[[FleetSnapshot], None], failed: Callable[[SafeText], None]
    ) -> None:
        self._source = source
        self._publish = publish
        self._failed = failed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lockdeck-source", daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the source to end; does not wait for it."""
        self._stop.set()

    def _run(self) -> None:
        try:
            self._source.run(self._pass_on, self._stop)
        except Exception as error:  # noqa: BLE001 - the boundary of the thread: told to the person, never hidden
            if not self._stop.is_set():
                _LOG.error("the source ended with %s", type(error).__name__)
                self._failed(safe(f"{type(error).__name__}: {error}", 200))

    def _pass_on(self, snapshot: FleetSnapshot) -> None:
        if not self._stop.is_set():
            self._publish(snapshot)


class SnapshotThrottle:
    """Lets the first snapshot through at once, then at most one per gap, always the newest."""

    def __init__(self) -> None:
        self._waiting: FleetSnapshot | None = None
        self._resting = False

    def take(self, snapshot: FleetSnapshot) -> FleetSnapshot | None:
        """Return the snapshot when it may be shown now; else it waits, and one that waited before becomes part of it."""
        if not self._resting:
            return snapshot
        self._waiting = snapshot if self._waiting is None else folded(self._waiting, snapshot)
        return None

    def rest(self) -> None:
        """Show nothing until `rested`."""
        self._resting = True

    def rested(self) -> FleetSnapshot | None:
        """Return the snapshot that waited for the end of the rest."""
        self._resting = False
        snapshot, self._waiting = self._waiting, None
        return snapshot


def folded(skipped: FleetSnapshot, snapshot: FleetSnapshot) -> FleetSnapshot:
    """Return a snapshot whose delta is to the one before another that nobody saw."""
    if skipped.delta is None or snapshot.delta is None:
        return snapshot if snapshot.delta is None else replace(snapshot, delta=None)
    return replace(snapshot, delta=skipped.delta.then(snapshot.delta))
