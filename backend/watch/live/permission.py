"""Whether a log command may be run: the one place that is asked."""

from __future__ import annotations

from lockdeck.backend.system.ownership import ownership_of


def why_not_run(config_file: str) -> str | None:
    """Say why the commands of a configuration file are not run; None where they may be.

    The command is the user's own: it stands in the user's configuration, gets the user's environment, and nothing of the
    root goes into it. So the file must be one that nobody else can change, and whose root is whose does not matter.
    """
    ownership = ownership_of(config_file)
    return None if ownership.ours else f"it is not run: {ownership.fault}"
