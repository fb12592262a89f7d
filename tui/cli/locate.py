"""Where lockdeck keeps what: answers `lockdeck locate`."""

from __future__ import annotations

import os


def places(config: str | None) -> dict[str, str]:
    """Return the paths of configuration, themes, journal and quarantine, by name."""
    from lockdeck import themes
    from lockdeck.backend.settings.settings import config_path
    from lockdeck.backend.system.folders import config_dir, state_dir

    state = state_dir()
    return {
        "config": config or config_path(),
        "themes": os.path.join(config_dir(), "themes"),
        "bundledThemes": os.path.dirname(os.path.abspath(themes.__file__)),
        "state": state,
        "journal": os.path.join(state, "journal.jsonl"),
        "quarantine": os.path.join(state, "quarantine"),
    }
