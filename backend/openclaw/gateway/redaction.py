"""Strike out our credentials in whatever a gateway sends, in every form in which they can be read back.

A gateway may repeat what it was sent, anywhere: in a code, a message, a path, the name of a server.  So this is
the one door for all that comes from it; what lies behind sees no credential and needs no care.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Any

from lockdeck.backend.openclaw.gateway.unescaping import EscapedForms

STRUCK = "***"
WORD = 6
"""A credential shorter than this (characters) may be a word of the protocol or of an agent's name: it is struck
from sentences, but not from the ids by which sessions and runs are told apart."""
DEEPEST = 64
"""A message nested deeper than this is no message of a gateway."""


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
    """The forms of some credentials: as they are or packed up, and with single characters escaped.

    All are searched as they stand, so that no credential and no text makes it slow.
    """

    def __init__(self, secrets: Iterable[str | bytes]) -> None:
        secrets = tuple(secrets)
        texts = [secret for secret in secrets if isinstance(secret, str)]
        packed = (form for secret in secrets for form in _packed(secret))
        self._plain = sorted({*texts, *packed}, key=lambda form: (-len(form), form))
        self._escaped = EscapedForms(texts)

    def out_of(self, text: str) -> str:
        for form in self._plain:
            text = text.replace(form, STRUCK)
        text = self._escaped.struck_from(text, STRUCK)
        # JSON can name half a character, which no file and no terminal takes.
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

    def hits(self, text: str) -> bool:
        return any(form in text for form in self._plain)


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
