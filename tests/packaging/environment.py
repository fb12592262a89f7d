"""A virtual environment of its own, in which something is installed and started."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path


class Environment:
    """A fresh environment. `libraries`: a folder whose packages it may import too, after its own."""

    def __init__(self, folder: Path, libraries: str | None = None) -> None:
        venv.create(folder, symlinks=True)
        self.python = folder / "bin" / "python"
        self.lockdeck = folder / "bin" / "lockdeck"
        if libraries is not None:
            (packages,) = folder.glob("lib/python3*/site-packages")
            (packages / "libraries.pth").write_text(libraries + "\n")

    def pip(self, *words: object) -> None:
        """Run pip on this environment; it needs none of its own."""
        command = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(self.python),
            "--disable-pip-version-check",
            "-q",
        ]
        subprocess.run([*command, *map(str, words)], check=True)

    def run(
        self, *words: object, folder: Path, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program from a folder that is also its home."""
        full = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **(env or {})}
        command = [str(word) for word in words]
        return subprocess.run(command, cwd=folder, env=full, capture_output=True, text=True, timeout=100)
