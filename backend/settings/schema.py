"""The JSON Schema of the configuration, made from the settings themselves: `python -m lockdeck.backend.settings.schema`."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from lockdeck.backend.settings.check import ACCOUNT, LEAST_S, MOST_S
from lockdeck.backend.settings.keys import ConfigKey, config_keys
from lockdeck.backend.settings.records import HostSettings, RootSettings, Settings

Json = dict[str, Any]
_WITHOUT_DEFAULT = ("roots", "hosts", "keys", "path", "name", "command")
_STRINGS: Json = {"type": "array", "items": {"type": "string"}}


def schema() -> Json:
    """Return the schema of `config.toml`, as of its equivalent in JSON."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lockdeck configuration (config.toml)",
        **_object(Settings),
    }


def _object(kind: type[Struct]) -> Json:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {key.name: _property(key) for key in config_keys(kind)},
    }


def _property(key: ConfigKey) -> Json:
    default = {} if key.name in _WITHOUT_DEFAULT else {"default": _plain(key.default)}
    return {"description": key.about, **_shape(key), **default}


def _shape(key: ConfigKey) -> Json:
    if key.name == "roots":
        return {"type": "array", "items": {**_object(RootSettings), "required": ["path"]}}
    if key.name == "hosts":
        return {"type": "array", "items": {**_object(HostSettings), "required": ["name", "command"]}}
    if key.name == "keys":
        return {"type": "object", "additionalProperties": {"anyOf": [{"type": "string"}, _STRINGS]}}
    if key.hint == tuple[str, ...]:
        return {"type": "array", "items": {"enum": list(key.choices)}} if key.choices else _STRINGS
    if key.hint == ACCOUNT:
        return {"type": ["string", "integer"]}
    if key.hint is float:
        return {"type": "number", "minimum": LEAST_S, "maximum": MOST_S}
    return {"type": "boolean" if key.hint is bool else "string"}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))  # noqa: T201 - this is its output
