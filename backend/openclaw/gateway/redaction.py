"""Strike out our credentials in whatever a gateway sends, in every form in which they can be read back.

A gateway may repeat what it was sent, anywhere: in a code, a message, a path, the name of a server.  So this is
the one door for all that comes from it; what lies behind sees no credential and needs no care.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Any

STRUCK = "***"
WORD = 6
"""A credential shorter than this (characters) may be a word of the protocol or of an agent's name: it is struck
from sentences, but not from the ids by which sessions and runs are told apart."""
DEEPEST = 64
"""A message nested deeper than this is no message of a gateway."""

_ESCAPES = re.compile(r"[\\%&=+]")
_NOTHING = re.compile(r"(?!)")
_NAMED = {
    "\n": (r"\\{1,8}n",),
    "\t": (r"\\{1,8}t",),
    "\r": (r"\\{1,8}r",),
    "\f": (r"\\{1,8}f",),
    "\b": (r"\\{1,8}b",),
    "&": ("&amp;",),
    "<": ("&lt;",),
    ">": ("&gt;",),
    '"': ("&quot;",),
    " ": (r"\+",),
}
"""Characters whose escaped form has a name of its own, as patterns."""


class TooDeepError(ValueError):
    """A message is nested deeper than `DEEPEST`."""


class Redaction:
    """Strikes out some credentials: texts, or bytes that only travel packed up. Empty ones are none."""

    def __init__(self, secrets: Iterable[str | bytes] = ()) -> None:
        self._secrets = frozenset(secret for secret in secrets if secret)
        self._in_ids = _Strike(secret for secret in self._secrets if len(secret) >= WORD)
        self._in_words = _Strike(self._secrets)

    def with_more(self, *secrets: str | bytes) -> Redaction:
        """Return a redaction that strikes these, too."""
        return Redaction((*self._secrets, *secrets))

    def words(self, text: str) -> str:
        """Return a text that people will read, well-formed and without any of the credentials."""
        return self._in_words.out_of(text)

    def tree(self, value: Any) -> Any:
        """Return a decoded message without the credentials, its texts well-formed. TooDeepError.

        The part named `error` is for people: the short ones are struck there, too.
        """
        return self._tree(value, self._in_ids, DEEPEST)

    def _tree(self, value: Any, strike: _Strike, depth: int) -> Any:
        if isinstance(value, str):
            return strike.out_of(value)
        if value is None or isinstance(value, bool):
            return value
        if depth == 0:
            raise TooDeepError
        if isinstance(value, list):
            return [self._tree(item, strike, depth - 1) for item in value]
        if isinstance(value, dict):
            return {
                strike.out_of(key): self._tree(item, self._in_words if key == "error" else strike, depth - 1)
                for key, item in value.items()
            }
        return STRUCK if strike.hits(repr(value)) else value


class _Strike:
    """The patterns of some credentials: as they are or packed up, and with single characters escaped."""

    def __init__(self, secrets: Iterable[str | bytes]) -> None:
        secrets = tuple(secrets)
        texts = [secret for secret in secrets if isinstance(secret, str)]
        packed = (form for secret in secrets for form in _packed(secret))
        self._plain = _any_of(map(re.escape, (*texts, *packed)))
        self._escaped = _any_of(map(_with_escapes, texts))

    def out_of(self, text: str) -> str:
        text = self._plain.sub(STRUCK, text)
        if _ESCAPES.search(text):
            text = self._escaped.sub(STRUCK, text)
        # JSON can name half a character, which no file and no terminal takes.
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

    def hits(self, text: str) -> bool:
        return self._plain.search(text) is not None


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    """Return what finds one of some patterns, the longest first."""
    ordered = sorted(set(patterns), key=lambda pattern: (-len(pattern), pattern))
    return re.compile("|".join(ordered)) if ordered else _NOTHING


def _packed(secret: str | bytes) -> Iterator[str]:
    """Yield a credential in hex, and what base64 makes of it at each place within a longer text."""
    raw = secret.encode("utf-8", "surrogatepass") if isinstance(secret, str) else secret
    yield raw.hex()
    yield raw.hex().upper()
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + raw).decode()
        own = encoded[(lead * 8 + 5) // 6 : (lead + len(raw)) * 8 // 6]
        # The few letters of a short one stand everywhere.
        if len(own) >= WORD:
            yield own
            yield own.replace("+", "-").replace("/", "_")


def _with_escapes(secret: str) -> str:
    """Return the pattern of a credential any of whose characters may be escaped, as in JSON, a URL or HTML."""
    return "".join(map(_character, secret))


def _character(character: str) -> str:
    raw = character.encode("utf-8", "surrogatepass")
    units = character.encode("utf-16-be", "surrogatepass").hex()
    words = "".join(rf"\\{{1,8}}u{units[at : at + 4]}" for at in range(0, len(units), 4))
    forms = [
        rf"\\{{0,8}}{re.escape(character)}",
        f"(?i:{words})",
        "".join(f"(?i:[%=]{byte:02x})" for byte in raw),
        "".join(rf"(?i:\\{{1,8}}x{byte:02x})" for byte in raw),
        rf"&#0{{0,6}}{ord(character)};",
        f"(?i:&#x0{{0,6}}{ord(character):x};)",
    ]
    forms += _NAMED.get(character, ())
    return f"(?:{'|'.join(forms)})"
