"""Change one setting in a configuration file; everything else in it stays as a person wrote it."""

from __future__ import annotations

import os
import secrets
import stat
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.settings.check import SettingsError
from lockdeck.backend.settings.load import MAX_BYTES
from lockdeck.backend.system.folders import own_folder

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_HEADER = late_pattern(r"\s*\[")


def save_list(path: str, key: str, values: Sequence[str]) -> None:
    """Set a list of strings at the top level of a file, which is made where it is missing.

    The file is replaced in one step or not touched at all. Raises SettingsError where it can't be read or
    written, is no TOML, or is protected by its mode.
    """
    target = os.path.realpath(path)
    try:
        text, status = _read(target)
        changed = changed_text(text, key, values, path)
        _replace(target, changed.encode(), status)
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: can't be read: it is not UTF-8") from None
    except OSError as error:
        raise SettingsError(f"{path}: can't be written: {error.strerror or error}") from None


def changed_text(text: str, key: str, values: Sequence[str], path: str) -> str:
    """Return the text of a configuration with one list set; `path` is for the sentence of a SettingsError."""
    try:
        expected = {**tomllib.loads(text), key: list(values)}
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None
    for changed in _ways(text, key, values):
        with suppress(tomllib.TOMLDecodeError):
            if tomllib.loads(changed) == expected:
                return changed
    raise SettingsError(f"{path}: can't be changed without harm; write it yourself: {_entry(key, values)}")


def _ways(text: str, key: str, values: Sequence[str]) -> Iterator[str]:
    import tomlkit

    document = tomlkit.parse(text)
    if key not in document:
        yield _inserted(text, _entry(key, values))
    document[key] = list(values)
    yield tomlkit.dumps(document)


def _entry(key: str, values: Sequence[str]) -> str:
    import tomlkit

    return f"{key} = {tomlkit.item(list(values)).as_string()}"


def _inserted(text: str, entry: str) -> str:
    """Put a line behind the other settings, before the first table and the comment that belongs to it.

    A line that only looks like a table is found out by who compares the outcome.
    """
    end = "\r\n" if "\r\n" in text else "\n"
    rows = text.removesuffix("\n").removesuffix("\r").split(end) if text else []
    at = next((number for number, row in enumerate(rows) if _HEADER.match(row)), len(rows))
    if at < len(rows):
        while at and rows[at - 1].startswith("#"):
            at -= 1
        while at and not rows[at - 1].strip():
            at -= 1
    blank = [""] if at < len(rows) and rows[at].strip() else []
    return end.join([*rows[:at], entry, *blank, *rows[at:], ""])


def _read(target: str) -> tuple[str, os.stat_result | None]:
    """Return text and state of a file; nothing and None where there is none."""
    try:
        with open(os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise SettingsError(f"{target}: is no file")
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return "", None
    if len(raw) > MAX_BYTES:
        raise SettingsError(f"{target}: larger than {MAX_BYTES} bytes; that is no configuration")
    if not status.st_mode & 0o222 or not os.access(target, os.W_OK):
        raise SettingsError(f"{target}: is read-only, so it was left alone")
    return raw.decode(), status


def _replace(target: str, raw: bytes, status: os.stat_result | None) -> None:
    name, beside = os.path.basename(target), f".config.{secrets.token_hex(8)}.toml"
    with own_folder(os.path.dirname(target)) as folder:
        number = os.open(beside, _NEW, 0o600, dir_fd=folder)
        try:
            _write(number, raw, status)
            os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside, dir_fd=folder)
            raise


def _write(number: int, raw: bytes, status: os.stat_result | None) -> None:
    """Write a new file, with owner and mode of the one that it stands for, and close it."""
    with open(number, "wb") as file:
        if status is not None:
            os.fchown(number, status.st_uid, status.st_gid)
            os.fchmod(number, stat.S_IMODE(status.st_mode))
        file.write(raw)
        file.flush()
        os.fsync(number)
