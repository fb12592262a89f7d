"""Where lockdeck's own files are: the usual places of this system, as the library knows them."""

from __future__ import annotations

import os
import sys

import platformdirs
import pytest

from lockdeck.backend.system.folders import config_dir, state_dir

HOMES = (None, "", "relative", "/", "/home/ada", "/home/ada/")
NAMED = (None, "", "relative/to", "~/.elsewhere", "/srv/ada/", "/srv/ada")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the library itself is asked")
@pytest.mark.parametrize("named", NAMED)
@pytest.mark.parametrize("home", HOMES)
def test_the_usual_places_are_those_of_the_library(monkeypatch, home, named):
    for name, value in {"HOME": home, "XDG_CONFIG_HOME": named, "XDG_STATE_HOME": named}.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    monkeypatch.delenv("LOCKDECK_CONFIG_DIR", raising=False)
    monkeypatch.delenv("LOCKDECK_STATE_DIR", raising=False)
    assert config_dir({}) == platformdirs.user_config_dir("lockdeck", appauthor=False)
    assert state_dir({}) == platformdirs.user_state_dir("lockdeck", appauthor=False)


def test_a_place_that_the_environment_names_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv("LOCKDECK_STATE_DIR", os.path.relpath(tmp_path))
    assert state_dir({}) == str(tmp_path)
    assert state_dir({"LOCKDECK_STATE_DIR": "/other"}) == "/other"
