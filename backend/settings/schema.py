"""The JSON Schema of the configuration, made from the settings themselves: `python -m lockdeck.backend.settings.schema`."""

from __future__ import annotations

import json
from dataclasses import Field, fields
from typing import Any, get_type_hints

from lockdeck.backend.settings.check import ACCOUNT, LEAST_S, MOST_S
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


def _object(kind: type) -> Json:
    hints = get_type_hints(kind)
    public = [field for field in fields(kind) if not field.metadata.get("internal")]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {field.name: _property(field, hints[field.name]) for field in public},
    }


def _property(field: Field[Any], hint: Any) -> Json:
    shape = _shape(field, hint)
    default = {} if field.name in _WITHOUT_DEFAULT else {"default": _plain(field.default)}
    return {"description": field.metadata["doc"], **shape, **default}


def _shape(field: Field[Any], hint: Any) -> Json:
    if field.name == "roots":
        return {"type": "array", "items": {**_object(RootSettings), "required": ["path"]}}
    if field.name == "hosts":
        return {"type": "array", "items": {**_object(HostSettings), "required": ["name", "command"]}}
    if field.name == "keys":
        return {"type": "object", "additionalProperties": {"anyOf": [{"type": "string"}, _STRINGS]}}
    if hint == tuple[str, ...]:
        choices = field.metadata.get("choices")
        return {"type": "array", "items": {"enum": list(choices)}} if choices else _STRINGS
    if hint == ACCOUNT:
        return {"type": ["string", "integer"]}
    if hint is float:
        return {"type": "number", "minimum": LEAST_S, "maximum": MOST_S}
    return {"type": "boolean" if hint is bool else "string"}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))  # noqa: T201 - this is its output
