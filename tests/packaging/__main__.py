"""Build all that is handed out into `dist/`, install and start each: `python -m tests.packaging`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from lockdeck import __version__
from tests.folders import REPOSITORY
from tests.packaging.build import build_distributions, build_program
from tests.packaging.environment import Environment

DIST = REPOSITORY / "dist"


def main() -> int:
    """Build and try everything; the first thing that does not work ends it with its own words."""
    shutil.rmtree(DIST, ignore_errors=True)
    source, wheel = build_distributions(DIST)
    program = build_program(DIST, wheel)
    with tempfile.TemporaryDirectory(prefix="lockdeck-dist-") as folder:
        place = Path(folder)
        for package in (wheel, source):
            fresh = Environment(place / package.suffix[1:])
            fresh.pip("install", package)
            _try(package, place, fresh, (fresh.lockdeck,))
            _try(package, place, fresh, (fresh.python, "-m", "lockdeck"))
        bare = Environment(place / "bare")
        _try(program, place, bare, (bare.python, program))
    return 0


def _try(package: Path, place: Path, environment: Environment, command: tuple[object, ...]) -> None:
    """Start an installed lockdeck: its version, what it says of an empty root, the demo with its processes."""
    home = place / "home"
    root = home / "root"
    (root / "agents").mkdir(parents=True, exist_ok=True)
    words = {"SHIV_ROOT": str(place / "shiv")}
    version = environment.run(*command, "--version", folder=home, env=words)
    status = environment.run(*command, "status", root, folder=home, env=words)
    demo = environment.run(*command, "demo", "--for", "1", folder=home, env=words)
    if (
        demo.returncode
        or not version.stdout.endswith(f"version {__version__}\n")
        or "0 sessions; 0 locks" not in status.stdout
    ):
        sys.exit(f"{package.name} does not start: {version}\n{status}\n{demo}")
    size = package.stat().st_size / 1e6
    print(f"{package.name} ({size:.1f} MB) starts as {' '.join(Path(str(word)).name for word in command)}")


sys.exit(main())
