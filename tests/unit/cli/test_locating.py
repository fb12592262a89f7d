"""`lockdeck locate`: where configuration, themes and journal are."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.fleetdir import environment, lockdeck


def test_places_follow_the_environment(tmp_path):
    env = {"HOME": str(tmp_path)}
    found = json.loads(lockdeck("locate", "--json", env=env).stdout)
    places = environment(env)
    assert found["config"] == f"{places['LOCKDECK_CONFIG_DIR']}/config.toml"
    assert found["themes"] == f"{places['LOCKDECK_CONFIG_DIR']}/themes"
    assert found["journal"] == f"{places['LOCKDECK_STATE_DIR']}/journal.jsonl"
    assert list(Path(found["bundledThemes"]).glob("*.toml"))


def test_the_configuration_named_is_the_one_told(tmp_path):
    found = json.loads(
        lockdeck("locate", "--json", "--config", "/x/y.toml", env={"HOME": str(tmp_path)}).stdout
    )
    assert found["config"] == "/x/y.toml"


def test_as_text_every_place_has_a_line_and_nothing_is_made(tmp_path):
    done = lockdeck("locate", env={"HOME": str(tmp_path)})
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.decode().splitlines()] == [
        "config",
        "themes",
        "bundledThemes",
        "state",
        "journal",
        "deck",
        "quarantine",
    ]
    assert list(tmp_path.iterdir()) == []


def test_without_overrides_the_places_are_below_home(tmp_path):
    env = {"HOME": str(tmp_path), "LOCKDECK_CONFIG_DIR": "", "LOCKDECK_STATE_DIR": ""}
    found = json.loads(lockdeck("locate", "--json", env=env).stdout)
    assert all(
        found[name].startswith(f"{tmp_path}/") for name in ("config", "themes", "journal", "quarantine")
    )


def test_a_hostile_name_is_harmless(tmp_path):
    done = lockdeck("locate", "--config", "/x/\x1b[31m.toml", env={"HOME": str(tmp_path)})
    assert b"\x1b" not in done.stdout
