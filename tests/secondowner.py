"""A second account for tests: files of another uid, and children that run as it. Needs root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

UID = 4242
"""A uid that no account of the machine has."""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="files of a second owner can be made by root only")


def give_away(*paths: Path, uid: int = UID) -> None:
    """Let paths, with all that is below them, belong to another uid."""
    for path in paths:
        inner = [] if path.is_symlink() or not path.is_dir() else list(path.rglob("*"))
        for entry in (path, *inner):
            os.chown(entry, uid, uid, follow_symlinks=False)
