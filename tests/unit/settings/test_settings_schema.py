"""The documented schema of the configuration is that of the settings, and agrees with what is taken."""

from __future__ import annotations

import json
import tomllib

import pytest
from jsonschema import Draft202012Validator

from lockdeck.backend.settings.check import SettingsError
from lockdeck.backend.settings.load import load_settings
from lockdeck.backend.settings.schema import schema
from tests.folders import DOCS

DOCUMENTED = DOCS / "config.schema.json"


def test_the_documented_schema_is_that_of_the_settings():
    hint = "run `python -m lockdeck.backend.settings.schema > docs/config.schema.json`"
    assert json.loads(DOCUMENTED.read_text()) == schema(), hint


def test_the_schema_is_one():
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("", True),
        ('theme = "dusk"\nrescan_s = 5\nnotify = ["bell"]\n[keys]\nquit = ["q", "f10"]', True),
        ('[[roots]]\npath = "/r"\nread_only = true', True),
        ("rescan = 3", False),
        ("rescan_s = 0", False),
        ("rescan_s = true", False),
        ('notify = ["bel"]', False),
        ("[[roots]]\nread_only = true", False),
        ("[keys]\nquit = 3", False),
        ('origin = "x"', False),
    ],
)
def test_the_schema_and_lockdeck_take_the_same_files(tmp_path, text, good):
    path = tmp_path / "config.toml"
    path.write_text(text)
    assert Draft202012Validator(schema()).is_valid(tomllib.loads(text)) is good
    if good:
        load_settings(str(path))
    else:
        with pytest.raises(SettingsError):
            load_settings(str(path))
