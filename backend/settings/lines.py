"""Find the line of a TOML file that each value stands in; Python's own reader does not tell. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lockdeck.backend.model.pattern import late_pattern

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_PATH = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = late_pattern(rf"\s*(\[\[?)\s*({_PATH})\s*\]")
_ENTRY = late_pattern(rf"\s*({_PATH})\s*=")
_QUOTES = late_pattern(r"\"\"\"|'''")


def lines_of(table: Mapping[str, Any], text: str) -> dict[str, int]:
    """Return the line of every value, from 1, by its dotted key (`rescan_s`, `keys.quit`, `roots[1].path`).

    A value whose own line can't be found (an inline table) gets that of the table it stands in, 0 at worst.
    """
    numbers: dict[str, int] = {}
    for number, name in _headers_and_entries(text):
        numbers.setdefault(name, number)
    return {name: _line(name, numbers) for name in _names(table)}


def _headers_and_entries(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and dotted key of each header and entry."""
    table, counts, inside = "", dict[str, int](), False
    for number, row in enumerate(text.splitlines(), 1):
        if not inside:
            header, entry = _HEADER.match(row), _ENTRY.match(row)
            if header is not None:
                table = _plain(header[2])
                if header[1] == "[[":
                    counts[table] = counts.get(table, -1) + 1
                    table = f"{table}[{counts[table]}]"
                yield number, table
            elif entry is not None:
                yield number, f"{table}.{_plain(entry[1])}" if table else _plain(entry[1])
        inside ^= len(_QUOTES.findall(row)) % 2 == 1


def _plain(path: str) -> str:
    return ".".join(part.strip("\"'") for part in re.findall(_PART, path))


def _names(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _names(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value and all(isinstance(inner, Mapping) for inner in value):
        for index, inner in enumerate(value):
            yield from _names(inner, f"{name}[{index}]")
    if name:
        yield name


def _line(name: str, numbers: Mapping[str, int]) -> int:
    while name:
        if name in numbers:
            return numbers[name]
        shorter = re.sub(r"(\.[^.]*|\[\d+\])\Z", "", name)
        name = shorter if shorter != name else ""
    return 0
