"""Find credentials of which any character is escaped, as in JSON, a URL, mail or HTML.

Text and credential are put into one plain form, in which one is searched in the other literally. So the time that it
takes grows with the length of the text, whatever is in either of them.
"""

from __future__ import annotations

import re
import string
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from lockdeck.backend.model.pattern import late_pattern

_BACKSLASH = rb"(?<=\\)u(?:d[89ab][0-9a-f]{2}\\{1,8}ud[c-f][0-9a-f]{2}|[0-9a-f]{4})|(?<=\\)x[0-9a-f]{2}|\\+"
_HTML = rb"|&#0{0,6}\d{1,7};|&#x0{0,6}[0-9a-f]{1,6};|&(?:amp|lt|gt|quot);"
# A URL has `token=4b…`, which is no escape there: so those of mail are looked for by themselves.
_SIGNS = ((b"%",), (b"=",), (b"%", b"="))
_WAYS = tuple(
    tuple(
        late_pattern(
            rb"(" + _BACKSLASH + rb"|[" + b"".join(signs) + rb"][0-9a-f]{2}" + html + rb")", re.IGNORECASE
        )
        for html in (_HTML, b"")
    )
    for signs in _SIGNS
)
_NAMES = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"'}
_TELLTALE = late_pattern(r"[\\%&=+]")
_ALIKE = bytes.maketrans(b"\n\t\r\f\b+", b"ntrfb ")
"""A `\\n` may be an escape, and its letter may be the first of a credential: both are the letter, and backslashes nothing."""
_ONLY_BACKSLASHES = late_pattern(r"(?i)(?:\\+(?:u005c|x5c)?|[%=]5c|&#0{0,6}92;|&#x0{0,6}5c;)+")
_LEADING, _LONGEST_LEAD = f"{string.ascii_letters}{string.digits};".encode(), 8
"""What may begin a credential and end an escape that stands before it, as in `%4` or `C:\\` and `1b…`."""
_SHORTEST_REST = 4
_MOST_CODE = 0x10FFFF
MOST_CODES = 16_384
"""So many different escapes are remembered with what they stand for; one text may add what it has of them."""
_UNIT = len(b"u0041")


class _Form(NamedTuple):
    """A credential in plain form, `rest`; or what follows `lead`, its beginning, where an escape before it took that in."""

    lead: bytes
    rest: bytes


class EscapedForms:
    """Some credentials as they are searched in texts whose characters are escaped."""

    def __init__(self, secrets: Iterable[str]) -> None:
        raws = [secret.encode("utf-8", "surrogatepass") for secret in secrets]
        self._ways = tuple(
            (signs, units[0], tuple(_forms(raws, units))) for signs, units in zip(_SIGNS, _WAYS, strict=True)
        )
        self._backslashes = any(not _plain(raw) for raw in raws)
        self._codes: dict[bytes, bytes] = {}

    def struck_from(self, text: str, sign: str) -> str:
        """Return a text with `sign` in place of each escaped credential."""
        if _TELLTALE.search(text) is None:
            return text
        if len(self._codes) > MOST_CODES:
            self._codes = {}
        raw, codes = text.encode("utf-8", "surrogatepass"), self._codes
        alike = set[tuple[bytes, ...]]()
        for signs, units, forms in self._ways:
            # A sign that the text does not have makes no other text of it.
            present = tuple(one for one in signs if one in raw)
            if present in alike:
                continue
            alike.add(present)
            aligned = _Aligned(raw, units, codes)
            if any(form.rest in aligned.plain for form in forms):
                raw = _without(raw, aligned, forms, sign.encode())
                text, alike = raw.decode("utf-8", "replace"), set()
                if _TELLTALE.search(text) is None:
                    return text
        return _ONLY_BACKSLASHES.sub(sign, text) if self._backslashes else text


def _forms(raws: Iterable[bytes], ways: tuple[re.Pattern[bytes], ...]) -> frozenset[_Form]:
    """Return credentials in plain form; what looks like an escape in one is, unless its sign is escaped itself."""
    pairs = (
        (raw[:length], raw[length:])
        for raw in raws
        for length in range(len(raw[:_LONGEST_LEAD]) - len(raw[:_LONGEST_LEAD].lstrip(_LEADING)) + 1)
        if length == 0 or len(raw) - length >= _SHORTEST_REST
    )
    forms = (
        _Form(lead, plain)
        for lead, rest in pairs
        for plain in (_plain(rest), *(_Aligned(rest, units, {}).plain for units in ways))
    )
    return frozenset(form for form in forms if form.rest)


def _plain(raw: bytes) -> bytes:
    return raw.translate(_ALIKE, b"\\")


def _decoded(token: bytes) -> bytes:
    """Return the bytes in UTF-8 that an escape stands for; those of the escape itself where it stands for none."""
    kind, rest = token[:1].lower(), token[1:]
    if kind == b"\\":
        return b""
    if kind in b"%=x":
        return bytes.fromhex(rest.decode())
    if kind == b"u" and len(token) > _UNIT:
        return bytes.fromhex((rest[:4] + rest[-4:]).decode()).decode("utf-16-be").encode()
    name = rest[:-1].lower()
    if kind == b"&" and name in _NAMES:
        return _NAMES[name]
    number, base = (rest, 16) if kind == b"u" else (name[2:], 16) if name[:2] == b"#x" else (name[1:], 10)
    code = int(number, base)
    return chr(code).encode("utf-8", "surrogatepass") if code <= _MOST_CODE else token


class _Aligned:
    """A text in plain form, and where each of its bytes stands in the text.

    `codes` are the plain forms of its escapes, filled as they are met: a text has many escapes, and few different ones.
    """

    def __init__(self, raw: bytes, units: re.Pattern[bytes], codes: dict[bytes, bytes]) -> None:
        self._raw = raw
        self._pieces = units.split(raw)  # by turns what is none and an escape
        tokens = self._pieces[1::2]
        for token in set(tokens).difference(codes):
            codes[token] = _plain(_decoded(token))
        self._forms = self._pieces.copy()
        self._forms[1::2] = map(codes.__getitem__, tokens)
        self.plain = _plain(b"".join(self._forms))
        self._starts: tuple[array[int], array[int]] | None = None

    def begin(self, place: int) -> int:
        """Return where what a byte of the plain form stands for begins in the text; its end for the place after the last."""
        return len(self._raw) if place == len(self.plain) else self._span(place)[0]

    def end(self, place: int) -> int:
        """Return where that ends in the text."""
        return self._span(place)[1]

    def _span(self, place: int) -> tuple[int, int]:
        if self._starts is None:
            raw, plain = (accumulate(map(len, pieces), initial=0) for pieces in (self._pieces, self._forms))
            self._starts = array("I", raw), array("I", plain)
        raw_starts, plain_starts = self._starts
        number = bisect_right(plain_starts, place) - 1
        if number % 2:
            return raw_starts[number], raw_starts[number + 1]
        begin = raw_starts[number] + place - plain_starts[number]
        return begin, begin + 1


def _without(raw: bytes, aligned: _Aligned, forms: Iterable[_Form], sign: bytes) -> bytes:
    """Put `sign` in place of what has one of some plain forms, and of the backslashes around it."""
    pieces: list[bytes] = []
    done = 0
    for begin, *end in sorted(_spans(raw, aligned, forms)):
        if begin >= done:
            pieces += raw[done:begin], sign
        done = max(done, *end)
    return b"".join((*pieces, raw[done:]))


def _spans(raw: bytes, aligned: _Aligned, forms: Iterable[_Form]) -> Iterator[tuple[int, int, int]]:
    """Yield where credentials begin in a text, end, and where what follows their last backslashes begins."""
    for form in forms:
        after = 0
        while (first := aligned.plain.find(form.rest, after)) >= 0:
            after = first + len(form.rest)
            before = aligned.end(first - 1) if first else 0
            if raw.endswith(form.lead, 0, before):
                begin = min(aligned.begin(first), before) - len(form.lead)
                yield begin, aligned.end(after - 1), aligned.begin(after)
