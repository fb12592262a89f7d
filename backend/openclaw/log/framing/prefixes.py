"""What stands before OpenClaw's own words in a line of text: one table of prefixes, taken off one after the other.

A prefix is taken off only where what follows can still be a line of OpenClaw's, so that text quoted inside another
line never becomes one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.openclaw.log.values import ISO

CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
MONTH_DAY = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?"
_UNIX = r"\d{9,11}\.\d{6}"
_LEVEL = r"(?:trace|debug|info|warn|warning|error|fatal|TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL)"
_NAME = r"[\w.@/-]{1,120}"
_HOST = r"[\w.:@%-]{1,120}"
_PROCESS = rf"{_HOST} [\w.@/()-]{{1,120}}(?:\[\d{{1,10}}\])?: "
_HOST_AND_PROCESS = rf"({_HOST}) ([\w.@/()-]{{1,120}})(?:\[\d{{1,10}}\])?: $"
_LOG_FILE = r"[^\s\[{\"'<>]{1,240}\.(?:log|txt|jsonl|out|err)(?:\.\d{1,4})?(?:\.(?:gz|xz|bz2|zst))?"
_LINE_NUMBER = rf"(?!{CLOCK}[ \[])(?!\d{{4}}-\d\d-\d\d[T ])\d{{1,9}}[:-]"
_INSTANCE = rf" ({_NAME}\[[\w.-]{{1,60}}\])"
_FIELDS = '{"subsystem":"'
_PIPED = r"(?:\d{1,6}\|[\w.@/-]|[\w.-]{1,120} {1,60}\| |(?:timestamp|app)=)"
_START = rf"(?:{ISO}|{CLOCK} |{MONTH_DAY}|\[|\{{|<\d)"
"""How a line of OpenClaw's, or a further prefix of it, begins."""
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_OBJECT = r"\{\"(?:0|time|level|subsystem|type|log|stream|line|raw|message|_{0,2}[A-Z_]{2,40})\":"
_WHOLE = (
    rf"(?:{ISO} {{1,4}}(?:\[|\{{\"|{_LEVEL} |{_PROCESS})|\[{ISO}\] |{CLOCK} \[|"
    rf"{MONTH_DAY} (?:\[|{_PROCESS})|<\d{{1,3}}>|{_OBJECT})"
)
"""How a whole line begins, which is no message behind a tag of OpenClaw's."""


class Prefix(Struct, frozen=True):
    """One prefix: `pattern` matches it whole. A time in it, if any, is its first ISO time, else its month and clock.

    Where it names who wrote the line (a pod, a container, a host), `origin` finds that in it: its groups.
    """

    name: str
    pattern: str
    origin: str = ""


PREFIXES = (
    Prefix("indent", r"[ \t]{1,40}"),
    Prefix("quote", r"(?:[>|│┃] ?){1,8}"),
    Prefix("bullet", r"[-*+•] "),
    Prefix("backtick", r"`{1,3}"),
    Prefix(
        "syslog 5424",
        rf"<\d{{1,3}}>1 {ISO} \S{{1,255}} \S{{1,48}} \S{{1,128}} \S{{1,32}} (?:-|(?:\[[^\]\n]{{0,1000}}\])+) (?:\ufeff)?",
        rf"1 {ISO} (\S{{1,255}}) (\S{{1,48}}) ",
    ),
    Prefix("syslog 3164", rf"(?:<\d{{1,3}}>)?{MONTH_DAY} {_PROCESS}", _HOST_AND_PROCESS),
    Prefix(
        "journal",
        rf"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) {ISO}(?: [A-Z]{{3,5}})?|{ISO}) {_PROCESS}",
        _HOST_AND_PROCESS,
    ),
    Prefix("journal unix", rf"{_UNIX} {_PROCESS}", _HOST_AND_PROCESS),
    Prefix("cri", rf"{ISO} (?:stdout|stderr) [FP](?::[\w:]{{0,40}})? "),
    Prefix("fly", rf"{ISO} {_NAME}\[[\w.-]{{1,60}}\] \w{{2,12}} \[\w{{2,12}}\] ?", _INSTANCE),
    Prefix("render", rf"{ISO} {_NAME}\[[\w.-]{{1,60}}\]: ", _INSTANCE),
    Prefix("launchd", rf"{ISO} {_NAME}\[\d{{1,10}}(?::[\da-f]{{1,16}})?\] "),
    Prefix("pm2", r"\d{1,6}\|[\w.@/-][\w.@/ -]{0,119}\| ?", r"(\d+)\|(.*\S) *\|"),
    Prefix(
        "pm2 format",
        rf"(?:timestamp={ISO} )?app={_NAME} (?:id=\d{{1,6}} )?(?:type=\w{{1,10}} )?message=",
        rf"app=({_NAME}) (?:id=(\d{{1,6}}) )?",
    ),
    Prefix("pm2 time", rf"{ISO}: "),
    Prefix("kubectl", r"\[(?:pod|deployment|statefulset)/[^\]\s]{1,300}\] ", r"\[(.*)\]"),
    Prefix("compose", r"[\w.-]{1,120} {1,60}\| ?", r"(\S+)"),
    Prefix("grep file", rf"{_LOG_FILE}[:-](?:{_LINE_NUMBER})?", rf"({_LOG_FILE})[:-]"),
    Prefix("grep line", _LINE_NUMBER),
    Prefix("time", rf"{ISO} {{1,40}}(?=\S)"),
    Prefix("time in brackets", rf"\[{ISO}\] "),
    Prefix("month and clock", rf"{MONTH_DAY} (?= {{0,40}}{_START}|{_LEVEL}\b)"),
    Prefix("clock", rf"{CLOCK} {{1,40}}(?=\S)"),
    Prefix(
        "stern",
        rf"(?!{_LEVEL} ){_NAME} {_NAME} (?={ISO}|{CLOCK} |{MONTH_DAY}|\{{\"|\[[a-z\d]|<\d|{_PIPED})",
        r"(\S+) (\S+)",
    ),
    Prefix("level", rf"\[{_LEVEL}\] "),
    Prefix("journal monotonic", rf"\[ {{0,8}}\d{{1,10}}\.\d{{3,9}}\] {_PROCESS}", _HOST_AND_PROCESS),
    Prefix("clock in brackets", rf"\[(?:{_DAY} )?(?:{MONTH_DAY}(?: \d{{4}})?|{CLOCK})\] "),
    Prefix(
        "number in brackets",
        rf"\[(?:[ \d]|{_DAY} )[^\]\[\n\"{{]{{0,59}}\] {{1,3}}(?=\[|{_WHOLE})",
        r"\[(\d{1,3})\]",
    ),
    Prefix("name in brackets", rf"\[[^\]\[\n\"{{]{{1,60}}\] {{1,3}}(?={_WHOLE})", r"\[(.*)\]"),
    Prefix("array", r"\[(?=\{\")"),
    Prefix("journal json-sse", r"data: (?=\{\")"),
    Prefix(
        "openclaw logs",
        rf"{_LEVEL} (?:[\w-]{{1,40}}(?:/[\w.-]{{1,60}}){{1,4}}|[a-z][\w-]{{1,40}}(?= \{{\"subsystem\"|$)) ",
    ),
    Prefix(
        "openclaw logs",
        rf"{_LEVEL} (?:agent|diagnostic|gateway|ws|model-fallback|session-write-lock|plugins|compaction) ",
    ),
    Prefix("level word", rf"{_LEVEL} (?=[A-Z\[{{])"),
    Prefix("subsystem", rf"{re.escape(_FIELDS)}[^\"\\\n]{{1,120}}\"\}} "),
)
"""In the order in which they are tried."""

_GROUPS = tuple(f"p{place}" for place in range(len(PREFIXES)))
_ANY = late_pattern(
    "|".join(f"(?P<{group}>{prefix.pattern})" for group, prefix in zip(_GROUPS, PREFIXES, strict=True))
)
_TIMED = frozenset(
    group
    for group, prefix in zip(_GROUPS, PREFIXES, strict=True)
    if any(time in prefix.pattern for time in (ISO, CLOCK, MONTH_DAY, _UNIX))
)
"""Prefixes that hold a time; what looks like one in another is a name."""
_ORIGINS = {
    group: late_pattern(prefix.origin)
    for group, prefix in zip(_GROUPS, PREFIXES, strict=True)
    if prefix.origin
}
_TELLING = _TIMED | _ORIGINS.keys()
_NAME_OF = {group: prefix.name for group, prefix in zip(_GROUPS, PREFIXES, strict=True)}
_QUOTING = frozenset({"indent", "quote", "bullet", "backtick", "grep file", "grep line"})
"""Prefixes of quotations: behind them only a line with a time, a tag or fields is one of OpenClaw's."""
_TIMES = late_pattern(
    rf"(?=[\dJFMASOND])(?:{ISO}|{MONTH_DAY}|(?<![\d:]){CLOCK}(?!\d)|(?<!\d)\d{{9,11}}\.\d{{6}}(?= ))"
)
"""Looks first whether a time can begin: most characters are refused by that."""
OWN_TAG = late_pattern(
    rf"\[(?![\s\d\"{{]|{_DAY} |{_LEVEL}\]|(?:pod|deployment|statefulset)/)[^\]\n]{{1,60}}\](?! {{1,3}}{_WHOLE})"
)
"""A tag of OpenClaw's in front of its message; no number, no clock, and nothing in front of a whole line."""
_ANSI = late_pattern(r"\x1b\[[0-9;:?]{0,40}[A-Za-z]|\x1b\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)")
MOST = 12
"""No more prefixes than so many are taken off one line."""


class Peeled(Struct, frozen=True):
    """What is left of a line of text: its body, and the times and names of what stood before it, in their order.

    `origins` are who wrote it, as prefixes name them.
    """

    body: str
    times: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


class _Prefixed(Struct, frozen=True):
    """Several prefixes one behind the other: what matches them, those that are told anything by as its groups.

    `times` and `origins` are the places of the groups that hold the one or the other, the latter with their prefix.
    """

    pattern: re.Pattern[str]
    names: tuple[str, ...]
    times: tuple[int, ...]
    origins: tuple[tuple[int, str], ...]


class Peeler:
    """Takes prefixes off lines of one stream; remembers how the last line began, since the next one often does too."""

    __slots__ = ("_chain",)

    def __init__(self) -> None:
        self._chain: _Prefixed | None = None

    def peel(self, line: str) -> Peeled:
        """Return the line without colours and without its prefixes."""
        text = _ANSI.sub("", line) if "\x1b" in line else line
        if _is_bare(text):
            return Peeled(text)
        chain = self._chain
        match = chain.pattern.match(text) if chain is not None else None
        if chain is not None and match is not None and _is_bare(text, match.end()):
            return _peeled(text, match.end(), match.groups(), chain)
        return self._search(text)

    def _search(self, text: str) -> Peeled:
        groups: list[str] = []
        parts: list[str] = []
        end = 0
        while len(groups) < MOST and (match := _ANY.match(text, end)):
            groups.append(str(match.lastgroup))
            parts += [match[0]] if match.lastgroup in _TELLING else []
            end = match.end()
        if not groups:
            return Peeled(text)
        chain = _chain_of(tuple(groups))
        if _QUOTING.issuperset(chain.names) and not (OWN_TAG.match(text, end) or text.startswith("{", end)):
            return Peeled(text)
        if len(groups) <= _REMEMBERED:
            self._chain = chain
        return _peeled(text, end, parts, chain)


_REMEMBERED = 6


def _is_bare(text: str, place: int = 0) -> bool:
    """Return whether a line of OpenClaw's begins here, with no further prefix: a record or a tag."""
    if text.startswith("{", place):
        return not text.startswith(_FIELDS, place)
    return OWN_TAG.match(text, place) is not None


@lru_cache(64)
def _chain_of(groups: tuple[str, ...]) -> _Prefixed:
    """Return what matches these prefixes, one behind the other."""
    patterns = ((group, PREFIXES[int(group[1:])].pattern) for group in groups)
    telling = [group for group in groups if group in _TELLING]
    return _Prefixed(
        re.compile("".join(f"({p})" if group in _TELLING else f"(?:{p})" for group, p in patterns)),
        tuple(_NAME_OF[group] for group in groups),
        tuple(place for place, group in enumerate(telling) if group in _TIMED),
        tuple((place, group) for place, group in enumerate(telling) if group in _ORIGINS),
    )


def _peeled(text: str, end: int, parts: Sequence[str], chain: _Prefixed) -> Peeled:
    body = text[end:]
    if "backtick" in chain.names:
        body = body.rstrip("` ")
    # A line number and the clock behind it look like another clock together.
    times: tuple[str, ...] = ()
    for place in chain.times:
        times += tuple(_TIMES.findall(parts[place]))
    origins: tuple[str, ...] = ()
    for place, group in chain.origins:
        origins += _origin(group, parts[place])
    return Peeled(body, times, chain.names, origins)


@lru_cache(256)
def _origin(group: str, part: str) -> tuple[str, ...]:
    """Return whom a prefix names as the writer of a line, as one name; nothing where it names nobody."""
    match = _ORIGINS[group].search(part)
    return () if match is None else ("/".join(name for name in match.groups() if name),)
