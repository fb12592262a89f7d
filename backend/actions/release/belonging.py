"""The root that a process of OpenClaw works on, as far as it can be told from outside.

A process that provably belongs to another root, or that can't change anything in ours, never counts. Where nothing
tells, it may be ours.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.openclaw.locks.gatewaylock import gateway_lock_at
from lockdeck.backend.openclaw.roots.environment import CONFIG_NAMES, account_home, home_of, real, state_dir
from lockdeck.backend.openclaw.roots.layout import lock_kind
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system.namespaces import shares_our_mounts
from lockdeck.backend.system.openpaths import open_paths
from lockdeck.backend.system.procfs import read_file, read_stat

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*=")
_STATE_NAME = re.compile(r"\.openclaw(-.+)?|\.clawdbot")
_PROFILE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.IGNORECASE)
_INTERPRETERS = frozenset({"node", "nodejs", "bun"})
_LIMIT = 1 << 20
_CAP_DAC_OVERRIDE = 1 << 1


def may_serve(pid: int, argv: Sequence[str], place: Place) -> bool:
    """Return whether a process may work on the locks beside the one at `place`."""
    if _has_ended(pid) or _is_powerless(pid, place):
        return False
    if shares_our_mounts(pid) is not True:
        return True  # what its paths mean can't be told from here
    env = _environment(pid)
    if env is not None:
        root = _root_by_environment(pid, env, argv)
        return root is None or real(root) == real(place.root)
    return _may_serve_by_traces(pid, argv, place)


def _has_ended(pid: int) -> bool:
    stat = read_stat(pid)
    return (
        stat.ended if stat is not None else os.path.isdir("/proc/self") and not os.path.exists(f"/proc/{pid}")
    )


def _is_powerless(pid: int, place: Place) -> bool:
    """Return whether a process may not change what is in the sessions directory, which only its owner may write."""
    status = read_file(f"/proc/{pid}/status", 4096)
    uids, power = (
        re.search(rb"^Uid:([\t\d]+)$", status, re.MULTILINE),
        re.search(rb"^CapEff:\t([0-9a-f]+)$", status, re.MULTILINE),
    )
    if uids is None or power is None or int(power[1], 16) & _CAP_DAC_OVERRIDE:
        return False
    try:
        owners = {0, os.geteuid(), *place.owners, os.stat(place.directory).st_uid, os.stat(place.root).st_uid}
    except OSError:
        return False
    return owners.isdisjoint(map(int, uids[1].split()))


def _environment(pid: int) -> Mapping[str, str] | None:
    """Return the environment that a process was started with; None where it can't be read or was overwritten."""
    raw = read_file(f"/proc/{pid}/environ", _LIMIT)
    words = os.fsdecode(raw.rstrip(b"\0")).split("\0")
    if not raw or len(raw) == _LIMIT or not all(map(_WORD.match, words)):
        return None
    # The first of two counts, as for getenv(3).
    return dict(word.split("=", 1) for word in reversed(words))


def _root_by_environment(pid: int, env: Mapping[str, str], argv: Sequence[str]) -> str | None:
    """Return the state directory that OpenClaw takes by its environment and arguments; None where they don't tell."""
    configured = env.get("OPENCLAW_STATE_DIR")
    if configured is not None:
        return configured.strip() if os.path.isabs(configured.strip()) else None
    if not os.path.isabs(account_home(env, "")) or os.path.exists(f"/proc/{pid}/cwd/.env"):
        return None
    home = home_of(env)
    profile = _profile(argv)
    if profile is None:
        return None
    return state_dir(env, home) if profile in ("", "default") else os.path.join(home, f".openclaw-{profile}")


def _profile(argv: Sequence[str]) -> str | None:
    """Return the profile that a command line asks for, empty for none; None where the command line was overwritten.

    `--profile X` leads to `<home>/.openclaw-X`, `--dev` is the profile `dev` (2026.4.5).
    """
    if len(argv) < 2 or os.path.basename(argv[0]) not in _INTERPRETERS or not os.path.isabs(argv[1]):
        return None
    words = iter(argv[2:])
    for word in words:
        if word == "--dev":
            return "dev"
        name, equals, value = word.partition("=")
        if name == "--profile":
            value = value if equals else next(words, "")
            return value if _PROFILE.fullmatch(value) else None
    return ""


def _may_serve_by_traces(pid: int, argv: Sequence[str], place: Place) -> bool:
    """Decide by what a process has open, then by its arguments, then by where it stands: the first that tells."""
    paths = open_paths(pid)
    everything = (*paths.files, *((paths.directory,) if paths.directory else ()))
    if not paths.complete or any(_lies_in(path, place) for path in everything):
        return True
    directory = () if paths.directory is None else (paths.directory,)
    for hints in (_roots_of(paths.files), _roots_by_profile(pid, argv), _roots_of(directory)):
        roots = {real(root) for root in hints}
        if roots:
            return len(roots) > 1 or real(place.root) in roots
    return True


def _lies_in(path: str, place: Place) -> bool:
    homes = (real(place.root), real(place.directory))
    return any(path == home or path.startswith(home + "/") for home in homes)


def _roots_of(paths: Iterable[str]) -> Iterator[str]:
    """Yield the roots in which paths lie, and those whose gateway locks they are."""
    for path in set(paths):
        lock = gateway_lock_at(path) if lock_kind(path) is LockKind.GATEWAY else None
        if lock is not None:
            yield lock.state_dir or os.path.dirname(lock.config_path)
        above = path
        while above != os.path.dirname(above) and not _is_state_directory(above):
            above = os.path.dirname(above)
        if above != os.path.dirname(above):
            yield above


def _is_state_directory(path: str) -> bool:
    """Return whether a directory is OpenClaw's, by its name or its configuration; an `agents` folder is in many."""
    names = (os.path.join(path, name) for name in CONFIG_NAMES)
    return _STATE_NAME.fullmatch(os.path.basename(path)) is not None or any(map(os.path.exists, names))


def _roots_by_profile(pid: int, argv: Sequence[str]) -> Iterator[str]:
    """Yield the root of the profile that is asked for, in the home of the process's account."""
    profile = _profile(argv)
    if profile:
        try:
            home = account_home({}, os.path.expanduser(f"~{_account(pid)}"))
        except (OSError, KeyError):
            return
        yield os.path.join(home, f".openclaw-{profile}")


def _account(pid: int) -> str:
    import pwd

    return pwd.getpwuid(os.stat(f"/proc/{pid}").st_uid).pw_name
