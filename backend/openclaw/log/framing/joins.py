"""Several JSON objects on one line, as `paste`, an array or a lost newline leave them: told apart."""

from __future__ import annotations

import json

from lockdeck.backend.model.pattern import late_pattern

_SEPARATORS = r"(?:[\s,;|\[\]]|\\[nrt])*"
_BETWEEN = late_pattern(_SEPARATORS)
_NEXT = late_pattern(rf'{_SEPARATORS}(?:\{{"|$)')
_DECODER = json.JSONDecoder(strict=False)


def goes_on(rest: str) -> bool:
    """Return whether behind one object there is another, or nothing but what separates objects."""
    return _NEXT.match(rest) is not None


def objects_in(text: str) -> list[str]:
    """Return the objects that a text consists of, each as it is written; what is none stays together at the end."""
    parts, place = [], _skip(text, 0)
    while text.startswith('{"', place):
        try:
            _, end = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            break
        parts.append(text[place:end])
        place = _skip(text, end)
    return [*parts, text[place:]] if place < len(text) else parts


def _skip(text: str, place: int) -> int:
    match = _BETWEEN.match(text, place)
    return place if match is None else match.end()
