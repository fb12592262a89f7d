"""Every test here has a machine of its own."""

from tests.isolation import own_folders, own_processes

__all__ = ["own_folders", "own_processes"]
