"""One setting is changed in a file that a person wrote; nothing else is."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.settings.check import SettingsError
from lockdeck.backend.settings.load import load_settings
from lockdeck.backend.settings.write import changed_text, save_list
from tests.secondowner import give_away, needs_root

WRITTEN = """# lockdeck on the night shift

theme = "dusk"  # the bright one hurts

# keys of the team
[keys]
freeze = "F" # as in less

[[roots]]
path = "/r"
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(WRITTEN)
    path.chmod(0o640)
    return path


def test_a_new_setting_stands_with_the_others_and_every_comment_where_it_was(config):
    save_list(str(config), "columns", ("state", "agent"))
    assert config.read_text() == WRITTEN.replace("hurts\n", 'hurts\ncolumns = ["state", "agent"]\n')
    assert load_settings(str(config)).columns == ("state", "agent")


def test_a_known_setting_is_replaced_in_its_place_and_keeps_the_comment_behind_it(config):
    text = 'columns = [\n  "state", # first\n]  # mine\n' + WRITTEN
    config.write_text(text)
    save_list(str(config), "columns", ("agent",))
    assert config.read_text() == 'columns = ["agent"]  # mine\n' + WRITTEN


def test_mode_links_and_neighbours_stay(config, tmp_path):
    link = tmp_path / "link.toml"
    link.symlink_to(config)
    save_list(str(link), "columns", ("agent",))
    assert link.is_symlink()
    assert load_settings(str(config)).columns == ("agent",)
    assert config.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml", "link.toml"]


def test_a_missing_file_is_made_with_its_folder(tmp_path):
    path = tmp_path / "new" / "config.toml"
    save_list(str(path), "locks_columns", ("age",))
    assert path.read_text() == 'locks_columns = ["age"]\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [(b"a = [", "not valid TOML"), (b"\xff\xfe", "can't be read"), (b"#" * ((1 << 20) + 1), "larger than")],
)
def test_a_file_that_cannot_be_read_is_left_alone(config, text, sentence):
    config.write_bytes(text)
    with pytest.raises(SettingsError, match=sentence):
        save_list(str(config), "columns", ("agent",))
    assert config.read_bytes() == text


def test_a_protected_file_is_left_alone(config):
    config.chmod(0o444)
    with pytest.raises(SettingsError, match="read-only"):
        save_list(str(config), "columns", ("agent",))
    assert config.read_text() == WRITTEN


def test_a_folder_or_a_pipe_is_no_configuration(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(SettingsError):
            save_list(str(path), "columns", ("agent",))


def test_a_file_that_cannot_be_written_leaves_nothing_behind(config, tmp_path, monkeypatch):
    def full(_number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsError, match="can't be written: No space left"):
        save_list(str(config), "columns", ("agent",))
    assert config.read_text() == WRITTEN
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


PIECES = st.sampled_from(
    [
        "# a comment",
        "",
        "  ",
        'theme = "x"',
        "rescan_s = 5 # often",
        'logs = [\n  "[a]",\n["b"],\n]',
        'a.b = """\n[no table]\n"""',
        "[keys]",
        '[[roots]]\npath = "/r"',
        "inline = { a = [1, 2] }",
        'columns = ["old",\n "older"] # mine',
        "[a]\nb = 1",
        "m = [\n[1],\n[2]\n]",
        "[c.d]",
    ]
)


@given(
    st.lists(PIECES, max_size=7),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.lists(st.text("ab[]='\"\\\né", max_size=5)),
)
def test_whatever_stood_there_still_does(pieces, end, closed, values):
    text = end.join("\n".join(pieces).split("\n")) + (end if closed else "")
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(SettingsError, match="not valid TOML"):
            changed_text(text, "columns", values, "x")
        return
    after = changed_text(text, "columns", values, "x")
    assert tomllib.loads(after) == {**before, "columns": values}
    assert after.count("#") == text.count("#")


@needs_root
@pytest.mark.parametrize("missing", ["", "lockdeck/deep"])
def test_nothing_is_saved_in_a_folder_of_another_account(tmp_path: Path, missing: str) -> None:
    (tmp_path / "theirs").mkdir()
    give_away(tmp_path / "theirs")
    with pytest.raises(SettingsError, match="belongs to"):
        save_list(str(tmp_path / "theirs" / missing / "config.toml"), "theme", ["x"])
    assert not list((tmp_path / "theirs").iterdir())


def test_missing_folders_are_made_for_us_alone_and_one_that_stands_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir(mode=0o755)
    save_list(str(tmp_path / "config" / "lockdeck" / "config.toml"), "logs", ["/a.log"])
    assert [
        stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "config", tmp_path / "config" / "lockdeck")
    ] == [0o755, 0o700]
