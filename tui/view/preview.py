"""The answer about a row, in lines: beside the table, and at the top of the Session screen. All pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from types import MappingProxyType

from msgspec.structs import replace

from lockdeck.backend.model.fleet import LockView, SessionView, State
from lockdeck.backend.model.incidents.records import Incident
from lockdeck.backend.model.words import date_and_time
from lockdeck.backend.system.text import safe
from lockdeck.tui.view.advice import advice, session_advice
from lockdeck.tui.view.answer import Move, Option, SessionAnswer, answer
from lockdeck.tui.view.lines import EMPTY, Line, fit, join, line, span, width_of, wrap
from lockdeck.tui.view.names import file_name, session_name
from lockdeck.tui.view.severity import RELEASED, RELEASING, Releases, release_word, state_style
from lockdeck.tui.view.symbols import Symbols

KeyOf = Callable[[str], str | None]
"""Returns how the key of a command is shown, None where no key runs it now."""
_COMMANDS = {Move.CANCEL: "cancel", Move.CANCEL_ALL: "cancel_cause", Move.RELEASE: "release"}
_LABEL = 11
_BY_RELEASE = {
    RELEASING: (
        "Releasing: lockdeck is taking this lock away.",
        "wait: the release is under way, and its result will stand in Events and Journal",
    ),
    RELEASED: (
        "Released: its lock was taken away from here.",
        "nothing: the lock is gone, and the next message to this session shows whether it answers",
    ),
}
"""The headline and the line `now` of a row whose lock is being released from here, or was."""
ONLY_LOOK = "wait: nothing can be done there until it answers again; H shows why it does not"
"""What may be done about a row of a host that is lost."""
LEAST_ROOM, TWICE_ROOM, MOST_ROOM = 6, 11, 16
"""Lines of the rule and the five of an answer, each with one, two or three lines."""
_BY_RANK = (4, 0, 2, 1, 3)
"""The five by who gets a further line first: what may be done, why, how long, who; last waiting, which is short."""
_BY_NEED = _BY_RANK[:4] * 2 + _BY_RANK[4:] * 2
Shares = tuple[int, ...]
"""Lines of each of the five."""
RULED = 12
"""So many cells beside its name are left to the rule that names a row."""


def answer_about(
    row: SessionView | LockView,
    now: float,
    incident: Incident | None,
    releases: Releases = MappingProxyType({}),
) -> SessionAnswer:
    """Return the answer about a row at `now` (epoch seconds); a lock without a session is one of a session at rest.

    `releases` are the rows whose lock is being released from here, or was.
    """
    if row.last_seen is not None:
        option = Option(Move.NONE, safe(ONLY_LOOK))
        about = answer_about(replace(row, last_seen=None), now, incident)
        return replace(about, headline=safe(_not_seen(row)), options=(option,))
    if word := release_word(row, releases):
        headline, words = _BY_RELEASE[word]
        about = answer_about(row, now, incident)
        return replace(about, headline=safe(headline), options=(Option(Move.NONE, safe(words)),))
    if isinstance(row, LockView):
        record, move = row.record, Move.RELEASE if row.judgement.releasable else Move.NONE
        at_rest = SessionView(record.root, record.agent or "", record.path, None, State.IDLE, lock=row)
        return replace(answer(at_rest, now), options=(Option(move, safe(advice(row))),))
    left_over = session_advice(row) if row.state is State.STUCK else None
    about = answer(row, now, incident)
    return (
        about
        if left_over is None
        else replace(about, options=(*about.options, Option(Move.NONE, safe(left_over))))
    )


def _not_seen(row: SessionView | LockView) -> str:
    since = date_and_time(row.last_seen)
    return f"Not seen since {since}: {row.host} is lost, and this is what was seen last."


def row_name(row: SessionView | LockView) -> str:
    """Return the name of a row: agent and session, or the file of a lock; before it the host, where there are several."""
    name = file_name(row.record.path) if isinstance(row, LockView) else session_name(row)
    return f"{row.host} {name}" if row.host else name


def preview(
    name: str,
    row: SessionView | LockView,
    about: SessionAnswer,
    key_of: KeyOf,
    symbols: Symbols,
    width: int,
    shares: Shares,
) -> Iterator[Line]:
    """Yield a rule with the row's name and the five lines of its answer in as many lines as each has its share, whatever they say."""
    rule = symbols.rule * max(width - width_of(line(name)) - 5, 0)
    yield line(span(f"{rule} ", "track"), span(name, "heading"), span(f" {symbols.rule * 3}", "track"))
    for answer_row, lines in zip(answer_lines(row, about, key_of), shares, strict=True):
        yield from _in_lines(answer_row, lines, width, symbols)


def needs(row: SessionView | LockView, about: SessionAnswer, key_of: KeyOf, width: int) -> Shares:
    """Return how many lines each of the five takes whole."""
    return tuple(
        sum(1 for _line in wrap(one, width, indent=_LABEL)) for one in answer_lines(row, about, key_of)
    )


class RoomOfKinds:
    """How the lines under a table are shared among the five, for each kind of row: another row of the kind moves nothing."""

    def __init__(self) -> None:
        self._width = 0
        self._most: dict[str, Shares] = {}

    def shares(
        self, kind: str, own: Shares, others: Callable[[], Iterable[Shares]], width: int, room: int
    ) -> Shares:
        """Return the share of each, by what the longest answers of the kind take that were seen at this width.

        `own` is what the row's answer takes, `others` asks for those of the rows of its kind that are in sight. Where the
        longest would have the row's own cut beside free lines, its own count.
        """
        if width != self._width:
            self._width, self._most = width, {}
        all_needs = (own, self._most[kind]) if kind in self._most else (own, *others())
        most = self._most[kind] = tuple(map(max, zip(*all_needs, strict=True)))
        shares = _allot(most, room)
        is_cut = any(share < need for share, need in zip(shares, own, strict=True))
        return _allot(own, room) if is_cut else shares


def _allot(demand: Shares, room: int) -> Shares:
    """Return the lines of each of the five: one, two or three as `room` gives; who needs none of it gives to who needs more."""
    shares = [1] * len(demand)
    for index in islice(_BY_NEED, max(room - LEAST_ROOM, 0)):
        shares[index] += 1
    for index in _BY_RANK:
        while shares[index] < demand[index]:
            giver = max(range(len(shares)), key=lambda at: shares[at] - demand[at])
            if shares[giver] <= demand[giver]:
                return tuple(shares)
            shares[giver] -= 1
            shares[index] += 1
    return tuple(shares)


def _in_lines(row: Line, lines: int, width: int, symbols: Symbols) -> Iterator[Line]:
    """Yield a row in exactly so many lines; what has no room there is cut."""
    parts = list(wrap(row, width, indent=_LABEL))
    yield from parts[: lines - 1]
    rest = parts[lines - 1 :]
    if rest:
        last = join((piece[1:] if index else piece for index, piece in enumerate(rest)), span(" "))
        yield fit(last, width, ellipsis=symbols.ellipsis)
    yield from [EMPTY] * (lines - len(parts))


def answer_page(
    row: SessionView | LockView, about: SessionAnswer, key_of: KeyOf, width: int, *, apart: bool = False
) -> Iterator[Line]:
    """Yield the headline and the five lines, whole and wrapped; with `apart` each below its label, and each step by itself."""
    yield from wrap(line(span(" "), span(about.headline, state_style(row))), width, indent=1)
    for label, *rest in answer_lines(row, about, key_of):
        if apart:
            yield EMPTY
            yield (label,)
            steps = [_option(option, key_of) for option in about.options]
            for part in steps if label.text.strip() == "now" else [tuple(rest)]:
                yield from wrap((span("   "), *part), width, indent=3)
        else:
            yield from wrap((label, *rest), width, indent=_LABEL)


def answer_lines(row: SessionView | LockView, about: SessionAnswer, key_of: KeyOf) -> Iterator[Line]:
    """Yield the five lines, each as long as it is; what may be done comes with its key."""
    for label, text in about.rows(lambda option: option.words):
        label_span = span(f" {label}".ljust(_LABEL), "dim")
        if label == "now":
            yield (label_span, *join((_option(option, key_of) for option in about.options), span("   ")))
        else:
            yield line(label_span, span(text, state_style(row) if label == "why" else "text", 4096))


def _option(option: Option, key_of: KeyOf) -> Line:
    key = key_of(_COMMANDS[option.move]) if option.move in _COMMANDS else None
    return line(span(f"{key} ", "accent"), span(option.words)) if key else line(span(option.words))
