"""The legend: every column, symbol, state, verdict and word in a sentence. All pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lockdeck.backend.model.fleet import Severity, State
from lockdeck.backend.model.locks import Verdict
from lockdeck.tui.view.lines import EMPTY, Line, fit, line, span
from lockdeck.tui.view.severity import LOCK_WORDS, SEVERITY_STYLE
from lockdeck.tui.view.symbols import Symbols

STATES: Mapping[State, str] = {
    State.STUCK: "nobody gets in and nothing goes on: a rotation driven by timeouts, a holder that makes no progress, or "
    "callers refused although nobody holds the session",
    State.FAILED: "the last run ended without an answer",
    State.ROTATING: "a model did not answer; the next account or model is tried, and the session stays taken meanwhile",
    State.CANCELLING: "a cancel was asked for, and the session is not free yet",
    State.COMPACTING: "OpenClaw shortens the conversation before it goes on; better not cancelled",
    State.RUNNING: "a run is at work",
    State.UNKNOWN: "a source that would show trouble is not read, so it is not called well (Session screen: Sources)",
    State.IDLE: "nothing runs, and nothing is wrong",
}
VERDICTS: Mapping[Verdict, str] = {
    Verdict.CREATING: "the lock is being taken this moment",
    Verdict.HELD: "a live process has the lock: cancel its run if it must end, never release it",
    Verdict.LEAKED: "its process lives, but has let go of the file and left it standing: cancel, then restart it",
    Verdict.RECYCLED: "the process that took it has ended, and its pid belongs to another one now: it may be released",
    Verdict.DEAD: "the process that took it has ended, and nobody has the file open: it may be released",
    Verdict.REMOVED: "the file was deleted while its holder goes on: restart the holder, there is nothing to release",
    Verdict.FOREIGN: "who has it can't be seen from here: another user, container, host or network file system",
    Verdict.UNREADABLE: "what the lock says can't be read",
    Verdict.LITTER: "left over from before this root kept its sessions in SQLite; nothing reads it any more",
    Verdict.RELEASING: "lockdeck, here or elsewhere, is taking a dead lock away this moment",
}
WORDS = (
    ("session", "one conversation of an agent; its key is agent:NAME:REST, of which tables show the rest"),
    ("attempt", "one account and one model, tried inside a run"),
    (
        "rotation",
        "the attempts of one run, one after the other; the session stays taken until the last has failed",
    ),
    ("lock", "the file with which a process keeps others out of a session; each attempt may take it anew"),
    (
        "holder",
        "the process that has the lock file open; where none is seen to, the one that is named by the lock",
    ),
    ("occupied", "the chain of locks on one session without a gap worth the name: what callers feel"),
    ("waiting", "callers that gave up on a session after OpenClaw's own limit, or still wait for it"),
    ("free by", "the latest moment at which a rotation ends by itself"),
    ("release id", "names one lifetime of one lock file; an action that names it can't hit another one"),
    (
        "rung",
        "one way to end a run; a cancel goes from the gentlest to a restart, and proves after each that it stopped",
    ),
    ("root", "one state folder of OpenClaw: ~/.openclaw, one of a profile, or one that you name"),
    ("note", "worth knowing and no trouble now; ! shows all of them"),
)
_SEVERITIES = (
    (Severity.CRITICAL, "needs you now"),
    (Severity.WARNING, "needs you, or soon will"),
    (Severity.NOTICE, "worth a look"),
    (Severity.OK, "well, and known to be"),
)
_GLYPH, _WORD = 4, 20


def legend(columns: Iterable[tuple[str, str]], symbols: Symbols) -> Iterator[Line]:
    """Yield the legend for a screen whose table has columns of these titles and meanings."""
    rows = [_row("", title or "(bar)", meaning) for title, meaning in columns]
    if rows:
        yield from _section("Columns", rows)
    yield from _section(
        "States", [_row(symbols.states[state], state, text) for state, text in STATES.items()]
    )
    verdicts = [_row(symbols.verdicts[one], LOCK_WORDS[one], text) for one, text in VERDICTS.items()]
    yield from _section("Locks, where they need more of you than the state", verdicts)
    yield from _section("Symbols", list(_drawings(symbols)))
    colours = [_row("", severity.word, text, SEVERITY_STYLE[severity]) for severity, text in _SEVERITIES]
    yield from _section("Colours say how much a person is needed, and nothing else", colours)
    yield from _section("Words", [_row("", word, text) for word, text in WORDS])


def indent() -> int:
    """Return by how many cells the sentences of the legend are indented."""
    return _GLYPH + _WORD


def _drawings(symbols: Symbols) -> Iterator[Line]:
    yield _row(symbols.tried, "an attempt that failed", "")
    yield _row(symbols.trying, "the attempt under way", "")
    yield _row(symbols.to_come, "an attempt to come", "")
    yield _row(symbols.cells[-1], "time that is over", f"behind it {symbols.cells[0]} up to FREE BY")
    yield _row(symbols.mark, "a marked row", "actions are for all marked rows")
    yield _row(symbols.problem, "something to read", "the key of that name shows all")


def _section(title: str, rows: list[Line]) -> Iterator[Line]:
    yield EMPTY
    yield line(span(title, "heading"))
    yield from rows


def _row(glyph: str, word: str, text: str, style: str = "text") -> Line:
    name = fit(line(span(word, style)), _WORD) if text else line(span(word, style))
    return (*fit(line(span(glyph)), _GLYPH), *name, *line(span(text, "dim")))
