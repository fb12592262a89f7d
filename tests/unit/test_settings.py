"""lockdeck's own configuration: what it takes, and what it says about the rest."""

from __future__ import annotations

import os

import pytest

from backend.settings import RootSettings, Settings, SettingsError, config_path, load_settings


@pytest.fixture
def load(tmp_path):
    def loading(text):
        path = tmp_path / "config.toml"
        path.write_text(text)
        return load_settings(str(path))

    return loading


@pytest.fixture
def refused(load, tmp_path):
    """What is said about a wrong configuration; it always names the file."""

    def refusing(text):
        with pytest.raises(SettingsError) as error:
            load(text)
        assert str(tmp_path / "config.toml") in str(error.value)
        return str(error.value)

    return refusing


def test_everything_can_be_set(load, tmp_path):
    found = load(
        'read_only = true\ntheme = "dusk"\nlogs = ["/a.log"]\nrescan_s = 5\ngap_grace_s = 2.5\n'
        '[[roots]]\npath = "/r"\nread_only = true\nown_namespace = true\n'
    )
    roots = (RootSettings("/r", read_only=True, own_namespace=True),)
    assert found == Settings(True, "dusk", ("/a.log",), roots, 5.0, 2.5, str(tmp_path / "config.toml"))


def test_an_empty_file_means_the_defaults(load, tmp_path):
    assert load("") == Settings(origin=str(tmp_path / "config.toml"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rescan = 3", "unknown key rescan; did you mean rescan_s?"),
        ("zzz = 3", "unknown key zzz; known keys: read_only, theme, logs, rescan_s, gap_grace_s"),
        (
            '[[roots]]\npath = "/r"\nreadonly = true',
            "unknown key roots[0].readonly; did you mean roots[0].read_only?",
        ),
        ('[[roots]]\npath = "/r"\n[[roots]]\nread_only = true', "roots[1].path is missing"),
        ('read_only = "yes"', "read_only must be true or false, not 'yes'"),
        ("read_only = 1", "read_only must be true or false, not 1"),
        ("theme = 3", "theme must be a string, not 3"),
        ('logs = "/a.log"', "logs must be a list of strings"),
        ("logs = [3]", "logs must be a list of strings"),
        ("rescan_s = true", "rescan_s must be a number of seconds, not True"),
        ("rescan_s = 0", "rescan_s must lie between 0.1 and 3600 seconds, not 0"),
        ("gap_grace_s = nan", "gap_grace_s must lie between 0.1 and 3600"),
        ("gap_grace_s = inf", "gap_grace_s must lie between 0.1 and 3600"),
        ('[roots]\npath = "/r"', "roots must be tables: write [[roots]]"),
        ("roots = [3]", "roots must be tables"),
        ('origin = "x"', "unknown key origin"),
        ("a = [", "not valid TOML"),
        ("a = 1\na = 2", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_named_with_key_cause_and_way_out(refused, text, sentence):
    assert sentence in refused(text)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="can't be read"):
        load_settings(str(path))


def test_a_named_file_must_exist_and_a_directory_is_none(tmp_path):
    with pytest.raises(SettingsError, match="no such file"):
        load_settings(str(tmp_path / "none.toml"))
    with pytest.raises(SettingsError, match="can't be read"):
        load_settings(str(tmp_path))


def test_the_default_file_need_not_exist(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCKDECK_CONFIG_DIR", str(tmp_path))
    assert config_path() == str(tmp_path / "config.toml")
    assert load_settings(None) == Settings()
    (tmp_path / "config.toml").write_text('theme = "dusk"')
    assert load_settings(None).theme == "dusk"


def test_a_root_is_known_by_any_of_its_names(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "real").mkdir()
    os.symlink(tmp_path / "real", tmp_path / "link")
    said = RootSettings("~/link", own_namespace=True)
    settings = Settings(roots=(said,))
    assert settings.root(str(tmp_path / "real")) is said
    assert settings.root("/other") == RootSettings("/other")
