"""The keys a person has configured, checked against the commands of every screen. Pure."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

Keys = tuple[str, ...]

ALWAYS = ("quit", "help")
"""Commands that must stay reachable by a key."""
_NO_KEY = "no-key-for-"
"""Begins what Textual is given as the key of a command without one: for an empty key it keeps its own (8.2.8)."""
FIXED: Mapping[str, str] = {
    **dict.fromkeys(("up", "down", "left", "right", "home", "end", "pageup", "pagedown"), "moves the cursor"),
    **dict.fromkeys(("j", "k", "g", "G", "ctrl+d", "ctrl+u"), "moves the cursor"),
    **dict.fromkeys(("tab", "shift+tab"), "moves the focus"),
    "ctrl+c": "interrupts",
    "ctrl+q": "always quits",
    "ctrl+z": "suspends lockdeck",
    "ctrl+h": "is backspace in a terminal",
    "ctrl+i": "is tab in a terminal",
    "ctrl+j": "is a line feed in a terminal",
    "ctrl+m": "is enter in a terminal",
    "ctrl+s": "stops the output of a terminal",
}
"""Keys that can't be given to a command, and what they do."""
_MODIFIERS = ("ctrl", "alt", "shift")
_NAMED = frozenset({"escape", "enter", "space", "backspace", "delete", "insert"}) | {
    f"f{number}" for number in range(1, 25)
}


class KeyFault(Struct, frozen=True):
    """A fault in the keys of a command; `command` is the id as it was written."""

    command: str
    sentence: str


class ScreenKeys(Struct, frozen=True):
    """The keys of one screen as it comes: those of its commands by id, and those that are not for change."""

    name: str
    commands: Mapping[str, Keys]
    fixed: Mapping[str, str]


def canonical(key: str) -> str | None:
    """Return a key as the terminal library names it (`?` is `question_mark`), None when there is no such key."""
    *modifiers, base = [key] if len(key) == 1 else key.split("+")
    if len(base) == 1:
        name = base if base.isalnum() and base.isascii() else _name_of(base)
    else:
        name = base if base in _NAMED or base in FIXED or base in _PUNCTUATION else None
    if name is None or len(set(modifiers)) < len(modifiers) or not set(modifiers) <= set(_MODIFIERS):
        return None
    return "+".join([*(word for word in _MODIFIERS if word in modifiers), name])


def _name_of(character: str) -> str | None:
    if not character.isprintable() or not character.isascii():
        return None
    name = unicodedata.name(character).lower().replace("-", "_").replace(" ", "_")
    return _SHORT.get(name, name)


_SHORT = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
} | {
    "plus_sign": "plus",
    "low_line": "underscore",
}
_PUNCTUATION = frozenset(filter(None, (_name_of(chr(code)) for code in range(0x20, 0x7F))))


def effective(configured: Mapping[str, Keys], screen: ScreenKeys) -> dict[str, Keys]:
    """Return the keys of each command of a screen with the preferences applied; keys that don't exist are left out."""
    effective_keys = {}
    for command, default in screen.commands.items():
        keys = configured.get(command, default)
        effective_keys[command] = tuple(
            name for key in keys if (name := canonical(key)) and name not in FIXED
        )
    return effective_keys


def faults(configured: Mapping[str, Keys], screens: Sequence[ScreenKeys]) -> tuple[KeyFault, ...]:
    """Return everything that is wrong with the preferences, each fault once."""
    commands = sorted({command for screen in screens for command in screen.commands})
    problems = [fault for command, keys in configured.items() for fault in _alone(command, keys, commands)]
    for screen in screens:
        problems += _clashes(configured, screen)
        problems += _unreachable(configured, screen)
    return tuple(dict.fromkeys(problems))


def keymap(configured: Mapping[str, Keys]) -> dict[str, str]:
    """Return the preferences as the terminal library wants them: command id to keys, by comma."""
    return {
        command: ",".join(filter(None, map(canonical, keys))) or f"{_NO_KEY}{command}"
        for command, keys in configured.items()
    }


def is_key(key: str) -> bool:
    """Return whether a key of a binding can be pressed; that of a command without a key can't."""
    return not key.startswith(_NO_KEY)


def _alone(command: str, keys: Keys, commands: Sequence[str]) -> Iterator[KeyFault]:
    """Yield what is wrong without looking at other commands."""
    if command not in commands:
        similar = difflib.get_close_matches(command, commands, 1)
        hint = f"did you mean {similar[0]}?" if similar else f"known: {', '.join(commands)}"
        yield KeyFault(command, f"is no command; {hint}")
    for key in keys:
        name = canonical(key)
        if name is None:
            yield KeyFault(
                command, f"names a key that does not exist: {key!r} (write f, F, ctrl+f, f5, slash or /)"
            )
        elif name in FIXED:
            yield KeyFault(command, f"can't have {key!r}: that key {FIXED[name]}")


def _clashes(configured: Mapping[str, Keys], screen: ScreenKeys) -> Iterator[KeyFault]:
    owners: dict[str, str] = {}
    keys = effective(configured, screen)
    for command in sorted(keys, key=lambda command: command in configured):  # what was wished is to blame
        for key in keys[command]:
            if key in screen.fixed:
                yield KeyFault(
                    command, f"can't have {key!r}: on the {screen.name} screen it {screen.fixed[key]}"
                )
            elif owners.setdefault(key, command) != command:
                yield KeyFault(command, f"has {key!r}, and so has {owners[key]}")


def _unreachable(configured: Mapping[str, Keys], screen: ScreenKeys) -> Iterator[KeyFault]:
    keys = effective(configured, screen)
    for command in ALWAYS:
        reachable = set(keys.get(command, ())) - set(screen.fixed)
        thieves = [
            name for name in keys if name != command and name in configured and reachable & set(keys[name])
        ]
        if command in keys and not reachable - {key for name in thieves for key in keys[name]}:
            blamed = thieves[0] if thieves else command
            yield KeyFault(blamed, f"leaves no key for {command}, which must keep one")
