"""Keys of one's own: what is wrong with them is found over the effective map of every screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.keys import format_key

from lockdeck.backend.settings.check import SettingsError
from lockdeck.backend.settings.load import load_settings
from lockdeck.tui.commands import COMMANDS
from lockdeck.tui.preferences.check import all_screen_keys, preferences_of
from lockdeck.tui.preferences.keymap import (
    ALWAYS,
    FIXED,
    ScreenKeys,
    canonical,
    effective,
    faults,
    is_key,
    keymap,
)
from lockdeck.tui.screens.registry import SCREENS
from tests.folders import DOCS

FLEET = ScreenKeys(
    "fleet",
    {"freeze": ("f",), "pause": ("p",), "quit": ("q",), "help": ("question_mark",)},
    {"escape": "is for Unmark"},
)


def told(**wanted: tuple[str, ...]) -> list[str]:
    return [f"{fault.command} {fault.sentence}" for fault in faults(wanted, [FLEET])]


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"frezee": ("F",)}, "frezee is no command; did you mean freeze?"),
        ({"zzz": ("F",)}, "zzz is no command; known: freeze, help, pause, quit"),
        ({"quit": ()}, "quit leaves no key for quit, which must keep one"),
        ({"help": ()}, "help leaves no key for help, which must keep one"),
        ({"freeze": ("ctrl+foo",)}, "freeze names a key that does not exist: 'ctrl+foo'"),
        ({"freeze": ("",)}, "freeze names a key that does not exist: ''"),
        ({"freeze": ("up",)}, "freeze can't have 'up': that key moves the cursor"),
        ({"freeze": ("ctrl+i",)}, "freeze can't have 'ctrl+i': that key is tab in a terminal"),
        ({"freeze": ("escape",)}, "freeze can't have 'escape': on the fleet screen it is for Unmark"),
        ({"freeze": ("p",)}, "freeze has 'p', and so has pause"),
        ({"freeze": ("x",), "pause": ("x",)}, "pause has 'x', and so has freeze"),
        ({"freeze": ("q",)}, "freeze leaves no key for quit"),
        ({"quit": ("up",)}, "quit leaves no key for quit"),
        ({"help": ("ctrl+foo",)}, "help leaves no key for help"),
    ],
)
def test_each_fault_is_named(wanted: dict[str, tuple[str, ...]], sentence: str) -> None:
    assert any(line.startswith(sentence) for line in told(**wanted)), told(**wanted)


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"freeze": ("F",)},
        {"freeze": ("p",), "pause": ("f",)},
        {"quit": ("f10", "ctrl+x"), "help": ("f1", "?")},
        {"freeze": ("space", "alt+f")},
        {"freeze": ()},
        {"freeze": (), "pause": ("f",)},
    ],
)
def test_good_keys_have_no_fault(wanted: dict[str, tuple[str, ...]]) -> None:
    assert told(**wanted) == []


def test_keys_may_be_written_as_they_are_typed() -> None:
    assert keymap({"help": ("?", "f1"), "freeze": ("F",)}) == {"help": "question_mark,f1", "freeze": "F"}
    assert (canonical("/"), canonical("shift+ctrl+f5"), canonical("é")) == ("slash", "ctrl+shift+f5", None)


@given(
    st.dictionaries(
        st.sampled_from(["freeze", "pause", "quit", "help"]), st.lists(st.text(max_size=8), max_size=3)
    )
)
def test_what_has_no_fault_keeps_every_command_reachable_by_a_key_of_its_own(
    wanted: dict[str, list[str]],
) -> None:
    preferences = {command: tuple(keys) for command, keys in wanted.items()}
    if not faults(preferences, [FLEET]):
        keys = effective(preferences, FLEET)
        everything = [key for own in keys.values() for key in own]
        assert all(keys[command] for command in keys if command in ALWAYS or preferences.get(command) != ())
        assert not set(everything) & (set(FIXED) | set(FLEET.fixed))
        owners = {key: {command for command, own in keys.items() if key in own} for key in everything}
        assert all(len(commands) == 1 for commands in owners.values())


def test_lockdecks_own_keys_have_no_fault() -> None:
    screens = all_screen_keys()
    assert faults({}, screens) == ()
    for screen in screens:
        assert {"quit", "help"} <= set(screen.commands)


def test_a_fault_in_a_file_is_told_with_its_line(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "config.toml"
    path.write_text('columns = ["agent", "hodler"]\n\n[keys]\nfreeze = "p"\npuase = "x"\n')
    with pytest.raises(SettingsError) as error:
        preferences_of(load_settings(str(path)))
    assert f"{path}:1: columns has no 'hodler'; did you mean holder?" in str(error.value)
    assert f"{path}:4: keys.freeze has 'p', and so has pause" in str(error.value)
    assert f"{path}:5: keys.puase is no command; did you mean pause?" in str(error.value)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('frezee = "F"', "keys.frezee is no command; did you mean freeze?"),
        ('freeze = "ctrl+foo"', "keys.freeze names a key that does not exist"),
        ('freeze = "up"', "keys.freeze can't have 'up'"),
        ('unmark = "l"', "keys.unmark has 'l', and so has locks"),
        ('mark = "escape"', "keys.mark has 'escape', and so has back"),
        ('freeze = "q"', "keys.freeze leaves no key for quit"),
        ("quit = []", "keys.quit leaves no key for quit, which must keep one"),
        ('help = ""', "keys.help leaves no key for help, which must keep one"),
        ("freeze = 3", "keys.freeze must be a key or a list of keys, not 3"),
    ],
)
def test_every_fault_names_its_line(tmp_path, line: str, sentence: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "config.toml"
    path.write_text(f'# mine\n[keys]\npause = "P"\n{line}\n')
    with pytest.raises(SettingsError) as error:
        preferences_of(load_settings(str(path)))
    assert f"{path}:4: {sentence}" in str(error.value)


@pytest.mark.parametrize("none", ["[]", '""'])
def test_a_command_may_have_no_key(tmp_path, none: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "config.toml"
    path.write_text(f"[keys]\nrelease = {none}\n")
    (key,) = preferences_of(load_settings(str(path))).keymap.values()
    assert not is_key(key)


@pytest.mark.parametrize(
    ("table", "wrong", "near"),
    [
        ("columns", "tend", "trend"),
        ("locks_columns", "verdit", "verdict"),
        ("events_columns", "severty", "severity"),
        ("journal_columns", "sentnence", "sentence"),
    ],
)
def test_a_column_that_a_table_has_not_is_told_with_its_line(tmp_path, table, wrong, near) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "config.toml"
    path.write_text(f'theme = "dark"\n\n{table} = ["{wrong}"]\n')
    with pytest.raises(SettingsError) as error:
        preferences_of(load_settings(str(path)))
    assert f"{path}:3: {table} has no {wrong!r}; did you mean {near}?" in str(error.value)
    path.write_text(f'{table} = ["{near}", "{near}"]\n')
    with pytest.raises(SettingsError, match=f"config.toml:1: {table} names one twice"):
        preferences_of(load_settings(str(path)))


def test_good_wishes_are_ready_to_use(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "config.toml"
    path.write_text('columns = ["agent"]\nrescan_s = 10\n[keys]\nhelp = ["f1", "?"]\n')
    preferences = preferences_of(load_settings(str(path)))
    assert (preferences.columns["fleet"], preferences.keymap) == (("agent",), {"help": "f1,question_mark"})
    assert preferences.stale_after_s == 30.0


def test_the_manual_lists_every_command_with_its_keys_and_screens() -> None:
    manual = (DOCS / "keys.md").read_text(encoding="utf-8")
    rows = {row.split("`")[1]: row for row in manual.split("\n") if row.startswith("| `")}
    assert set(rows) == set(COMMANDS)
    for command in COMMANDS.values():
        keys = " ".join(f"`{format_key(key)}`" for key in command.keys)
        screens = [name for name, screen in SCREENS.items() if command.id in screen.COMMAND_IDS]
        where = "everywhere" if len(screens) == len(SCREENS) else ", ".join(screens)
        assert rows[command.id] == f"| `{command.id}` | {keys} | {command.tooltip} | {where} |"
