"""The budgets of one root: what its files may cost us. Past one of them the root is unseen, and the others go on.

A root may be broken or hostile, and one process watches many.
"""

from __future__ import annotations

CONFIG_BYTES = 2 << 20
"""The config with all its includes and variable files; each reading of a file counts."""
CONFIG_INCLUDES = 32
CONFIG_DEPTH = 64
"""How deep objects and lists may be nested, includes put in."""
CONFIG_VALUES = 100_000
"""Objects, lists and single values in a config, includes put in; real ones have some hundreds."""
CONFIG_VARIABLES = 4096
"""How often a config may use `${NAME}`."""
CONFIG_EXPANDED_BYTES = 1 << 20
"""Characters that all the values of variables in a config may have together."""
CONFIG_NOTES = 16
"""So many variables and includes that are missing are named; the others are counted."""
STORE_BYTES = 64 << 20
"""A session store larger than this is not read; 10,000 sessions with their snapshots were seen to need 50 MB."""
STORE_ENTRIES = 120_000
"""Sessions in all stores of one root; 100,000 are watched in linear time, a picture of each costs some 5 KB."""
STORE_KEYS = 2_000_000
"""Keys, nested ones too, in one store: so many are counted before anything is built of them."""

STORE_DIRECTORIES = 64
"""How many directories `session.store` may name one below the other."""
AGENTS = 50_000
"""Agents of one root, those with a folder and those that only the config names."""
WAY_NAMES = 500_000
"""Names on the ways to sessions directories that are looked at for links, each once, in a root that is not ours."""
HIDDEN_NAMES = 16
"""So many places that hide sessions are named; the others are counted."""
LOCKS = 120_000
"""Locks in one root; of each a hash is kept and not what stands in it, which others write."""
READ_S = 5.0
"""Seconds for each step of a look at one root (its configuration, stores, locks, logs): a file system may answer never."""
ERA_PAGES = 32_768
"""Pages of schemas that are looked at in the databases of one root."""
ERA_BYTES = 128 << 20
"""Bytes of schemas and write-ahead logs that are read in the databases of one root; the first with sessions decides."""


class BudgetError(ValueError):
    """A budget is used up; the message says which, of what."""
