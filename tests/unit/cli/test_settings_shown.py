"""`lockdeck config show`: each value with where it comes from."""

from __future__ import annotations

import json

from click.testing import CliRunner

from lockdeck.backend.settings.load import load_settings
from lockdeck.tui.cli.config import setting_values
from lockdeck.tui.cli.main import cli
from lockdeck.tui.cli.options import Common
from lockdeck.tui.entry import dashboard


def places(tmp_path, text, common=None):
    path = tmp_path / "config.toml"
    path.write_text(text)
    values = setting_values(load_settings(str(path)), common or Common())
    return {entry.key: (entry.value, entry.origin, entry.place.removeprefix(str(path))) for entry in values}


def test_each_value_tells_where_it_comes_from(tmp_path):
    found = places(tmp_path, 'theme = "dusk"\n[keys]\nfreeze = "F"\n[[roots]]\npath = "/r"\n')
    assert found["theme"] == ("dusk", "file", ":1")
    assert found["rescan_s"] == (3.0, "default", "default")
    assert found["keys.freeze"] == (["F"], "file", ":3")
    assert found["roots[0].path"] == ("/r", "file", ":5")
    assert found["roots[0].read_only"] == (False, "default", "default")
    assert {key for key in found if key.startswith("roots")} == {
        f"roots[0].{name}" for name in ("path", "read_only", "own_namespace", "trusted_owner", "log_command")
    }


def test_options_override_the_file_and_say_so(tmp_path):
    common = Common(logs=("/a.log",), read_only=True, no_mouse=True)
    found = places(tmp_path, 'logs = ["/b.log"]\nmouse = true', common)
    assert found["mouse"] == (False, "option", "--no-mouse")
    assert found["read_only"] == (True, "option", "--read-only")
    assert found["logs"] == (["/a.log", "/b.log"], "option", "--log")


def run(*words):
    return CliRunner().invoke(cli, ["config", "show", *words], standalone_mode=False, obj=dashboard())


def test_it_prints_text_and_json(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('theme = "du\\u001b[2Jsk"\n')
    text = run("--config", str(path))
    assert f"{path}:1" in text.output
    assert "\x1b" not in text.output
    told = json.loads(run("--config", str(path), "--json").output)
    assert told["schema"] == 1
    assert {"key": "theme", "value": "du\x1b[2Jsk", "origin": "file", "place": f"{path}:1"} in told[
        "settings"
    ]


def test_what_is_wrong_with_keys_is_a_usage_error(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('[keys]\nfreeze = "p"\n')
    result = run("--config", str(path))
    assert f"{path}:2: keys.freeze has 'p', and so has pause" in str(result.exception)
