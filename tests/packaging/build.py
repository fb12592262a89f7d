"""Builds what is handed out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.folders import REPOSITORY

CONSTRAINTS = REPOSITORY / "constraints.txt"


def build_wheel(folder: Path, source: Path = REPOSITORY) -> Path:
    """Build the wheel of a source tree with what is installed here: nothing is downloaded."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, stdout=subprocess.PIPE)
    (wheel,) = folder.glob("*.whl")
    return wheel


def build_distributions(folder: Path) -> tuple[Path, Path]:
    """Build the source distribution, and from it the wheel, as PyPI's users do: in environments of their own."""
    subprocess.run([sys.executable, "-m", "build", "-o", str(folder), str(REPOSITORY)], check=True)
    (source,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return source, wheel


def build_program(folder: Path, wheel: Path) -> Path:
    """Put the wheel and all it needs, native code included, into one file for this Python and this system."""
    program = folder / "lockdeck.pyz"
    shiv = [sys.executable, "-m", "shiv", "-c", "lockdeck", "-o", str(program), "--reproducible"]
    subprocess.run([*shiv, "--", "-q", "-c", str(CONSTRAINTS), str(wheel)], check=True)
    return program
