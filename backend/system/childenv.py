"""The environment of commands that a root's configuration or a cancel causes: what they need to run, and none of our secrets.

Commands that lockdeck's own configuration names inherit the whole environment; these do not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

_NAMES = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TMP", "TEMP"),
        # How `systemctl --user`, docker and podman find whom they speak to.
        *("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DBUS_SESSION_BUS_ADDRESS"),
        *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "CONTAINER_HOST"),
    }
)
_PREFIXES = ("LC_", "OPENCLAW_")
_HIDDEN = frozenset({"OPENCLAW_GATEWAY_URL", "OPENCLAW_GATEWAY_TOKEN", "OPENCLAW_GATEWAY_PASSWORD"})
"""OpenClaw's command resolves these itself; ours may be those of another gateway."""


def minimal_environment(env: Mapping[str, str], names: Collection[str] = ()) -> dict[str, str]:
    """Return the part of `env` that such a command gets; `names` are those that our own root's config uses."""
    return {
        name: value
        for name, value in env.items()
        if name not in _HIDDEN and (name in _NAMES or name in names or name.startswith(_PREFIXES))
    }
