"""Credentials from the config, in a wrapper that no log line, traceback or table can print by accident."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lockdeck.backend.model.pattern import late_pattern

_SECRET_NAME = late_pattern(r"TOKEN|PASSWORD|SECRET|KEY")
"""Stands in the names of variables whose values must not be shown."""
_ENV_ONLY = late_pattern(r"\$\{([A-Z_][A-Z0-9_]*)\}")


class Secret:
    """A credential. Only `reveal()` gives it away. No record: what writes records can't write it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the credential itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def secrets_of(env: Mapping[str, str], shortest: int = 1) -> tuple[Secret, ...]:
    """Return the values of variables whose names say that they are credentials, those of `shortest` characters or more."""
    return tuple(
        Secret(value) for name, value in env.items() if _SECRET_NAME.search(name) and len(value) >= shortest
    )


class SecretRef(Struct, frozen=True):
    """A credential that is kept elsewhere; OpenClaw resolves it, lockdeck can't (`source` e.g. "exec")."""

    source: str
    provider: str
    id: str


def credential(value: Any) -> Secret | SecretRef | None:
    """Read a credential field: a text, a `{source, provider, id}` object, or None for anything else.

    A text that is still `${NAME}` after substitution names a variable that is not set here: a `SecretRef`.
    """
    if isinstance(value, str):
        unset = _ENV_ONLY.fullmatch(value.strip())
        if unset:
            return SecretRef("env", "default", unset[1])
        return Secret(value) if value.strip() else None
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        return None
    source, provider = value.get("source"), value.get("provider")
    return SecretRef(
        source if isinstance(source, str) else "unknown",
        provider if isinstance(provider, str) else "default",
        value["id"],
    )
