"""The sessions of one root: what was built of them last, what of it is busy, and what its sources support of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lockdeck.backend.model.fleet import LockView, RootView, SessionView, State
from lockdeck.backend.model.knowledge import Knowledge, can_run, is_hidden
from lockdeck.backend.model.order.ranking import Ranking
from lockdeck.backend.model.runs.fold import RunBook
from lockdeck.backend.model.runs.records import NOBODY_BLOCKED
from lockdeck.backend.model.sources import SourceKind, SourceView
from lockdeck.backend.watch.gateway_feed.latest import NO_NEWS
from lockdeck.backend.watch.gateway_feed.news import FeedNews
from lockdeck.backend.watch.sessions.nextmoments import NextMoments
from lockdeck.backend.watch.sessions.picture import DirectoryPicture, SessionPicture

if TYPE_CHECKING:
    from lockdeck.backend.watch.sessions.sqlite import GatewayPicture

ByKey = dict[str, tuple[SessionPicture, ...]]
"""The pictures in which a session stands, by its key."""


class RootSessions:
    """The sessions of a root, directory by directory, or as its gateway tells them. Owned by the collector's thread.

    `moments` says which of them time alone may have changed. What changes is told to the ranking of the whole fleet, and to `by_key`. `trouble` are those shown that are not idle
    and well, each by its object's id; `stuck` of these those that are. `suspension`: that its gateway is stopped, in a sentence.
    """

    def __init__(self, ranking: Ranking[SessionView], by_key: ByKey) -> None:
        self.directories: dict[str, DirectoryPicture] = {}
        self.gateway: GatewayPicture | None = None
        self.moments = NextMoments()
        self.signature: object = None
        self.feed: FeedNews = NO_NEWS
        self.book: RunBook | None = None
        self.suspension: str | None = None
        self.trouble: dict[int, SessionView] = {}
        self.stuck: set[int] = set()
        self._ranking = ranking
        self._by_key = by_key
        self._busy: dict[int, SessionView] = {}
        self._held: dict[int, SessionView] = {}
        self._occupied: dict[int, SessionView] = {}
        self._hidden: dict[int, SessionView] = {}
        self._changed: list[tuple[SessionView | None, SessionView | None]] = []
        self._supported: dict[int, tuple[SessionView, SessionView]] = {}
        self._knowledge: Knowledge | None = None
        self._claims: object = None

    @property
    def pictures(self) -> Iterator[SessionPicture]:
        """All that the sessions stand in."""
        yield from self.directories.values()
        if self.gateway is not None:
            yield self.gateway

    def picture_of(self, directory: str) -> DirectoryPicture:
        """Return the picture of a directory, made where there is none."""
        if directory not in self.directories:
            self.directories[directory] = DirectoryPicture(self._put, directory)
        return self.directories[directory]

    def picture_of_gateway(self) -> GatewayPicture:
        """Return the picture of what the gateway tells, made where there is none."""
        if self.gateway is None:
            from lockdeck.backend.watch.sessions.sqlite import GatewayPicture

            self.gateway = GatewayPicture(self._put)
        return self.gateway

    def keep(self, directories: Mapping[str, object], *, gateway: bool) -> None:
        """Let go of what is watched no longer."""
        for path in self.directories.keys() - directories.keys():
            self.directories.pop(path).clear()
        if self.gateway is not None and not gateway:
            self.gateway.clear()
            self.gateway = None

    def signs(self, *, every: bool) -> list[SessionView]:
        """Return those sessions that show what can be running and what is hidden; with `every` all that are busy."""
        if every:
            return list(self._busy.values())
        some = [next(iter(views.values())) for views in (self._held, self._occupied) if views]
        return [*some, *self._hidden.values()]

    def settle(self, root: RootView) -> None:
        """Show what has changed since the last time, as the sources of the root support it."""
        claims = _claims(root)
        if claims != self._claims:
            self._claims = claims
            self._knowledge = Knowledge(root) if any(source.lost for source in root.sources) else None
            settled = {id(new) for _, new in self._changed if new is not None}
            views = (view for picture in self.pictures for view in picture.every())
            self._changed += [(view, view) for view in views if id(view) not in settled]
        for old, new in self._changed:
            before = None if old is None else self._supported.pop(id(old), (old, old))[1]
            after = new if new is None or self._knowledge is None else self._knowledge.supported(new)
            if before is not None and after is not None and before == after:
                after = before
            if new is not None and after is not None and after is not new:
                self._supported[id(new)] = (new, after)
            self._show(before, after)
        self._changed.clear()

    def _show(self, old: SessionView | None, new: SessionView | None) -> None:
        self._ranking.put(old, new)
        if old is not None:
            self.trouble.pop(id(old), None)
            self.stuck.discard(id(old))
        if new is not None and _is_trouble(new):
            self.trouble[id(new)] = new
            if new.state is State.STUCK:
                self.stuck.add(id(new))

    def _put(self, picture: SessionPicture, old: SessionView | None, new: SessionView | None) -> None:
        """Take up what a picture shows now instead of what it showed."""
        self._changed.append((old, new))
        if old is not None:
            for views in (self._busy, self._held, self._occupied, self._hidden):
                views.pop(id(old), None)
        if new is not None and (new.lock is not None or new.state is not State.IDLE):
            self._count(new, new.lock)
        if old is None or new is None or old.key != new.key:
            self._index(picture, old, new)

    def _count(self, view: SessionView, lock: LockView | None) -> None:
        self._busy[id(view)] = view
        if can_run(view):
            self._occupied[id(view)] = view
            if lock is not None:
                self._held[id(view)] = view
        if lock is not None and is_hidden(lock):
            self._hidden[id(view)] = view

    def _index(self, picture: SessionPicture, old: SessionView | None, new: SessionView | None) -> None:
        if old is not None:
            rest = list(self._by_key[old.key])
            rest.remove(picture)
            self._by_key[old.key] = tuple(rest)
            if not rest:
                del self._by_key[old.key]
        if new is not None:
            others = self._by_key.get(new.key)
            self._by_key[new.key] = picture.alone if others is None else (*others, picture)


def _claims(root: RootView) -> object:
    """Return all of a root that decides which of its sessions' states its sources support."""
    alive = None if root.gateway is None else root.gateway.alive
    return (root.path, alive, list(map(_claim, root.sources)))


def _claim(source: SourceView) -> object:
    # How many holders are hidden is no matter of any one session.
    lost = source.lost is not None if source.kind is SourceKind.PROCESSES else source.lost
    return (source.kind, source.where, source.state, lost)


def _is_trouble(view: SessionView) -> bool:
    idle = view.lock is None and view.state is State.IDLE
    return not idle or view.blocked is not NOBODY_BLOCKED or bool(view.severity)
