"""A real OpenClaw release and a Node to run it, from the npm registry, kept outside any repository.

The cache is `$LOCKDECK_LIVE_CACHE` or `~/.cache/lockdeck-live`; one folder per release and one for Node.
Install scripts stay off: nothing of a package runs before the gateway itself is started.
`python -m tests.live.install VERSION...` fills the cache ahead of the tests.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

CACHE = Path(os.environ.get("LOCKDECK_LIVE_CACHE") or Path.home() / ".cache" / "lockdeck-live")
"""Where releases are kept; a test's own home, in which nothing is installed yet, comes later than this module."""
NPM_SECONDS = 900
NODE_MAJOR = 24
# A later linkedom asks for a package that registries do not carry; libsignal is a git dependency without the second.
OVERRIDES = {"linkedom": "0.18.12", "libsignal": "npm:libsignal@2.0.1"}
# 2026.3 and 2026.4 load the bundled channel plugins at start, but do not depend on their packages.
CHANNEL_PACKAGES = (
    "@buape/carbon@0.14.0",
    "@discordjs/voice@^0.19.2",
    "@grammyjs/runner@^2.0.3",
    "@grammyjs/transformer-throttler@^1.2.1",
    "@larksuiteoapi/node-sdk@^1.60.0",
    "@matrix-org/matrix-sdk-crypto-nodejs@^0.4.0",
    "@slack/bolt@^4.6.0",
    "@slack/web-api@^7.15.0",
    "discord-api-types@^0.38.44",
    "grammy@^1.41.1",
    "opusscript@^0.1.1",
)
NEEDS_CHANNEL_PACKAGES = ("2026.3.", "2026.4.")


class InstallError(Exception):
    """OpenClaw or its Node is not to be had; the text names the step that failed and why."""


@dataclass(frozen=True, slots=True)
class Release:
    """One installed OpenClaw: `node` runs `entry` (openclaw.mjs); `cache` is shared by all releases."""

    version: str
    node: Path
    entry: Path
    cache: Path


def install(version: str) -> Release:
    """Return the release, installing what is missing; InstallError when it is not to be had.

    Two runs at once do not collide: the second waits until the first has finished.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    node_folder, folder = CACHE / f"node{NODE_MAJOR}", CACHE / version
    # What is whole waits for no other installation, which may take minutes.
    if all((each / ".ready").exists() for each in (node_folder, folder)) and _missing_native(folder) is None:
        return Release(version, _node(node_folder), _openclaw(folder, version), CACHE)
    try:
        with FileLock(CACHE / "install.lock", timeout=2 * NPM_SECONDS):
            node = _node(node_folder)
            entry = _openclaw(folder, version)
            with suppress(InstallError):
                _native(folder)
    except Timeout as error:
        raise InstallError(f"another installation into {CACHE} did not finish: {error}") from error
    return Release(version, node, entry, CACHE)


def _node(folder: Path) -> Path:
    package = f"node-{_system()}-{_machine()}"
    node = folder / "node_modules" / package / "bin" / "node"
    if not (folder / ".ready").exists():
        _npm_install(folder, {}, (f"{package}@{NODE_MAJOR}",))
        _must_answer((str(node), "--version"), f"Node {NODE_MAJOR} from {package}")
        (folder / ".ready").touch()
    return node


def _openclaw(folder: Path, version: str) -> Path:
    package = folder / "node_modules" / "openclaw"
    if not (folder / ".ready").exists():
        extra = CHANNEL_PACKAGES if version.startswith(NEEDS_CHANNEL_PACKAGES) else ()
        _npm_install(folder, OVERRIDES, (f"openclaw@{version}", *extra))
        found = json.loads((package / "package.json").read_text())["version"]
        if found != version:
            raise InstallError(f"asked npm for openclaw {version}, got {found}")
        (folder / ".ready").touch()
    return package / "openclaw.mjs"


def _native(folder: Path) -> None:
    """Add fs-safe's prebuilt binding where npm left it out: without it 2026.9.6 migrates no older state."""
    package = _missing_native(folder)
    if package is None:
        return
    name = package.rpartition("@")[0]
    aside = folder / ".native"
    _npm_install(aside, {}, (package,))
    (aside / "node_modules" / name).rename(folder / "node_modules" / name)
    shutil.rmtree(aside)


def _missing_native(folder: Path) -> str | None:
    """Return fs-safe's binding for this machine as npm names it; None where it is there, or none is wanted."""
    told = folder / "node_modules" / "@openclaw" / "fs-safe" / "package.json"
    wanted = json.loads(told.read_text()).get("optionalDependencies", {}) if told.exists() else {}
    libc = {"Linux": "-gnu" if platform.libc_ver()[0] == "glibc" else "-musl"}.get(platform.system(), "")
    name = f"@openclaw/fs-safe-{_system()}-{_machine()}{libc}"
    there = (folder / "node_modules" / name).exists()
    return None if name not in wanted or there else f"{name}@{wanted[name]}"


def _npm_install(folder: Path, overrides: dict[str, str], packages: tuple[str, ...]) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise InstallError("npm is not on PATH")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"private": True, "overrides": overrides}))
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", "--loglevel=error")
    try:
        done = subprocess.run(
            (npm, "install", *options, *packages),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=NPM_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(f"npm install {packages[0]}: {error}") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.split())
        raise InstallError(f"npm install {packages[0]}: exit {done.returncode}: {said[:400]}")


def _must_answer(command: tuple[str, ...], what: str) -> None:
    try:
        subprocess.run(command, capture_output=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise InstallError(f"{what} does not run: {error}") from error


def _system() -> str:
    return {"Linux": "linux", "Darwin": "darwin"}.get(platform.system(), platform.system().lower())


def _machine() -> str:
    return {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        print(install(wanted))
