"""What is known of a session by the sources of its root: its own sources, and the state that they support."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from lockdeck.backend.model.fleet import GatewayView, LockView, RootView, SessionView, Severity, State
from lockdeck.backend.model.gateways import gateway_at_work
from lockdeck.backend.model.locks import LockKind, Verdict
from lockdeck.backend.model.sources import Activity, SourceKind, SourceState, SourceView
from lockdeck.backend.model.words import times

_CLAIMS = frozenset({State.IDLE, State.RUNNING, State.FAILED})
"""States that say that nothing worse goes on: also a failure, after which nothing has run."""
_OVER = frozenset({Verdict.DEAD, Verdict.RECYCLED, Verdict.LITTER, Verdict.RELEASING})
_PLACED = frozenset({SourceKind.LOCKS, SourceKind.STORE})
_NOTHING_RUNS = "nothing runs"
"""Begin of what an idle session says of itself: no longer said where it is not known."""


def can_run(view: SessionView) -> bool:
    """Return whether something can be running in a session, by its lock, its store and what is told of it."""
    if view.lock is not None and view.lock.judgement.verdict not in _OVER:
        return True
    return view.state not in (State.IDLE, State.FAILED)


def activity_of(
    gateway: GatewayView | None,
    views: Sequence[SessionView],
    began: float | None,
    connected: bool,
    now: float,
) -> Activity:
    """Return what says whether something can be running in a root; `connected`: its gateway talks to us.

    `began` is when the gateway started, `now` when it was looked (epoch seconds).
    """
    lives = connected or (gateway is not None and gateway.alive is not False)
    pid, began = None if gateway is None else gateway.pid, began if lives else None
    at_work = gateway_at_work(view.lock for view in views if view.lock is not None)
    if began is None and at_work is not None:
        pid, began = at_work.pid, at_work.started_at
    return Activity(
        now,
        lives,
        gateway_pid=pid,
        gateway_began=began,
        held=any(view.lock is not None and can_run(view) for view in views),
        occupied=any(map(can_run, views)),
    )


def processes_source(views: Iterable[SessionView], where: str, now: float) -> SourceView:
    """Return the process table at `where` as a source: whose locks have holders that it hides."""
    hidden = sum(view.lock is not None and is_hidden(view.lock) for view in views)
    if not hidden:
        return SourceView(SourceKind.PROCESSES, where, SourceState.READ, now)
    lost = f"who holds {times(hidden, 'lock')} can't be seen from here"
    return SourceView(SourceKind.PROCESSES, where, SourceState.REFUSED, now, lost)


class Knowledge:
    """The sources of one root, asked for each of its sessions; what is alike is the same object."""

    def __init__(self, root: RootView) -> None:
        self._root = root
        gateway = root.gateway
        # One that broke off may have had any of them.
        self._gateway_has_any = (gateway is not None and gateway.alive is not False) or any(
            source.kind is SourceKind.GATEWAY
            and (source.state is SourceState.READ or source.lost is not None)
            for source in root.sources
        )
        self._gateway_tells = any(
            source.kind is SourceKind.GATEWAY and source.state is SourceState.READ for source in root.sources
        )
        self._alike: dict[tuple[str, bool], tuple[SourceView, ...]] = {}
        self._missed: dict[int, tuple[SourceView, ...]] = {}

    def listed(self, view: SessionView) -> tuple[SourceView, ...]:
        """Return the sources that a list names for a session: all where something is known of it but its row in the store.

        Else only what is missed: of thousands of idle sessions the others are the same, and those of their root.
        """
        sources = self.of(view)
        if view.lock is not None or view.transcript_at is not None or view.occupation is not None or view.log:
            return sources
        if id(sources) not in self._missed:
            self._missed[id(sources)] = tuple(source for source in sources if source.lost is not None)
        return self._missed[id(sources)]

    def of(self, view: SessionView) -> tuple[SourceView, ...]:
        """Return the sources of a session."""
        directory = _directory_of(view.transcript or "")
        # Where a gateway tells what runs, a log is missed only of what does.
        concerned = can_run(view) or (self._gateway_has_any and not self._gateway_tells)
        sources = self._alike.get((directory, concerned))
        if sources is None:
            sources = tuple(self._of_directory(directory, concerned))
            self._alike[directory, concerned] = sources
        hides_holder = view.lock is not None and is_hidden(view.lock)
        if view.transcript_at is None and not hides_holder:
            return sources
        return tuple(_of_its_own(sources, view, hides_holder))

    def supported(self, view: SessionView) -> SessionView:
        """Return a session as its sources support it: unknown where one is missing that would show trouble."""
        if view.state not in _CLAIMS:
            return view
        losses = [source.lost for source in self.of(view) if source.lost is not None]
        if not losses:
            return view
        reasons = (reason for reason in view.reasons if not reason.startswith(_NOTHING_RUNS))
        return replace(
            view,
            state=State.UNKNOWN,
            severity=max(view.severity, Severity.NOTICE),
            reasons=tuple(dict.fromkeys((*losses, *reasons))),
        )

    def _of_directory(self, directory: str, concerned: bool) -> Iterator[SourceView]:
        """Yield the sources of any session in a directory; `concerned`: something can be running in it."""
        faulty = {source.kind for source in self._root.sources if source.lost and _is_of(source, directory)}
        for source in self._root.sources:
            if source.kind in _PLACED:
                if _is_of(source, directory) if source.kind in faulty else source.lost is None:
                    yield source
            elif source.kind is SourceKind.PROCESSES:
                yield replace(source, state=SourceState.READ, lost=None)
            elif source.lost is None or concerned:
                yield source
            else:
                yield replace(source, state=SourceState.NOT_NEEDED, lost=None)
        if directory:
            yield SourceView(SourceKind.TRANSCRIPT, directory, SourceState.NOT_NEEDED)


def _of_its_own(sources: Iterable[SourceView], view: SessionView, hides_holder: bool) -> Iterator[SourceView]:
    """Yield the sources of a session with what is its own: its transcript, and who can have its lock."""
    for source in sources:
        if source.kind is SourceKind.TRANSCRIPT and view.transcript_at is not None:
            yield SourceView(source.kind, view.transcript or "", SourceState.READ, view.transcript_at)
        elif source.kind is SourceKind.PROCESSES and hides_holder:
            lost = "who holds its lock can't be seen from here"
            yield replace(source, state=SourceState.REFUSED, lost=lost)
        else:
            yield source


def _directory_of(path: str) -> str:
    return path.rpartition("/")[0]


def _is_of(source: SourceView, directory: str) -> bool:
    """Return whether a source of locks or of a store belongs to a sessions directory."""
    where = source.where if source.kind is SourceKind.LOCKS else _directory_of(source.where)
    return source.kind in _PLACED and where == directory


def is_hidden(lock: LockView) -> bool:
    """Return whether it can't be told from here who has a session's lock."""
    return lock.record.kind is LockKind.SESSION and lock.judgement.verdict is Verdict.FOREIGN
