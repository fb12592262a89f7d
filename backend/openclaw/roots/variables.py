"""Variables of a config: where `${NAME}` gets its value from, and what putting it in may cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.openclaw.roots.budgets import (
    CONFIG_EXPANDED_BYTES,
    CONFIG_NOTES,
    CONFIG_VARIABLES,
    BudgetError,
)
from lockdeck.backend.system.text import SafeText, safe

_VARIABLE = late_pattern(r"\$?\$\{([A-Z_][A-Z0-9_]*)\}")
_ASSIGNMENT = late_pattern(r"\s*(?:export\s+)?([\w.-]{1,256})\s*[=:](.*)", re.DOTALL)
_QUOTED = late_pattern(r"\s*(?:'((?:\\'|[^'])*)'|\"((?:\\\"|[^\"])*)\"|`((?:\\`|[^`])*)`)\s*(?:#.*)?")


class Variables:
    """The variables of one config: the first of `sources` that has a name gives its value, an empty one none.

    `used` are the names that the config has used so far, `missing` those that nobody has set.
    """

    def __init__(self, *sources: Mapping[str, str]) -> None:
        self._sources = sources
        self._uses = 0
        self._expanded = 0
        self.used: set[str] = set()
        self.missing: set[str] = set()

    def put_into(self, value: Any) -> Any:
        """Return a value with every `${NAME}` replaced; `$${NAME}` means the text itself. BudgetError."""
        if isinstance(value, str):
            return _VARIABLE.sub(self._replacement, value) if "${" in value else value
        if isinstance(value, list):
            return [self.put_into(item) for item in value]
        if isinstance(value, dict):
            return {key: self.put_into(item) for key, item in value.items()}
        return value

    def notes(self) -> list[SafeText]:
        """Return a sentence for each variable that is missing; past some they are counted."""
        names = sorted(self.missing)
        notes = [
            safe(f"the config uses ${{{name}}}, which is set neither here nor in files of the root")
            for name in names[:CONFIG_NOTES]
        ]
        if len(names) > CONFIG_NOTES:
            notes.append(safe(f"… and {len(names) - CONFIG_NOTES} more variables that are not set"))
        return notes

    def _replacement(self, match: re.Match[str]) -> str:
        if match[0].startswith("$$"):
            return match[0][1:]
        self._uses += 1
        if self._uses > CONFIG_VARIABLES:
            raise BudgetError(f"it uses variables more than {CONFIG_VARIABLES} times")
        name = match[1]
        self.used.add(name)
        value = next((source[name] for source in self._sources if source.get(name)), None)
        if value is None:
            self.missing.add(name)
            return match[0]
        self._expanded += len(value)
        if self._expanded > CONFIG_EXPANDED_BYTES:
            raise BudgetError(
                f"the values of its variables have more than {CONFIG_EXPANDED_BYTES} characters"
            )
        return value


def parse_dotenv(text: str) -> dict[str, str]:
    """Read a `.env` file as OpenClaw's dotenv does, but for values of several lines, which count as not set."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        match = _ASSIGNMENT.fullmatch(line)
        value = None if match is None else _value(match[2])
        if match is not None and value is not None:
            values[match[1]] = value
    return values


def _value(raw: str) -> str | None:
    quoted = _QUOTED.fullmatch(raw)
    if quoted is not None:
        if quoted[2] is not None:
            return quoted[2].replace("\\n", "\n").replace("\\r", "\r")
        return quoted[1] if quoted[1] is not None else quoted[3]
    if raw.strip()[:1] in ("'", '"', "`"):
        return None
    return raw.partition("#")[0].strip()


def env_block(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that a config sets itself: `env.vars`, and what stands in `env` directly (2026.4.5)."""
    block = values.get("env")
    if not isinstance(block, dict):
        return {}
    inner = block.get("vars")
    direct = {name: value for name, value in block.items() if name not in ("vars", "shellEnv")}
    both = {**direct, **(inner if isinstance(inner, dict) else {})}
    return {name: value for name, value in both.items() if isinstance(value, str) and value.strip()}
