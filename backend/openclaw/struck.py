"""Lines that others wrote, fit to be shown whole: credentials struck, control characters made visible."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lockdeck.backend.openclaw.gateway.redaction import STRUCK, Redaction
from lockdeck.backend.openclaw.gateway.secret import Secret
from lockdeck.backend.system.text import SafeText, safe

_TOKEN = re.compile(
    r"(?P<scheme>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}"
    r"|\b(?:sk|pk|rk|ghp|gho|ghu|ghs|ghr|github_pat|glpat|xox[abeprs]|ya29|AIza|AKIA)[-_.]?[\w.-]{12,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",
    re.IGNORECASE,
)
"""Credentials known by their form: authorization headers, keys of well-known services, JSON web tokens."""
_NAMED = re.compile(
    r"""(?P<name>\b[\w-]*(?:token|secret|password|passwd|api[_-]?key|authorization|cookie)\\*["']?\s*[:=]\s*\\*["']?)"""
    r"""[^\s"'\\,;}&]{6,}""",
    re.IGNORECASE,
)
"""Values that stand behind the name of a credential."""


class Struck:
    """Makes text of others fit to be shown: those credentials that are known, and what looks like one, are struck."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._redaction = Redaction(secret.reveal() for secret in secrets)

    def text(self, raw: bytes, limit: int) -> SafeText:
        """Return at most `limit` characters; bytes that are no UTF-8 are marked."""
        words = self._redaction.words(raw.decode("utf-8", "replace"))
        words = _TOKEN.sub(lambda match: (match["scheme"] or "") + STRUCK, words)
        return safe(_NAMED.sub(lambda match: match["name"] + STRUCK, words), limit)
