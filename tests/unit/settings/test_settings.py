"""lockdeck's own configuration: what it takes, and what it says about the rest."""

from __future__ import annotations

import os

import pytest
from msgspec.structs import replace

from lockdeck.backend.model.trust import Vouch
from lockdeck.backend.settings.check import SettingsError
from lockdeck.backend.settings.load import config_path, load_settings
from lockdeck.backend.settings.records import RootSettings, Settings


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


@pytest.mark.parametrize(("written", "uid"), [("4242", 4242), ('"4242"', 4242), ('"root"', 0), ('""', None)])
def test_an_owner_is_vouched_for_by_name_or_uid_in_that_root_alone(load, written, uid):
    found = load(f'[[roots]]\npath = "/r"\ntrusted_owner = {written}\n[[roots]]\npath = "/s"\n')
    assert found.vouch_for("/r") == Vouch(owners=frozenset() if uid is None else frozenset({uid}))
    assert found.vouch_for("/s") == Vouch()


@pytest.mark.parametrize(
    ("written", "words"),
    [("1.5", "name of an account or its uid"), ("-1", "no account"), ('"nobody-at-all"', "no account")],
)
def test_an_owner_that_is_no_account_is_an_error_with_its_line(load, written, words):
    with pytest.raises(SettingsError, match=rf"config.toml:2: roots\[0\].trusted_owner .*{words}"):
        load(f'[[roots]]\ntrusted_owner = {written}\npath = "/r"\n')


def test_the_command_line_vouches_in_every_root(load, tmp_path):
    (tmp_path / "config.toml").write_text('[[roots]]\npath = "/r"\ntrusted_owner = 7\n')
    found = load_settings(str(tmp_path / "config.toml"), frozenset({8}))
    assert (found.vouch_for("/r").owners, found.vouch_for("/s").owners) == ({7, 8}, {8})


@pytest.mark.parametrize("mode", [0o666, 0o622])
def test_a_configuration_that_others_may_write_is_refused(load, tmp_path, mode):
    (tmp_path / "config.toml").write_text("read_only = true\n")
    (tmp_path / "config.toml").chmod(mode)
    with pytest.raises(SettingsError, match="must be yours"):
        load_settings(str(tmp_path / "config.toml"))


def test_everything_can_be_set(load, tmp_path):
    found = load(
        'read_only = true\ntheme = "dusk"\nlogs = ["/a.log"]\nrescan_s = 5\ngap_grace_s = 2.5\n'
        'columns = ["agent"]\nlocks_columns = ["age"]\n'
        'events_columns = ["what"]\njournal_columns = ["about"]\nmouse = false\nnotify = ["bell", "osc9"]\nnotify_after_s = 1\nnotify_every_s = 60\n'
        '[keys]\nfreeze = "F"\npause = ["P", "f2"]\n'
        '[[roots]]\npath = "/r"\nread_only = true\nown_namespace = true\n'
    )
    roots = (RootSettings("/r", read_only=True, own_namespace=True),)
    assert replace(found, lines={}) == Settings(
        read_only=True,
        theme="dusk",
        logs=("/a.log",),
        roots=roots,
        rescan_s=5.0,
        gap_grace_s=2.5,
        columns=("agent",),
        locks_columns=("age",),
        events_columns=("what",),
        journal_columns=("about",),
        mouse=False,
        notify=("bell", "osc9"),
        notify_after_s=1.0,
        notify_every_s=60.0,
        keys={"freeze": ("F",), "pause": ("P", "f2")},
        origin=str(tmp_path / "config.toml"),
    )


def test_every_value_knows_the_line_it_stands_in(load, tmp_path):
    found = load(
        '# mine\nrescan_s = 5\nlogs = [\n  "/a.log",\n]\n\n[keys]\nfreeze = "F"\n"pause" = "P"\n\n'
        '[[roots]]\npath = "/r"\n\n[[roots]]\nread_only = true\npath = """\nrescan_s = 3"""\n'
    )
    assert {key: found.lines[key] for key in ("rescan_s", "logs", "keys.freeze", "keys.pause")} == {
        "rescan_s": 2,
        "logs": 3,
        "keys.freeze": 8,
        "keys.pause": 9,
    }
    assert (found.lines["roots[0].path"], found.lines["roots[1].path"]) == (12, 16)
    assert found.place("keys.freeze") == f"{tmp_path / 'config.toml'}:8"
    assert found.place("theme") == "default"


def test_a_value_in_an_inline_table_has_the_line_of_that_table(load):
    assert load('\nkeys = { freeze = "F" }\n').lines["keys.freeze"] == 2
    assert load('\n\nkeys.freeze = "F"\n').lines["keys.freeze"] == 3


def test_what_is_wrong_is_named_with_its_line(refused):
    assert "config.toml:2: rescan_s must be" in refused('theme = "dusk"\nrescan_s = true')
    assert "config.toml:3: unknown key roots[0].readonly" in refused(
        '[[roots]]\npath = "/r"\nreadonly = true'
    )


def test_an_empty_file_means_the_defaults(load, tmp_path):
    assert load("") == Settings(origin=str(tmp_path / "config.toml"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rescan = 3", "unknown key rescan; did you mean rescan_s?"),
        (
            "zzz = 3",
            "unknown key zzz; known keys: read_only, theme, logs, roots, hosts, rescan_s, gap_grace_s",
        ),
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
        ("lines = 1", "unknown key lines"),
        ('notify = ["bel"]', "notify may hold toast, bell, osc9, osc777, not 'bel'"),
        ('keys = "f"', "keys must be a table"),
        ('mouse = "off"', "mouse must be true or false, not 'off'"),
        ("[keys]\nfreeze = 3", "keys.freeze must be a key or a list of keys, not 3"),
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


def test_everything_that_is_wrong_is_told_at_once(refused):
    told = refused(
        'read_only = "yes"\nrescan = 3\nlogs = ["-"]\n[[roots]]\ntrusted_owner = "nobody-at-all"\n'
        '[[roots]]\npath = " "\nwatch = 1\n[keys]\nquit = 7\n'
    ).split("\n")
    heads = [
        "read_only must be",
        "unknown key rescan; did you mean rescan_s?",
        "logs holds stdin",
        "keys.quit must be",
    ]
    heads += ["roots[0].path is missing", "roots[0].trusted_owner names no account", "roots[1].path is empty"]
    heads += ["unknown key roots[1].watch"]
    assert len(told) == len(heads)
    assert all(any(f": {head}" in line for line in told) for head in heads)
