"""Values of a config, each of the type that is wanted or None: anybody may have written it."""

from __future__ import annotations

from typing import Any


def at(value: Any, *keys: str) -> Any:
    """Return what is at `keys`, None where there is no such place."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def mapping(value: Any) -> dict[str, Any]:
    """Return an object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def text_at(value: Any, *keys: str) -> str | None:
    """Return the text at `keys`, without blanks around it; None for anything else and for an empty one."""
    text = at(value, *keys)
    return text.strip() or None if isinstance(text, str) else None


def texts(values: list[Any]) -> tuple[str, ...]:
    """Return the texts in a list."""
    return tuple(value.strip() for value in values if isinstance(value, str) and value.strip())


def seconds(value: Any) -> float | None:
    """Return a duration in seconds."""
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12
    return float(value) if usable else None


def port(value: Any) -> int | None:
    """Return the number of a port."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536 else None
