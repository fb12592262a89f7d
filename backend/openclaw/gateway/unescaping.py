"""Find credentials of which any character is escaped, as in JSON, a URL, mail or HTML.

Text and credential are put into one plain form, in which one is searched in the other literally. So the time that it
takes grows with the length of the text, whatever is in either of them.
"""

from __future__ import annotations

import re
import string
from array import array
from collections.abc import Iterable
from typing import NamedTuple

_BACKSLASH = (
    rb"(?<=\\)u(d[89ab][0-9a-f]{2})\\{1,8}u(d[c-f][0-9a-f]{2})|(?<=\\)u([0-9a-f]{4})|(?<=\\)x([0-9a-f]{2})"
)
_HTML = rb"|&#0{0,6}(\d{1,7});|&#x0{0,6}([0-9a-f]{1,6});|&(amp|lt|gt|quot);"
_NO_HTML = rb"|(?!)()()()"
# A URL has `token=4b…`, which is no escape there: so those of mail are looked for by themselves.
_WAYS = tuple(
    tuple(
        re.compile(_BACKSLASH + rb"|" + sign + rb"([0-9a-f]{2})" + html, re.IGNORECASE)
        for html in (_HTML, _NO_HTML)
    )
    for sign in (rb"%", rb"=", rb"[%=]")
)
_NAMES = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"'}
_TELLTALE = re.compile(r"[\\%&=+]")
_ALIKE = bytes.maketrans(b"\n\t\r\f\b+", b"ntrfb ")
"""A `\\n` may be an escape, and its letter may be the first of a credential: both are the letter, and backslashes nothing."""
_ONLY_BACKSLASHES = re.compile(r"(?i)(?:\\+(?:u005c|x5c)?|[%=]5c|&#0{0,6}92;|&#x0{0,6}5c;)+")
_LEADING, _LONGEST_LEAD = f"{string.ascii_letters}{string.digits};".encode(), 8
"""What may begin a credential and end an escape that stands before it, as in `%4` or `C:\\` and `1b…`."""
_SHORTEST_REST = 4
_MOST_CODE = 0x10FFFF


class _Form(NamedTuple):
    """A credential in plain form, `rest`; or what follows `lead`, its beginning, where an escape before it took that in."""

    lead: bytes
    rest: bytes


class EscapedForms:
    """Some credentials as they are searched in texts whose characters are escaped."""

    def __init__(self, secrets: Iterable[str]) -> None:
        raws = [secret.encode("utf-8", "surrogatepass") for secret in secrets]
        self._ways = tuple((units[0], tuple(_forms(raws, units))) for units in _WAYS)
        self._backslashes = any(not _plain(raw) for raw in raws)

    def struck_from(self, text: str, sign: str) -> str:
        """Return a text with `sign` in place of each escaped credential."""
        if _TELLTALE.search(text) is None:
            return text
        for units, forms in self._ways:
            raw = text.encode("utf-8", "surrogatepass")
            plain = _plain(units.sub(_decoded, raw))
            if any(form.rest in plain for form in forms):
                raw = _without(raw, units, forms, sign.encode())
                text = raw.decode("utf-8", "replace")
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
        for plain in (_plain(rest), *(_plain(units.sub(_decoded, rest)) for units in ways))
    )
    return frozenset(form for form in forms if form.rest)


def _plain(raw: bytes) -> bytes:
    return raw.translate(_ALIKE, b"\\")


def _decoded(unit: re.Match[bytes]) -> bytes:
    """Return the bytes in UTF-8 that an escape stands for; those of the escape itself where it stands for none."""
    high, low, word, byte, sign_byte, decimal, number, name = unit.groups()
    if high:
        return bytes.fromhex((high + low).decode()).decode("utf-16-be").encode()
    if byte or sign_byte:
        return bytes.fromhex((byte or sign_byte).decode())
    if name:
        return _NAMES[name.lower()]
    code = int(decimal) if decimal else int(word or number, 16)
    return chr(code).encode("utf-8", "surrogatepass") if code <= _MOST_CODE else unit[0]


def _without(raw: bytes, units: re.Pattern[bytes], forms: Iterable[_Form], sign: bytes) -> bytes:
    """Put `sign` in place of what has one of some plain forms, and of the backslashes around it."""
    plain, begins, ends = _aligned(raw, units)
    hits = ((form.lead, *hit.span()) for form in forms for hit in re.finditer(re.escape(form.rest), plain))
    before = ((lead, ends[first - 1] if first else 0, first, after) for lead, first, after in hits)
    spans = (
        (min(begins[first], done) - len(lead), ends[after - 1], begins[after])
        for lead, done, first, after in before
        if raw.endswith(lead, 0, done)
    )
    pieces: list[bytes] = []
    done = 0
    for begin, *end in sorted(spans):
        if begin >= done:
            pieces += raw[done:begin], sign
        done = max(done, *end)
    return b"".join((*pieces, raw[done:]))


def _aligned(raw: bytes, units: re.Pattern[bytes]) -> tuple[bytes, array[int], array[int]]:
    """Return a text in plain form, and for each of its bytes where that begins and ends in the text; one begin more at the end."""
    plain, begins, ends, done = bytearray(), array("I"), array("I"), 0
    for token in re.finditer(units.pattern + rb"|\\+", raw, re.IGNORECASE):
        begin, end = token.span()
        piece = _plain(_decoded(token) if token.lastindex else b"")
        plain += _plain(raw[done:begin]) + piece
        begins.extend(range(done, begin))
        begins.extend([begin] * len(piece))
        ends.extend(range(done + 1, begin + 1))
        ends.extend([end] * len(piece))
        done = end
    plain += _plain(raw[done:])
    begins.extend(range(done, len(raw) + 1))
    ends.extend(range(done + 1, len(raw) + 1))
    return bytes(plain), begins, ends
